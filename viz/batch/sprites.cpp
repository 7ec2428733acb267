// Drawing sheets of sprites and their index.
#include "viz/batch/sprites.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "viz/batch/job_list.h"
#include "viz/image/image.h"
#include "weights/file.h"

namespace limpid {

namespace {

constexpr int64_t kMostSheetPixels = int64_t(256) << 20;

constexpr struct {
    const char* layer;
    int64_t columns;
} kArticleColumns[] = {{"mixed3a", 16}, {"mixed3b", 21}, {"mixed4a", 22}, {"mixed4b", 22},
                       {"mixed4c", 22}, {"mixed4d", 22}, {"mixed4e", 28}, {"mixed5a", 28}};

}  // namespace

int64_t sprite_columns(const std::string& layer, int64_t channels) {
    for (const auto& row : kArticleColumns)
        if (layer == row.layer) return row.columns;
    return std::max<int64_t>(1, int64_t(std::ceil(std::sqrt(double(channels)))));
}

std::string write_sprites(const std::string& folder, const SpriteSheet& sheet, int64_t cell_px) {
    const int64_t columns = sprite_columns(sheet.layer, sheet.channels);
    const int64_t rows = (sheet.channels + columns - 1) / columns;
    if (columns * cell_px > kMostSheetPixels / std::max<int64_t>(1, rows * cell_px))
        throw Error(concat("the sheet of ", sheet.layer, " would have ", columns * cell_px, "x", rows * cell_px,
                           " pixels; choose smaller cells"));
    HostTensor picture({1, rows * cell_px, columns * cell_px, 3}, 1.0f);
    nlohmann::ordered_json channels = nlohmann::ordered_json::object();
    for (const auto& [channel, file] : sheet.files) {
        const HostTensor cell = resize(flatten(load_image(folder + "/" + file)).view(), cell_px, cell_px);
        const int64_t column = channel % columns, row = channel / columns;
        for (int64_t y = 0; y < cell_px; y++)
            std::copy_n(&cell.at(0, y, 0, 0), cell_px * 3, &picture.at(0, row * cell_px + y, column * cell_px, 0));
        channels[std::to_string(channel)] = {{"column", column}, {"row", row}, {"file", "../" + file}};
    }
    const std::string stem = folder + "/sprites/" + layer_file_name(sheet.layer);
    std::filesystem::create_directories(folder + "/sprites");
    write_png(stem + ".png", picture.view());
    const nlohmann::ordered_json index{
        {"layer", sheet.layer}, {"columns", columns}, {"cell_px", cell_px}, {"channels", std::move(channels)}};
    write_file_atomically(stem + ".json", as_bytes(index.dump(1) + "\n"));
    return stem + ".png";
}

}  // namespace limpid
