// limpid groups: a photo's activations as few groups of neurons, what they do for classes and for groups of other
// layers.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <tuple>

#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/photo_input.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "viz/factor/groups.h"
#include "viz/grid/grid.h"
#include "viz/image/heat.h"
#include "viz/image/image.h"
#include "viz/image/visible.h"
#include "viz/report/overlay.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

struct GroupsArguments {
    RunArguments run;
    PhotoArguments photo;
    std::string layer, earlier, out = "groups.png", arrays;
    std::vector<std::string> targets;
    int64_t count = 6, earlier_count = 6, icon_size = 80, icon_steps = 512, overlay_steps = 0;
    uint64_t seed = 0;
    GroupOrder order = GroupOrder::centre;
    bool align = false, quiet = false;
};

const std::map<std::string, GroupOrder> kOrders{
    {"centre", GroupOrder::centre}, {"peak", GroupOrder::peak}, {"none", GroupOrder::none}};

// What the groups do for a target.
struct NamedShares {
    std::string name;
    std::vector<double> shares;  // per group
};

std::vector<NamedShares> shares_of_targets(const GroupsArguments& a, const Net& net, const std::string& layer,
                                           const HostTensor& values, const Groups& groups, Stream& stream) {
    std::vector<NamedShares> result;
    for (const std::string& text : a.targets) {
        const Target target = parse_target(net, text);
        Section section(net, layer, values.shape, target.layer, stream);
        result.push_back({to_string(target), group_shares(groups, gradient(section, values, target))[0]});
    }
    return result;
}

// The fields of a layer, those of the article's info.json first: layer, n_groups, each_group [{magnitude, channels
// [[channel, weight] x 10], spatial [y][x]}], order, iterations.
ordered_json to_json(const GroupsArguments& a, const std::string& layer, const Groups& groups) {
    ordered_json each = ordered_json::array();
    const std::vector<double> sizes = magnitudes(groups);
    const Shape s = groups.spatial.shape;
    const int64_t channels = groups.channel.shape.c;
    for (int64_t i = 0; i < groups.count(); i++) {
        ordered_json spatial = ordered_json::array(), top = ordered_json::array();
        for (int64_t y = 0; y < s.h; y++) {
            ordered_json row = ordered_json::array();
            for (int64_t x = 0; x < s.w; x++) row.push_back(groups.spatial.at(0, y, x, i));
            spatial.push_back(row);
        }
        std::vector<int64_t> order(static_cast<size_t>(channels));
        std::iota(order.begin(), order.end(), 0);
        const auto weight = [&](int64_t c) { return groups.channel.at(0, 0, i, c); };
        std::ranges::stable_sort(order, [&](int64_t b, int64_t c) { return weight(b) > weight(c); });
        for (int64_t k = 0; k < std::min<int64_t>(10, channels); k++)
            top.push_back({order[size_t(k)], weight(order[size_t(k)])});
        each.push_back({{"magnitude", sizes[size_t(i)]}, {"channels", top}, {"spatial", spatial}});
    }
    std::string order;
    for (const auto& [name, value] : kOrders)
        if (value == a.order) order = name;
    return {{"layer", layer},
            {"n_groups", groups.count()},
            {"each_group", each},
            {"order", order},
            {"iterations", groups.iterations}};
}

// {"output": {"967": {"attribution": {"mixed4d": [share of each group]}}}}: by the number of a class, as in the
// article, or by the text of any other target.
void add_shares(const GroupsArguments& a, const Net& net, const std::string& layer,
                const std::vector<NamedShares>& shares, ordered_json& result) {
    for (size_t i = 0; i < shares.size(); i++) {
        const Target target = parse_target(net, a.targets[i]);
        const bool one_class = target.terms.size() == 1 && target.terms[0].kind == Target::Kind::logit;
        const std::string key = one_class ? std::to_string(target.terms[0].channel) : shares[i].name;
        result["output"][key]["target"] = shares[i].name;
        result["output"][key]["attribution"][layer] = shares[i].shares;
    }
}

void write_row(const std::string& path, const HostTensor& pictures) {
    std::vector<ConstView> views;
    for (int64_t i = 0; i < pictures.shape.n; i++) views.push_back(pictures.view().image(i));
    write_png(path, tile(views, pictures.shape.n, 0).view());
    std::cout << path << '\n';
}

