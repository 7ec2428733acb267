// theta -> decode -> transform -> net -> score -> grad -> plan, then a loop of run and Adam.
#include "viz/render/render.h"

#include <algorithm>
#include <numeric>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"

namespace limpid {

namespace {

// Updates that a GPU is given at once, before the host waits for their scores.
constexpr int64_t kUpdatesAhead = 16;

// Each knob starts at a multiple of 64 bytes.
size_t padded(int64_t floats) { return size_t(floats + 15) / 16 * 16; }

void check(const RenderOptions& o, size_t objectives) {
    if (o.steps < 0 || o.batch < 1 || o.param.height < 1 || o.param.width < 1)
        throw UsageError(concat("render: steps ", o.steps, ", batch ", o.batch, ", size ", o.param.height, "x",
                                o.param.width, "; expected at least 0, 1 and 1x1"));
    if (objectives != 1 && int64_t(objectives) != o.batch)
        throw UsageError(concat("render: ", objectives, " objectives for a batch of ", o.batch));
    const auto collapses = [](const Transform& t) { return std::holds_alternative<CollapseAlpha>(t); };
    if (o.param.alpha && std::ranges::none_of(o.transforms, collapses))
        throw UsageError(concat("render: the parameterisation ", to_string(o.param),
                                " has opacity, which no network sees; "
                                "add collapse_alpha to the transforms, or use the set alpha"));
    if (objectives != 1 && !o.references.values.empty())
        throw UsageError("render: references need one objective for the whole batch");
}

HostTensor initial_theta(const RenderOptions& o) {
    return o.start.values.empty() ? o.param.initial(o.seed, o.first_job, o.batch) : o.param.start(o.start, o.batch);
}

}  // namespace

Renderer::Renderer(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options,
                   Stream& stream)
    : options_(options),
      stream_(stream),
      constants_(stream),
      scales_(all_scales(options.transforms, options.param.height, options.param.width)) {
    check(options, objectives.size());
    std::ranges::sort(options_.thresholds);
    const bool each = std::ranges::all_of(objectives, per_image);
    uses_step_ = std::ranges::any_of(objectives, depends_on_step);
    const int64_t references = options.references.values.empty() ? 0 : options.references.shape.n;
    const Shape theta_shape = options.param.theta(options.batch);
    const auto scale = std::make_shared<const HostTensor>(options.param.scale());
    const auto fixed = std::make_shared<const HostTensor>(options.references);
    std::vector<Shape> knob_shapes;

    const auto plan_step = [&](const std::vector<int>& scales, const VjpOverrides& overrides) {
        Graph graph;
        const NodeId theta = graph.input("theta", theta_shape);
        NodeId image = decode(graph, options.param, theta, scale, options.batch);
        if (references > 0) image = ops::concatenate(graph, {graph.constant(fixed, "references"), image}, 0);
        const Transformed view = transform(graph, options.transforms, scales, image);
        const NodeId step = uses_step_ ? graph.input("step", {1, 1, 1, 1}) : NodeId{};
        Layers layers = apply(net, graph, view.image);
        layers["input"] = image;  // Lucid's T("input"): not transformed
        NodeId value = objectives.size() == 1 ? score(graph, objectives[0], net, layers, step)
                                              : scores(graph, objectives, net, layers, step);
        if (each && references > 0) value = ops::slice(graph, value, {references, 0, 0, 0}, {options.batch, 1, 1, 1});
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
    const NodeId image =
        decode(decode_graph, options.param, decode_graph.input("theta", theta_shape), scale, options.batch);
    decode_plan_ = make_plan(decode_graph, {image}, constants_);

    size_t arena_bytes = decode_plan_.arena_bytes;
    for (const std::vector<Plan>* plans : {&plain_, &redirected_})
        for (const Plan& plan : *plans) arena_bytes = std::max(arena_bytes, plan.arena_bytes);
    const Device& device = stream.device();
    arena_ = Buffer(device, arena_bytes);
    gradient_ = DeviceTensor(device, theta_shape);
    score_ = DeviceTensor(device, {each ? options.batch : 1, 1, 1, 1});
    scores_ = DeviceTensor(device, {CapturedWork::possible(stream) ? kUpdatesAhead : 1, 1, 1, score_.shape.n});
    images_ = DeviceTensor(device, options.param.image(options.batch));
    theta_ = DeviceTensor(stream, initial_theta(options));
    inputs_.push_back(theta_.view());
    if (uses_step_) knob_shapes.push_back({1, 1, 1, 1});
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
    if (uses_step_) next_changes_[knob_places_.back()] = float(step);
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
    const int64_t last = options_.thresholds.empty() ? 0 : options_.thresholds.back();
    const int64_t total = std::max(options_.steps, last) + 1;
    result.scores.assign(size_t(total), std::vector<float>(size_t(score_.shape.n)));
    while (result.updates < total && !result.stopped) {
        const int64_t first = result.updates;
        const auto kept = std::ranges::find_if(options_.thresholds, [&](int64_t t) { return t >= first; });
        int64_t count = std::min(scores_.shape.n, total - first);
        if (kept != options_.thresholds.end()) count = std::min(count, *kept - first + 1);
        for (int64_t i = 0; i < count; i++) {
            update(first + i, run_options);
            stream_.backend().kernels.layout.copy_box(stream_, score_.shape, {}, {}, score_.view(),
                                                      {scores_.view().pixel(i, 0, 0), score_.shape});
        }
        const HostTensor scores = download(stream_, scores_.view());
        result.updates += count;
        if (kept != options_.thresholds.end() && *kept == result.updates - 1) result.history.push_back(decode_images());
        for (int64_t i = 0; i < count; i++) {
            const auto begin = scores.values.begin() + i * score_.shape.n;
            result.scores[size_t(first + i)].assign(begin, begin + score_.shape.n);
            const double sum = std::accumulate(begin, begin + score_.shape.n, 0.0);
            if (watcher && !watcher({first + i + 1, total, sum / double(score_.shape.n)}))
                result.stopped = result.updates < total;
        }
    }
    result.scores.resize(size_t(result.updates));
    result.images = decode_images();
    return result;
}

}  // namespace limpid
