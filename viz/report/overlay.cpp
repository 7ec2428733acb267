// One graph for all groups of a photo, run once per update.
#include "viz/report/overlay.h"

#include <algorithm>
#include <numeric>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

constexpr int64_t kRedirectedUpdates = 17;  // render.h

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

struct Dream {
    Graph graph;
    NodeId theta, shown, score;
    std::vector<NodeId> knobs;
};

}  // namespace

std::optional<HostTensor> dreamed_overlays(const Net& net, const std::string& layer_name, const HostTensor& photo,
                                           const Groups& groups, const OverlayOptions& options, Stream& stream,
                                           const RenderWatcher& watcher) {
    CHECK(photo.shape.n == 1 && photo.shape.c == 3, photo.shape);
    const int64_t k = groups.count();
    ImageParam param;
    param.height = photo.shape.h, param.width = photo.shape.w;
    const auto constants_of_param = param.constants();
    // The padding makes room for the jitter, so that the layer's map keeps its size.
    const Transforms transforms{Pad{options.jitter / 2, PadMode::reflect, 0, false}, Jitter{options.jitter / 2 * 2}};

    Dream dream;
    Graph& g = dream.graph;
    dream.theta = g.input("theta", param.theta(k));
    const NodeId image = decode(g, param, dream.theta, constants_of_param, k), original = g.constant(photo);
    const Shape all = g.shape(image);
    const NodeId mask = ops::broadcast(g, g.constant(masks(groups, photo.shape)), all);
    const NodeId base = ops::broadcast(g, original, all);
    dream.shown = ops::add(g, base, ops::mul(g, mask, ops::sub(g, image, base)));
    const Transformed view = transform(g, transforms, {}, dream.shown);
    dream.knobs = view.knobs;
    const NodeId answer = layer(net, apply(net, g, view.image), layer_name);
    dream.score = ops::reduce(g, Reduce::sum, {false, true, true, true},
                              ops::mul(g, answer, g.constant(all_group_activations(groups))));
    ConstantStore constants(stream);
    std::map<bool, Plan> plans;
    for (const bool redirected : {false, true}) {
        Graph copy = dream.graph;
        const NodeId gradient =
            grad(copy, dream.score, {dream.theta}, redirected ? redirected_relu() : VjpOverrides{})[0];
        plans.emplace(redirected, make_plan(copy, {dream.score, gradient}, constants));
    }
    const Shape theta_shape = param.theta(k);
    check_memory(stream,
                 std::max(plans.at(false).arena_bytes, plans.at(true).arena_bytes) + constants.size_bytes() +
                     size_t(5 * theta_shape.size() + 2 * all.size()) * sizeof(float),
                 concat("overlays of ", k, " groups on ", photo.shape.w, "x", photo.shape.h, " pixels"));
    const Buffer arena(stream.device(), std::max(plans.at(false).arena_bytes, plans.at(true).arena_bytes));

    const HostTensor start = param.start(photo, k);
    CHECK(start.shape == param.theta(k), start.shape);
    DeviceTensor theta(stream, start), m(stream, HostTensor(start.shape)), v(stream, HostTensor(start.shape)),
        gradient(stream.device(), start.shape), score(stream.device(), {k, 1, 1, 1});
    for (int64_t step = 0; step <= options.steps; step++) {
        const TransformSample draw = sample(transforms, photo.shape.h, photo.shape.w, options.seed, uint32_t(step));
        std::vector<DeviceTensor> knobs;
        for (const std::vector<float>& knob : draw.knobs)
            knobs.emplace_back(stream, HostTensor({1, 1, 1, int64_t(knob.size())}, knob));
        std::vector<ConstView> inputs{theta.view()};
        for (const DeviceTensor& knob : knobs) inputs.push_back(knob.view());
        const DeviceTensor rate(stream, HostTensor({1, 1, 1, 1}, float(adam_rate(options.adam, step + 1))));
        const MutView outputs[] = {score.view(), gradient.view()};
        run(plans.at(step < kRedirectedUpdates), stream, inputs, outputs, arena.scratch());
        stream.backend().kernels.adam.step(stream, options.adam, rate.buffer.floats(), theta.shape.size(),
                                           gradient.buffer.floats(), theta.buffer.floats(), m.buffer.floats(),
                                           v.buffer.floats());
        const HostTensor scores = download(stream, score.view());
        const double mean = std::accumulate(scores.values.begin(), scores.values.end(), 0.0) / double(k);
        if (watcher && !watcher({step + 1, options.steps + 1, mean})) return std::nullopt;
    }
    std::vector<HostTensor> given{download(stream, theta.view())};
    for (const NodeId knob : dream.knobs) given.emplace_back(g.shape(knob));
    return evaluate(g, {dream.shown}, stream, given)[0];
}

}  // namespace limpid
