// Drawing sheets of sprites and their index.
#include "viz/batch/sprites.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/error.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "viz/objective/terms.h"
#include "weights/file.h"

namespace limpid {

namespace {

constexpr int64_t kMostSheetPixels = int64_t(256) << 20;

// What a picture of a unit is rendered with, whichever the unit.
std::string settings(nlohmann::ordered_json parameters) {
    if (parameters.is_object()) parameters.erase("objective");
    return to_json_text(parameters);
}

}  // namespace

int64_t sprite_columns(const Net& net, const std::string& layer, int64_t channels) {
    if (const auto said = net.columns.find(layer); said != net.columns.end()) return said->second;
    return std::max<int64_t>(1, int64_t(std::ceil(std::sqrt(double(channels)))));
}

std::optional<ShownUnit> unit_of(const Objective& objective) {
    if (objective.kind() != Objective::Kind::term || objective.term().name != "channel" ||
        objective.arguments().size() != 2)
        return std::nullopt;
    return ShownUnit{std::get<std::string>(objective.arguments().at("layer")),
                     std::get<int64_t>(objective.arguments().at("channel"))};
}

std::optional<ShownUnit> recorded_unit(const ManifestEntry& entry) {
    try {
        return unit_of(parse_objective(entry.objective));
    } catch (const Error&) {
        return std::nullopt;
    }
}

std::vector<SpriteSheet> sheets_of(const std::vector<Job>& jobs, const ManifestContents& contents, const Net& net) {
    std::map<std::string, SpriteSheet> sheets;
    std::set<std::string> unfinished;
    std::set<std::pair<std::string, std::string>> wanted;  // layer and settings
    FileDigests read;
    for (const Job& job : jobs) {
        const std::optional<ShownUnit> unit = unit_of(job.objective);
        if (!unit) continue;
        const std::string text = description(job, net, &read);
        const auto found = contents.finished.find(identity_of(text));
        if (found == contents.finished.end()) {
            unfinished.insert(unit->layer);
            continue;
        }
        SpriteSheet& sheet = sheets[unit->layer];
        sheet.files.emplace(unit->channel, found->second.file);
        sheet.devices.insert(found->second.device);
        wanted.emplace(unit->layer, settings(from_json_text(text)));
    }
    for (const std::string& layer : unfinished) sheets.erase(layer);
    for (auto& [layer, sheet] : sheets) {
        sheet.layer = layer;
        sheet.channels = channels_of(net, layer);
        sheet.columns = sprite_columns(net, layer, sheet.channels);
    }
    for (const auto& [identity, entry] : contents.finished) {
        const std::optional<ShownUnit> unit = recorded_unit(entry);
        const auto sheet = unit ? sheets.find(unit->layer) : sheets.end();
        if (sheet == sheets.end() || unit->channel < 0 || unit->channel >= sheet->second.channels) continue;
        const nlohmann::ordered_json line = from_json_text(entry.line);
        if (wanted.contains({unit->layer, settings(line.value("parameters", nlohmann::ordered_json()))}))
            if (sheet->second.files.emplace(unit->channel, entry.file).second)
                sheet->second.devices.insert(entry.device);
    }
    std::vector<SpriteSheet> result;
    for (auto& [layer, sheet] : sheets) result.push_back(std::move(sheet));
    return result;
}

std::string sprites_of(const std::string& folder, const std::string& layer) {
    return folder + "/sprites/" + layer_file_name(layer);
}

std::string write_sprites(const std::string& folder, const SpriteSheet& sheet, int64_t cell_px) {
    const int64_t columns = sheet.columns;
    const int64_t rows = (sheet.channels + columns - 1) / columns;
    if (columns * cell_px > kMostSheetPixels / std::max<int64_t>(1, rows * cell_px))
        throw Error(concat("the sheet of ", sheet.layer, " would have ", columns * cell_px, "x", rows * cell_px,
                           " pixels; choose smaller cells"));
    HostTensor picture({1, rows * cell_px, columns * cell_px, 3}, 1.0f);
    nlohmann::ordered_json channels = nlohmann::ordered_json::object();
    for (const auto& [channel, file] : sheet.files) {
        const RasterImage raster = load_raster(folder + "/" + file);
        const HostTensor cell = resize(flat_rows(raster), cell_px, cell_px);
        const int64_t column = channel % columns, row = channel / columns;
        for (int64_t y = 0; y < cell_px; y++)
            std::copy_n(&cell.at(0, y, 0, 0), cell_px * 3, &picture.at(0, row * cell_px + y, column * cell_px, 0));
        channels[std::to_string(channel)] = {{"column", column}, {"row", row}, {"file", "../" + file}};
    }
    const std::string stem = sprites_of(folder, sheet.layer);
    create_folder(folder + "/sprites");
    write_png(stem + ".png", picture.view());
    const nlohmann::ordered_json index{{"layer", sheet.layer},
                                       {"columns", columns},
                                       {"cell_px", cell_px},
                                       {"devices", sheet.devices},
                                       {"channels", std::move(channels)}};
    write_file_atomically(stem + ".json", as_bytes(to_json_text(index, 1) + "\n"));
    return stem + ".png";
}

}  // namespace limpid
