// limpid world: pictures of the procedural world, with what is known about them.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "nets/world/world.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/memory_limit.h"
#include "tools/version.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "weights/file.h"
#include "weights/outputs.h"

namespace limpid {

namespace {

struct WorldArguments {
    std::string out = "world.png", pattern, max_memory;
    uint64_t seed = 0;
    uint32_t first = 0;
    int64_t count = 0, size = kWorldSize, columns = 0;
    int composite = 0;
    bool masks = false, list = false;
};

struct WorldPicture {
    HostTensor image;
    std::vector<int> patterns;
    std::vector<HostTensor> masks;
};

WorldPicture picture_of(const WorldArguments& a, uint32_t index, int pattern) {
    if (a.composite > 0) {
        Composite c = paint_composite(a.seed, index, a.composite, a.size);
        return {std::move(c.image), std::move(c.patterns), std::move(c.masks)};
    }
    WorldPicture picture;
    picture.image = HostTensor({1, a.size, a.size, 3});
    picture.masks.emplace_back(Shape{1, a.size, a.size, 1});
    picture.patterns = {pattern};
    paint_pattern(a.seed, index, pattern, picture.image.view(), picture.masks[0].view());
    return picture;
}

int find_pattern(const std::string& name) {
    const auto found = std::ranges::find(kPatternNames, name);
    if (found == kPatternNames.end())
        throw UsageError(concat("--pattern ", name, ": not a pattern; did you mean ",
                                nearest_names(name, {kPatternNames.begin(), kPatternNames.end()}), "? see --list"));
    return int(found - kPatternNames.begin());
}

std::string file_of(uint32_t index, const std::string& suffix) {
    const std::string digits = std::to_string(index);
    return std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits + suffix;
}

// A folder with a picture and a mask for each pattern in it, and labels.json: of those that there was time for.
ExitStatus write_folder(const WorldArguments& a, int64_t count, const std::function<WorldPicture(int64_t)>& paint) {
    keep_results();
    create_folder(a.out);
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (int64_t i = 0; i < count && !interrupted(); i++) {
        const WorldPicture picture = paint(i);
        const uint32_t index = a.first + uint32_t(i);
        write_png(a.out + "/" + file_of(index, ".png"), picture.image.view());
        nlohmann::ordered_json shown = nlohmann::ordered_json::array();
        for (size_t k = 0; k < picture.patterns.size(); k++) {
            const std::string mask = file_of(index, concat("-mask", k, ".png"));
            write_png(a.out + "/" + mask, picture.masks[k].view());
            const int pattern = picture.patterns[k];
            shown.push_back(
                {{"class", pattern}, {"label", std::string(kPatternNames[size_t(pattern)])}, {"mask", mask}});
        }
        list.push_back({{"picture", file_of(index, ".png")}, {"index", index}, {"patterns", shown}});
    }
    const nlohmann::ordered_json labels{
        {"seed", a.seed}, {"size", a.size}, {"version", LIMPID_VERSION}, {"pictures", list}};
    write_file_atomically(a.out + "/labels.json", as_bytes(to_json_text(labels, 1) + "\n"));
    std::cout << a.out << "/labels.json\n";
    if (int64_t(list.size()) == count) return kDone;
    std::cerr << "limpid world: interrupted after " << list.size() << " of " << count << " pictures\n";
    return kPartlyDone;
}

// What the masks say, as pixels: black outside.
HostTensor masked(const WorldPicture& picture) {
    HostTensor result = picture.image;
    for (int64_t i = 0; i < result.shape.pixels(); i++) {
        float any = 0;
        for (const HostTensor& mask : picture.masks) any += mask.values[size_t(i)];
        for (int64_t c = 0; c < 3; c++) result.values[size_t(3 * i + c)] *= any;
    }
    return result;
}

void write_sheet(const WorldArguments& a, const std::vector<WorldPicture>& pictures, int64_t columns) {
    std::vector<HostTensor> shown;
    std::vector<ConstView> views;
    for (const WorldPicture& picture : pictures) {
        shown.push_back(picture.image);
        if (a.masks) shown.push_back(masked(picture));
    }
    for (const HostTensor& picture : shown) views.push_back(picture.view());
    const HostTensor sheet = tile(views, columns, 4);
    keep_results();
    write_png(a.out, sheet.view());
    std::cout << a.out << '\n';
}

ExitStatus write_world(const WorldArguments& a) {
    if (a.list) {
        for (const std::string_view name : kPatternNames) std::cout << name << '\n';
        return kDone;
    }
    if (a.composite > 0 && !a.pattern.empty())
        throw UsageError("--composite draws its patterns itself; drop --pattern");
    const bool sheet = a.out.ends_with(".png");
    if (sheet) check_outputs({a.out}, {});
    // A sheet without wishes: a row for each pattern.
    const bool rows = sheet && a.composite == 0 && a.pattern.empty() && a.count == 0;
    const int64_t per_row = a.columns > 0 ? a.columns : a.masks ? 12 : 10, each = a.masks ? per_row / 2 : per_row;
    const int64_t count = rows ? kPatterns * each : a.count > 0 ? a.count : 100;
    const int fixed = a.pattern.empty() ? -1 : find_pattern(a.pattern);
    const auto paint = [&](int64_t i) {
        const uint32_t index = a.first + uint32_t(i);
        return picture_of(a, index, rows ? int(i / each) : fixed >= 0 ? fixed : pattern_of(a.seed, index));
    };
    if (!sheet) return write_folder(a, count, paint);
    // Of each picture: itself, its masks, what is shown of both, and its place on the sheet in floats and bytes.
    const double floats = 3 + std::max(1, a.composite) + 2.5 * (a.masks ? 6 : 3);
    check_memory(a.max_memory, floats * sizeof(float) * double(a.size * a.size) * double(count),
                 concat("a sheet of ", count, " pictures"), "fewer (--count) or smaller ones need less");
    std::vector<WorldPicture> pictures;
    for (int64_t i = 0; i < count; i++) {
        interrupt_stop().check();
        pictures.push_back(paint(i));
    }
    write_sheet(a, pictures, rows && a.masks ? 2 * each : per_row);
    return kDone;
}

}  // namespace

Run declare_world(CLI::App& app) {
    const auto a = std::make_shared<WorldArguments>();
    app.add_option("-o,--out", a->out, "a sheet (.png), or a folder for pictures, masks and labels.json")
        ->capture_default_str();
    app.add_option("--seed", a->seed, "of the world: the same seed and index make the same picture")
        ->capture_default_str();
    app.add_option("--first", a->first, "index of the first picture")->capture_default_str();
    app.add_option("-n,--count", a->count, "how many; 0: a row of each pattern on a sheet, 100 in a folder")
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    app.add_option("--size", a->size, "pixels")->check(CLI::Range(8, 1024))->capture_default_str();
    app.add_option("--pattern", a->pattern, "of this one only");
    app.add_option("--composite", a->composite, "this many patterns (2 to 4) in each picture")->check(CLI::Range(2, 4));
    app.add_option("--columns", a->columns, "of a sheet; 0: ten or twelve")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    app.add_flag("--masks", a->masks, "on a sheet, beside each picture its masked pixels");
    app.add_flag("--list", a->list, "name the patterns, in the order of their numbers");
    declare_memory_option(app, a->max_memory);
    return [a] { return write_world(*a); };
}

}  // namespace limpid
