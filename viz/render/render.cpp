// theta -> decode -> transform -> net -> score -> grad -> plan, then a loop of run and Adam.
#include "viz/render/render.h"

#include <algorithm>
#include <numeric>

#include "graph/grad.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"

namespace limpid {

namespace {

// Updates that a GPU is given at once, before the host waits for their scores.
constexpr int64_t kUpdatesAhead = 16;

// Each knob starts at a multiple of 64 bytes.
size_t padded(int64_t floats) { return size_t(floats + 15) / 16 * 16; }

}  // namespace

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
        const Transformed view =
            transform(graph, options.transforms, scales, decode(graph, options.param, theta, scale));
        const NodeId value = score(graph, objective, net, apply(net, graph, view.image));
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
    gradient_ = DeviceTensor(device, theta_shape);
    score_ = DeviceTensor(device, {options.batch, 1, 1, 1});
    scores_ = DeviceTensor(device, {CapturedWork::possible(stream) ? kUpdatesAhead : 1, 1, 1, options.batch});
    images_ = DeviceTensor(device, options.param.image(options.batch));
    HostTensor start(theta_shape);
    for (int64_t i = 0; i < options.batch; i++) {
        const HostTensor one = options.param.initial(options.seed, options.first_job + uint32_t(i));
        std::copy(one.values.begin(), one.values.end(), start.values.begin() + i * one.shape.size());
    }
    theta_ = DeviceTensor(stream, start);
    inputs_.push_back(theta_.view());
    size_t knob_floats = 0;
    for (const Shape& shape : knob_shapes) {
        knob_places_.push_back(knob_floats);
        knob_floats += padded(shape.size());
    }
    next_changes_.resize(knob_floats + 1);
    changes_ = DeviceTensor(device, {1, 1, 1, int64_t(next_changes_.size())});
    for (size_t i = 0; i < knob_shapes.size(); i++)
        inputs_.push_back(ConstView(changes_.buffer.floats() + knob_places_[i], knob_shapes[i]));
    m_ = DeviceTensor(stream, HostTensor(theta_shape));
    v_ = DeviceTensor(stream, HostTensor(theta_shape));
}

size_t Renderer::device_bytes() const {
    size_t bytes = arena_.size_bytes() + constants_.size_bytes();
    for (const DeviceTensor* tensor : {&theta_, &gradient_, &m_, &v_, &score_, &scores_, &images_, &changes_})
        bytes += tensor->buffer.size_bytes();
    return bytes;
}

const Plan& Renderer::typical_plan() const { return plain_[plain_.size() / 2]; }

const Plan& Renderer::plan_for(int64_t step, const std::vector<int>& scales) const {
    const size_t index = size_t(std::find(scales_.begin(), scales_.end(), scales) - scales_.begin());
    return step < options_.redirected_relu_updates ? redirected_[index] : plain_[index];
}

void Renderer::upload_changes(int64_t step) {
    sample(options_.transforms, options_.param.height, options_.param.width, options_.seed, uint32_t(step), draw_);
    for (size_t i = 0; i < draw_.knobs.size(); i++)
        std::copy(draw_.knobs[i].begin(), draw_.knobs[i].end(),
                  next_changes_.begin() + std::ptrdiff_t(knob_places_[i]));
    next_changes_.back() = float(adam_rate(options_.adam, step + 1));
    upload(stream_, next_changes_.data(), changes_.buffer.floats(), int64_t(next_changes_.size()));
}

void Renderer::update(int64_t step, const RunOptions& run_options) {
    upload_changes(step);
    const Plan& plan = plan_for(step, draw_.scales);
    const auto work = [&] {
        const MutView outputs[] = {score_.view(), gradient_.view()};
        limpid::run(plan, stream_, inputs_, outputs, arena_.scratch(), run_options);
        const float* rate = changes_.buffer.floats() + next_changes_.size() - 1;
        stream_.backend().kernels.adam.step(stream_, options_.adam, rate, theta_.shape.size(),
                                            gradient_.buffer.floats(), theta_.buffer.floats(), m_.buffer.floats(),
                                            v_.buffer.floats());
    };
    if (run_options.watches() || !CapturedWork::possible(stream_)) return work();
    const auto [recorded, first] = recorded_.try_emplace(&plan);
    if (first) return work();
    if (!recorded->second) recorded->second = CapturedWork(stream_, work);
    recorded->second.replay(stream_);
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
    result.scores.assign(size_t(total), std::vector<float>(size_t(options_.batch)));
    while (result.updates < total && !result.stopped) {
        const int64_t first = result.updates, count = std::min(scores_.shape.n, total - first);
        for (int64_t i = 0; i < count; i++) {
            update(first + i, run_options);
            stream_.backend().kernels.layout.copy_box(stream_, score_.shape, {}, {}, score_.view(),
                                                      {scores_.view().pixel(i, 0, 0), score_.shape});
        }
        const HostTensor scores = download(stream_, scores_.view());
        result.updates += count;
        for (int64_t i = 0; i < count; i++) {
            const auto begin = scores.values.begin() + i * options_.batch;
            result.scores[size_t(first + i)].assign(begin, begin + options_.batch);
            const double sum = std::accumulate(begin, begin + options_.batch, 0.0);
            if (watcher && !watcher({first + i + 1, total, sum / double(options_.batch)}))
                result.stopped = result.updates < total;
        }
    }
    result.scores.resize(size_t(result.updates));
    result.images = decode_images();
    return result;
}

}  // namespace limpid