// NAME-icons.png: what each group looks like, side by side.
bool write_icons(const GroupsArguments& a, const Net& net, const std::string& layer, const Groups& groups,
                 const std::string& path, Stream& stream, const RunOptions& run_options) {
    bool complete = true;
    HostTensor icons;
    {
        Progress progress("icons of " + layer, a.quiet);
        const auto watcher = [&](const RenderProgress& p) {
            progress.report(p.done, p.total, concat("score ", p.score));
            return complete = !interrupted();
        };
        icons = group_icons(net, layer, groups, a.icon_size, a.icon_steps, a.seed, stream, watcher, run_options);
    }
    write_row(path, visible(net, icons));
    return complete;
}

// NAME-overlays.png: the photo with each group dreamed into it where it fires, side by side.
bool write_overlays(const GroupsArguments& a, const Net& net, const std::string& layer, const HostTensor& photo,
                    const Groups& groups, const std::string& path, Stream& stream, const RunOptions& run_options) {
    OverlayOptions options;
    options.steps = a.overlay_steps;
    options.seed = a.seed;
    std::optional<HostTensor> dreams;
    {
        Progress progress("overlays of " + layer, a.quiet);
        const auto watcher = [&](const RenderProgress& p) {
            progress.report(p.done, p.total, concat("score ", p.score));
            return !interrupted();
        };
        dreams = dreamed_overlays(net, layer, photo, groups, options, stream, watcher, run_options);
    }
    if (dreams) write_row(path, visible(net, *dreams));
    return dreams.has_value();
}

void print(const std::string& layer, const Groups& groups, const std::vector<NamedShares>& shares) {
    const std::vector<double> sizes = magnitudes(groups);
    std::cout << std::fixed << std::setprecision(3);
    for (int64_t i = 0; i < groups.count(); i++) {
        std::cout << layer << " group " << i << "  magnitude " << sizes[size_t(i)];
        for (const NamedShares& named : shares)
            std::cout << "  " << one_line(named.name) << ' ' << named.shares[size_t(i)];
        std::cout << '\n';
    }
}

ExitStatus write_groups(GroupsArguments a) {
    const std::string json_path = json_beside(a.out);
    if (!a.arrays.empty()) check_array_file(a.arrays, 2);
    if (a.align && a.earlier.empty()) throw UsageError("--align is about an earlier layer; name it with --earlier");
    refuse_trace(a.run);
    const std::string stem = a.out.substr(0, a.out.size() - 4);
    std::vector<std::string> outputs{a.out, json_path, a.arrays};
    for (const std::string& name : {stem, stem + "-earlier"}) {
        if (name != stem && a.earlier.empty()) continue;
        if (a.icon_steps > 0) outputs.push_back(name + "-icons.png");
        if (a.overlay_steps > 0) outputs.push_back(name + "-overlays.png");
    }
    check_files(a.run, outputs, {a.photo.path});
    const Net net = load_net(a.run);
    a.layer = usual_layer(net, a.layer);
    for (const std::string& text : a.targets) parse_target(net, text);  // before the work
    const HostTensor photo = load_photo(a.photo, net);
    Stream stream = open_stream(a.run);
    const Inspection inspection(a.run, stream);
    std::vector<std::string> names{a.layer};
    if (!a.earlier.empty()) names.push_back(a.earlier);
    const std::vector<HostTensor> values = activations(net, names, photo, stream, inspection.options());

    const NmfOptions nmf{.stop = stream.stop()};
    const auto check_groups = [&](const HostTensor& layer, int64_t count, int64_t later) {
        check_memory(stream, groups_bytes(layer.shape, count, later),
                     concat(count, " groups of ", layer.shape.pixels(), " positions of ", layer.shape.c, " channels"));
    };
    for (size_t i = 0; i < values.size(); i++)
        if (const float least = *std::ranges::min_element(values[i].values); least < 0)
            std::cerr << "limpid groups: " << names[i] << " has values down to " << least
                      << "; what is below 0 counts as 0\n";
    check_groups(values[0], a.count, 1);
    if (!a.earlier.empty()) check_groups(values[1], a.earlier_count, a.align ? a.count : 1);
    const Groups groups = find_groups(values[0], a.count, a.order, nmf);
    const std::vector<NamedShares> shares = shares_of_targets(a, net, a.layer, values[0], groups, stream);
    ordered_json result = provenance(a.photo, photo, net, stream);
    result[a.layer] = to_json(a, a.layer, groups);
    add_shares(a, net, a.layer, shares, result);
    const HostTensor seen = visible(net, photo);
    std::vector<HostTensor> pictures{seen, hues_over(seen.view(), groups.spatial)};
    std::map<std::string, HostTensor> arrays{{a.layer + "_spatial", groups.spatial},
                                             {a.layer + "_channel", groups.channel}};
    Groups earlier;
    std::vector<NamedShares> early;
    if (!a.earlier.empty()) {
        Section section(net, a.earlier, values[1].shape, a.layer, stream);
        earlier = a.align ? aligned_groups(section, values[1], groups, a.earlier_count, a.order, nmf)
                          : find_groups(values[1], a.earlier_count, a.order, nmf);
        early = shares_of_targets(a, net, a.earlier, values[1], earlier, stream);
        result[a.earlier] = to_json(a, a.earlier, earlier);
        result[a.earlier]["aligned"] = a.align;
        add_shares(a, net, a.earlier, early, result);
        const std::vector<std::vector<double>> flow = groups_to_groups(section, values[1], earlier, groups);
        for (size_t i = 0; i < flow.size(); i++) result[a.layer]["each_group"][i]["attribution"][a.earlier] = flow[i];
        pictures.push_back(hues_over(seen.view(), earlier.spatial));
        arrays[a.earlier + "_spatial"] = earlier.spatial;
        arrays[a.earlier + "_channel"] = earlier.channel;
    }
    std::vector<ConstView> views;
    for (const HostTensor& picture : pictures) views.push_back(picture.view());
    const HostTensor picture = tile(views, int64_t(views.size()), 4);
    keep_results();
    write_png(a.out, picture.view());
    if (!a.arrays.empty())
        write_array_file(a.arrays, arrays,
                         {{"photo", a.photo.path}, {"net", net.name}, {"weights_checksum", net.weights->checksum}});
    write_json(json_path, result);
    announce_choice(a.run, net, stream);
    print(a.layer, groups, shares);
    if (!a.earlier.empty()) print(a.earlier, earlier, early);
    std::cout << a.out << '\n' << json_path << '\n';
    std::vector<std::tuple<std::string, const Groups*, std::string>> shown{{a.layer, &groups, stem}};
    if (!a.earlier.empty()) shown.emplace_back(a.earlier, &earlier, stem + "-earlier");
    const RunOptions& run = inspection.options();
    for (const auto& [layer, found, name] : shown) try {
            if (a.icon_steps > 0 && !write_icons(a, net, layer, *found, name + "-icons.png", stream, run))
                return kPartlyDone;
            if (a.overlay_steps > 0 &&
                !write_overlays(a, net, layer, photo, *found, name + "-overlays.png", stream, run))
                return kPartlyDone;
        } catch (const Stopped&) {  // within the first update, of which nothing is kept
            return kPartlyDone;
        }
    return kDone;
}

}  // namespace

