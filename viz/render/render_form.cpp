// The form of renders: variables -> pictures, after those that they are compared with -> view -> layers -> score.
#include <algorithm>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/render/render.h"

namespace limpid {

namespace {

void check(const RenderOptions& o) {
    if (o.steps < 0 || o.batch < 1 || o.param.height < 1 || o.param.width < 1)
        throw UsageError(concat("render: steps ", o.steps, ", batch ", o.batch, ", size ", o.param.height, "x",
                                o.param.width, "; expected at least 0, 1 and 1x1"));
    const auto needs_pixels = [](const Regulariser& rule) {
        return !std::holds_alternative<ClampValues>(rule) && !std::holds_alternative<DecayValues>(rule);
    };
    const Shape theta = o.param.theta(1);
    if (o.optimiser && std::ranges::any_of(o.optimiser->rules, needs_pixels) &&
        (!o.param.per_image() || theta.h != o.param.height || theta.w != o.param.width))
        throw UsageError(concat("render: the optimiser ", to_string(o.optimiser), " works on pixels, the variables of ",
                                to_string(o.param), " are ", theta, "; use --param 'pixel; rgb; centred'"));
}

// Where the outputs cannot exist at the view's size (a matrix behind the map fits one size alone), what is missing of
// the network sees the view in the network's own size.
Layers layers_of(const Net& net, Graph& graph, NodeId view) {
    Layers layers = apply(net, graph, view);
    if (net.logits.empty() || layers.contains(net.logits)) return layers;
    const Shape own = net.image();
    layers.merge(apply(net, graph, ops::resize(graph, view, own.h, own.w, "own_size")));
    return layers;
}

}  // namespace

RenderOptions fitted(RenderOptions options, const Net& net) {
    options.param = fitted(std::move(options.param), net);
    return options;
}

Ascent::Form render_form(const Net& net, const RenderOptions& o, ObjectivesOf objectives_of, bool fed) {
    check(o);
    const auto shared = o.param.constants();
    const auto fixed = std::make_shared<const HostTensor>(o.references);
    const int64_t batch = o.batch, references = o.references.values.empty() ? 0 : o.references.shape.n;
    const auto shown_as = [=](const ImageParam& param) {
        return [=](Graph& graph, NodeId theta) { return decode(graph, param, theta, shared, batch); };
    };
    const auto build = [=, &net, param = o.param](StepGraph& g) {
        Graph& graph = g.graph;
        NodeId image = decode(graph, param, g.theta, shared, g.count * batch);
        if (references > 0) image = ops::concatenate(graph, {graph.constant(fixed, "references"), image}, 0);
        const NodeId view = g.view(image);
        const std::vector<Objective> objectives = objectives_of(g.count);
        const size_t count = objectives.size();
        if (!fed && count != 1 && (int64_t(count) != batch || references > 0))
            throw UsageError(concat("render: ", count, " objectives for a batch of ", batch, " pictures and ",
                                    references,
                                    " references; expected one for all, or one for each picture without references"));
        const NodeId step = std::ranges::any_of(objectives, depends_on_step) ? g.step() : NodeId{};
        Layers layers = layers_of(net, graph, view);
        layers["input"] = image;  // Lucid's T("input"): not transformed
        if (fed || count > 1) return scores(graph, objectives, net, layers, step, fed ? &g.inputs : nullptr);
        const NodeId value = score(graph, objectives[0], net, layers, step, &g.memory);
        if (references == 0 || !per_image(objectives[0])) return value;
        return ops::slice(graph, value, {references, 0, 0, 0}, {batch, 1, 1, 1});
    };
    Ascent::Form form{o.param, o.transforms, batch, build, {shown_as(o.param)}};
    form.what = fed ? "an update of the pictures at work"
                    : concat("a render of ", batch, " pictures of ", o.param.width, "x", o.param.height);
    if (o.param.texture) form.pictures.push_back(shown_as(o.param.flat()));
    return form;
}

HostTensor initial_variables(const RenderOptions& o) {
    return o.start.values.empty() ? o.param.initial(o.seed, o.first_job, o.batch) : o.param.start(o.start, o.batch);
}

}  // namespace limpid
