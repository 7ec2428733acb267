// One graph for all groups of a photo, run once per update.
#include "viz/report/overlay.h"

#include <algorithm>
#include <numeric>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

// {k,H,W,1}: each group's map over the photo, 1 where it fires most.
HostTensor masks(const Groups& groups, Shape photo) {
    const int64_t k = groups.count();
    HostTensor result({k, photo.h, photo.w, 1});
    const HostTensor wide = resize(groups.spatial.view(), photo.h, photo.w);
    for (int64_t i = 0; i < k; i++) {
        float most = 0;
        for (int64_t p = 0; p < wide.shape.pixels(); p++) most = std::max(most, wide.values[size_t(p * k + i)]);
        for (int64_t p = 0; p < wide.shape.pixels() && most > 0; p++)
            result.values[size_t(i * wide.shape.pixels() + p)] =
                std::clamp(wide.values[size_t(p * k + i)] / most, 0.0f, 1.0f);
    }
    return result;
}

}  // namespace

std::optional<HostTensor> dreamed_overlays(const Net& net, const std::string& layer_name, const HostTensor& photo,
                                           const Groups& groups, const OverlayOptions& options, Stream& stream,
                                           const RenderWatcher& watcher, const RunOptions& run_options) {
    require(photo.shape.n == 1 && photo.shape.c == net.image().c, "overlays of ", photo.shape,
            ", expected one picture of ", net.image().c, " channels");
    const int64_t k = groups.count();
    ImageParam param = fitted(ImageParam(), net);
    param.height = photo.shape.h, param.width = photo.shape.w;
    const auto shared = param.constants();
    const auto constant = [](HostTensor value) { return std::make_shared<const HostTensor>(std::move(value)); };
    const auto original = constant(photo), where = constant(masks(groups, photo.shape)),
               wanted = constant(all_group_activations(groups));
    const auto shown = [&](Graph& g, NodeId theta) {
        const NodeId image = decode(g, param, theta, shared, k),
                     base = ops::broadcast(g, g.constant(original), g.shape(image));
        const NodeId mask = ops::broadcast(g, g.constant(where), g.shape(image));
        return ops::add(g, base, ops::mul(g, mask, ops::sub(g, image, base)));
    };
    const auto score = [&](StepGraph& g) {
        const NodeId answer = layer(net, apply(net, g.graph, g.view(shown(g.graph, g.theta))), layer_name);
        return ops::reduce(g.graph, Reduce::sum, {false, true, true, true},
                           ops::mul(g.graph, answer, g.graph.constant(wanted)));
    };
    // The padding makes room for the jitter, so that the layer's map keeps its size.
    const Transforms transforms{Pad{options.jitter / 2, PadMode::reflect, 0, false}, Jitter{options.jitter / 2 * 2}};
    Workspace work(stream);
    Ascent ascent(work, {param,
                         transforms,
                         k,
                         score,
                         {shown},
                         concat("overlays of ", k, " groups on ", photo.shape.w, "x", photo.shape.h, " pixels")});
    Ascent::Slot slot;
    slot.options.adam = options.adam;
    slot.options.seed = options.seed;
    const Ascent::Need need = ascent.plan_all(1, true);
    ascent.check_memory(need.arena + work.constants.size_bytes() + 5 * ascent.theta().size() * sizeof(float) +
                        2 * need.pictures);
    ascent.start(slot, param.start(photo, k));
    while (slot.step <= options.steps) {
        ascent.step(slot, run_options);
        const HostTensor scores = download(stream, ascent.scores());
        const double mean = std::accumulate(scores.values.begin(), scores.values.end(), 0.0) / double(k);
        if (watcher && !watcher({slot.step, options.steps + 1, mean})) return std::nullopt;
    }
    return ascent.decode(slot);
}

}  // namespace limpid
