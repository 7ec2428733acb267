// limpid dictionary: the channels that answer most at every position of a photo, as JSON and as heat maps.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/photo_input.h"
#include "tools/run_options.h"
#include "viz/attribution/section.h"
#include "viz/dictionary/dictionary.h"
#include "viz/image/heat.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

struct DictionaryArguments {
    RunArguments run;
    PhotoArguments photo;
    std::string layer, out = "dictionary.png";
    int64_t top = 4;
};

// {1,h,w,1}: channel c, or for c = -1 the squared norm over all, which tells strong from weak better than the norm.
HostTensor channel_map(const HostTensor& activations, int64_t c) {
    const Shape s = activations.shape;
    HostTensor map({1, s.h, s.w, 1});
    for (int64_t p = 0; p < s.pixels(); p++) {
        const float* pixel = activations.values.data() + p * s.c;
        double sum = 0;
        for (int64_t i = 0; i < s.c && c < 0; i++) sum += double(pixel[i]) * double(pixel[i]);
        map.values[size_t(p)] = c < 0 ? float(sum) : pixel[c];
    }
    return map;
}

// The fields of the JSON, after those of provenance():
//   layer, shape [h, w, c]
//   initial_pos_xy [x, y]   the position of the largest activation, where the article starts
//   max                     that activation: the unit of the bars
//   top [y][x][i]           [channel, value], descending
ordered_json to_json(const Dictionary& d, const std::string& layer, Shape s) {
    ordered_json rows = ordered_json::array();
    for (int64_t y = 0; y < d.rows; y++) {
        ordered_json row = ordered_json::array();
        for (int64_t x = 0; x < d.columns; x++) {
            ordered_json entries = ordered_json::array();
            for (const DictionaryEntry& entry : d.at(y, x)) entries.push_back({entry.channel, entry.value});
            row.push_back(entries);
        }
        rows.push_back(row);
    }
    return {{"layer", layer},
            {"shape", {s.h, s.w, s.c}},
            {"initial_pos_xy", {d.initial_x, d.initial_y}},
            {"max", d.most},
            {"top", rows}};
}

ExitStatus write_dictionary(DictionaryArguments a) {
    const std::string json_path = json_beside(a.out);
    refuse_trace(a.run);
    check_files(a.run, {a.out, json_path}, {a.photo.path});
    const Net net = load_net(a.run);
    a.layer = usual_layer(net, a.layer);
    const HostTensor photo = load_photo(a.photo, net);
    Stream stream = open_stream(a.run);
    const Inspection inspection(a.run, stream);
    const HostTensor values = activations(net, {a.layer}, photo, stream, inspection.options())[0];
    // Entries as numbers and as JSON; a picture of each channel, made, laid out and encoded; both are there at once.
    const auto shown = size_t(std::min(a.top, values.shape.c)), positions = size_t(values.shape.pixels());
    check_memory(stream, positions * shown * 160 + (shown + 2) * size_t(photo.shape.size()) * 3 * sizeof(float),
                 concat("a dictionary of ", positions, " positions with ", shown, " channels each"),
                 "a smaller picture or --top needs less");
    const Dictionary dictionary = make_dictionary(values, a.top);
    ordered_json result = provenance(a.photo, photo, net, stream);
    result.update(to_json(dictionary, a.layer, values.shape));

    const std::vector<DictionaryEntry>& first = dictionary.at(dictionary.initial_y, dictionary.initial_x);
    const HostTensor seen = visible(net, photo);
    std::vector<HostTensor> pictures{seen, heat_over(seen.view(), channel_map(values, -1))};
    for (const DictionaryEntry& entry : first)
        pictures.push_back(heat_over(seen.view(), channel_map(values, entry.channel)));
    std::vector<ConstView> views;
    for (const HostTensor& picture : pictures) views.push_back(picture.view());
    const HostTensor picture = tile(views, int64_t(views.size()), 4);
    keep_results();
    write_png(a.out, picture.view());
    write_json(json_path, result);
    announce_choice(a.run, net, stream);
    std::cout << a.out << "\n"
              << json_path << "\nat row " << dictionary.initial_y << ", column " << dictionary.initial_x << ":";
    for (const DictionaryEntry& entry : first)
        std::cout << "  " << a.layer << ':' << entry.channel << ' ' << entry.value;
    std::cout << '\n';
    return kDone;
}

}  // namespace

Run declare_dictionary(CLI::App& app) {
    const auto a = std::make_shared<DictionaryArguments>();
    declare_photo(app, a->photo);
    app.add_option("--layer", a->layer, "the layer; by default mixed4d, or the last inception block");
    app.add_option("--top", a->top, "channels per position")->check(CLI::Range(1, 100000))->capture_default_str();
    app.add_option(
           "-o,--out", a->out,
           "a picture: the photo, the strength of the layer over it, and the channels of the strongest position; "
           "a .json beside it lists every position")
        ->capture_default_str();
    declare_run_options(app, a->run);
    return [a] { return write_dictionary(*a); };
}

}  // namespace limpid
