// theta -> decode -> transform -> net -> score -> grad -> plan, then a loop of run and Adam.
#include "viz/render/render.h"

#include <algorithm>

#include "graph/grad.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"

namespace limpid {

Renderer::Renderer(const Net& net, const Objective& objective, const RenderOptions& options, Stream& stream)
    : options_(options), stream_(stream), constants_(stream), scales_(all_scales(options.transforms)) {
    if (options.steps < 0 || options.batch < 1 || options.param.height < 1 || options.param.width < 1)
        throw UsageError(concat("render: steps ", options.steps, ", batch ", options.batch, ", size ",
                                options.param.height, "x", options.param.width, "; expected at least 0, 1 and 1x1"));
    const Shape theta_shape = options.param.theta(options.batch);
    const auto scale = std::make_shared<const HostTensor>(options.param.scale());
    std::vector<Shape> knob_shapes;

    const auto plan_step = [&](const std::vector<int>& scales, const VjpOverrides& overrides) {
        Graph graph;
        const NodeId theta = graph.input("theta", theta_shape);
        const NodeId image = decode(graph, options.param, theta, scale);
        const Transformed view = transform(graph, options.transforms, scales, image);
        const NodeId step = depends_on_step(objective) ? graph.input("step", {1, 1, 1, 1}) : NodeId{};
        Layers layers = apply(net, graph, view.image);
        layers["input"] = image;  // Lucid's T("input"): not transformed
        const NodeId value = score(graph, objective, net, layers, step);
        const NodeId gradient = grad(graph, value, {theta}, overrides)[0];
        knob_shapes.clear();
        for (const NodeId knob : view.knobs) knob_shapes.push_back(graph.shape(knob));
        return make_plan(graph, {value, gradient}, constants_);
    };
    for (const std::vector<int>& scales : scales_) {
        plain_.push_back(plan_step(scales, {}));
        if (options.redirected_relu_updates > 0) redirected_.push_back(plan_step(scales, redirected_relu()));
    }
    Graph decode_graph;
    const NodeId image = decode(decode_graph, options.param, decode_graph.input("theta", theta_shape), scale);
    decode_plan_ = make_plan(decode_graph, {image}, constants_);

    size_t arena_bytes = decode_plan_.arena_bytes;
    for (const std::vector<Plan>* plans : {&plain_, &redirected_})
        for (const Plan& plan : *plans) arena_bytes = std::max(arena_bytes, plan.arena_bytes);
    const Device& device = stream.device();
    arena_ = Buffer(device, arena_bytes);
    for (const Shape& shape : knob_shapes) knobs_.emplace_back(device, shape);
    gradient_ = DeviceTensor(device, theta_shape);
    score_ = DeviceTensor(device, {per_image(objective) ? options.batch : 1, 1, 1, 1});
    images_ = DeviceTensor(device, options.param.image(options.batch));
    HostTensor start(theta_shape);
    for (int64_t i = 0; i < options.batch; i++) {
        const HostTensor one = options.param.initial(options.seed, options.first_job + uint32_t(i));
        std::copy(one.values.begin(), one.values.end(), start.values.begin() + i * one.shape.size());
    }
    theta_ = DeviceTensor(stream, start);
    inputs_.push_back(theta_.view());
    for (const DeviceTensor& knob : knobs_) inputs_.push_back(knob.view());
    if (depends_on_step(objective)) {
        step_ = DeviceTensor(device, {1, 1, 1, 1});
        inputs_.push_back(step_.view());
    }
    m_ = DeviceTensor(stream, HostTensor(theta_shape));
    v_ = DeviceTensor(stream, HostTensor(theta_shape));
}

size_t Renderer::device_bytes() const {
    size_t bytes = arena_.size_bytes() + constants_.size_bytes();
    for (const DeviceTensor* tensor : {&theta_, &gradient_, &m_, &v_, &score_, &images_})
        bytes += tensor->buffer.size_bytes();
    return bytes;
}

const Plan& Renderer::typical_plan() const { return plain_[plain_.size() / 2]; }

const Plan& Renderer::plan_for(int64_t step, const std::vector<int>& scales) const {
    const size_t index = size_t(std::find(scales_.begin(), scales_.end(), scales) - scales_.begin());
    return step < options_.redirected_relu_updates ? redirected_[index] : plain_[index];
}

void Renderer::update(int64_t step, const RunOptions& run_options) {
    sample(options_.transforms, options_.param.height, options_.param.width, options_.seed, uint32_t(step), draw_);
    for (size_t i = 0; i < knobs_.size(); i++)
        upload(stream_, draw_.knobs[i].data(), knobs_[i].buffer.floats(), int64_t(draw_.knobs[i].size()));
    if (step_.buffer.size_bytes() > 0) {
        const float number = float(step);
        upload(stream_, &number, step_.buffer.floats(), 1);
    }
    const MutView outputs[] = {score_.view(), gradient_.view()};
    limpid::run(plan_for(step, draw_.scales), stream_, inputs_, outputs, arena_.scratch(), run_options);
    stream_.backend().kernels.adam.step(stream_, options_.adam, step + 1, theta_.shape.size(),
                                        gradient_.buffer.floats(), theta_.buffer.floats(), m_.buffer.floats(),
                                        v_.buffer.floats());
}

HostTensor Renderer::decode_images() {
    const ConstView inputs[] = {theta_.view()};
    const MutView outputs[] = {images_.view()};
    limpid::run(decode_plan_, stream_, inputs, outputs, arena_.scratch());
    stream_.synchronize();
    return download(stream_, images_.view());
}

Rendering Renderer::run(const RenderWatcher& watcher, const RunOptions& run_options) {
    Rendering result;
    result.device_bytes = device_bytes();
    const int64_t total = options_.steps + 1;
    result.scores.assign(size_t(total), std::vector<float>(size_t(score_.shape.n)));
    while (result.updates < total && !result.stopped) {
        update(result.updates, run_options);
        std::vector<float>& scores = result.scores[size_t(result.updates)];
        download(stream_, score_.buffer.floats(), scores.data(), score_.shape.n);
        result.updates++;
        if (watcher) {
            double sum = 0;
            for (const float value : scores) sum += double(value);
            result.stopped = !watcher({result.updates, total, sum / double(scores.size())}) && result.updates < total;
        }
    }
    result.scores.resize(size_t(result.updates));
    result.images = decode_images();
    return result;
}

}  // namespace limpid