Run declare_groups(CLI::App& app) {
    const auto a = std::make_shared<GroupsArguments>();
    declare_photo(app, a->photo);
    app.add_option("--layer", a->layer,
                   "the layer, by default mixed4d or the last inception block; its activations must not be negative");
    app.add_option("-n,--count", a->count, "how many groups")->check(CLI::Range(1, 1000))->capture_default_str();
    app.add_option("--to", a->targets, "a target such as class:LABEL that the groups are attributed to; one or more");
    app.add_option("--earlier", a->earlier,
                   "also groups of this earlier layer, and what they do for those of the layer");
    app.add_option("--earlier-count", a->earlier_count, "how many of them")
        ->check(CLI::Range(1, 1000))
        ->capture_default_str();
    app.add_flag("--align", a->align, "choose the earlier groups so that they agree with those of the layer");
    app.add_option("--order", a->order, "centre: from left to right, as in the article's data; peak: as in Lucid; none")
        ->transform(CLI::CheckedTransformer(kOrders));
    app.add_option("-o,--out", a->out,
                   "a picture: the photo, and the groups over it, each in its hue; a .json beside it has the numbers")
        ->capture_default_str();
    app.add_option("--arrays", a->arrays, "also the factors, as .h5");
    app.add_option("--icon-steps", a->icon_steps,
                   "NAME-icons.png shows what each group looks like, after STEPS + 1 updates; 0: not drawn")
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    app.add_option("--icon-size", a->icon_size, "of one of them")->check(CLI::Range(16, 1024))->capture_default_str();
    app.add_option("--overlay-steps", a->overlay_steps,
                   "NAME-overlays.png shows each group dreamed into the photo where it fires, after STEPS + 1 updates; "
                   "0: not drawn")
        ->check(CLI::Range(0, 1000000))
        ->capture_default_str();
    app.add_option("--seed", a->seed, "of the icons and overlays")->capture_default_str();
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return write_groups(*a); };
}

}  // namespace limpid
