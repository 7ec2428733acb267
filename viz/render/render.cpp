// theta -> decode -> transform -> net -> score -> grad -> plan, then a loop of run and Adam.
#include "viz/render/render.h"

#include <algorithm>
#include <numeric>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"

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
    check_optimiser(o);
    if (objectives != 1 && !o.references.values.empty())
        throw UsageError("render: references need one objective for the whole batch");
}

HostTensor initial_theta(const RenderOptions& o) {
    return o.start.values.empty() ? o.param.initial(o.seed, o.first_job, o.batch) : o.param.start(o.start, o.batch);
}

}  // namespace

void check_optimiser(const RenderOptions& o) {
    const auto needs_pixels = [](const Regulariser& rule) {
        return !std::holds_alternative<ClampValues>(rule) && !std::holds_alternative<DecayValues>(rule);
    };
    const Shape theta = o.param.theta(1);
    if (o.optimiser && std::ranges::any_of(o.optimiser->rules, needs_pixels) &&
        (!o.param.per_image() || theta.h != o.param.height || theta.w != o.param.width))
        throw UsageError(concat("render: the optimiser ", to_string(o.optimiser), " works on pixels, the variables of ",
                                to_string(o.param), " are ", theta, "; use --param 'pixel; rgb; centred'"));
}

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
    const auto shared = options.param.constants();
    const auto fixed = std::make_shared<const HostTensor>(options.references);
    std::vector<Shape> knob_shapes, memory_shapes;

    const auto plan_step = [&](const std::vector<int>& scales, const VjpOverrides& overrides) {
        Graph graph;
        const NodeId theta = graph.input("theta", theta_shape);
        NodeId image = decode(graph, options.param, theta, shared, options.batch);
        if (references > 0) image = ops::concatenate(graph, {graph.constant(fixed, "references"), image}, 0);
        const Transformed view = transform(graph, options.transforms, scales, image);
        const NodeId step = uses_step_ ? graph.input("step", {1, 1, 1, 1}) : NodeId{};
        Layers layers = apply(net, graph, view.image);
        layers["input"] = image;  // Lucid's T("input"): not transformed
        ObjectiveMemory memory;
        NodeId value = objectives.size() == 1 ? score(graph, objectives[0], net, layers, step, &memory)
                                              : scores(graph, objectives, net, layers, step);
        if (each && references > 0) value = ops::slice(graph, value, {references, 0, 0, 0}, {options.batch, 1, 1, 1});
        const NodeId gradient = grad(graph, value, {theta}, overrides)[0];
        knob_shapes.clear();
        for (const NodeId knob : view.knobs) knob_shapes.push_back(graph.shape(knob));
        memory_shapes.clear();
        for (const NodeId kept : memory.before) memory_shapes.push_back(graph.shape(kept));
        std::vector<NodeId> outputs{value, gradient};
        outputs.insert(outputs.end(), memory.after.begin(), memory.after.end());
        return make_plan(graph, outputs, constants_);
    };
    for (const std::vector<int>& scales : scales_) {
        plain_.push_back(plan_step(scales, {}));
        if (options.redirected_relu_updates > 0) redirected_.push_back(plan_step(scales, redirected_relu()));
    }
    const auto plan_decode = [&](const ImageParam& param) {
        Graph graph;
        return make_plan(graph, {decode(graph, param, graph.input("theta", theta_shape), shared, options.batch)},
                         constants_);
    };
    decode_plan_ = plan_decode(options.param);
    if (options.param.texture) texture_plan_ = plan_decode(options.param.flat());

    size_t arena_bytes = std::max(decode_plan_.arena_bytes, texture_plan_.arena_bytes);
    for (const std::vector<Plan>* plans : {&plain_, &redirected_})
        for (const Plan& plan : *plans) arena_bytes = std::max(arena_bytes, plan.arena_bytes);
    check_memory(stream, arena_bytes + constants_.size_bytes() + tensor_bytes(theta_shape),
                 concat("a render of ", options.batch, " pictures of ", options.param.width, "x", options.param.height),
                 "a smaller --batch or --size needs less");
    const Device& device = stream.device();
    arena_ = Buffer(device, arena_bytes);
    gradient_ = DeviceTensor(device, theta_shape);
    score_ = DeviceTensor(device, {each ? options.batch : 1, 1, 1, 1});
    scores_ = DeviceTensor(device, {CapturedWork::possible(stream) ? kUpdatesAhead : 1, 1, 1, score_.shape.n});
    images_ = DeviceTensor(device, options.param.image(options.batch));
    if (options.param.texture) textures_ = DeviceTensor(device, options.param.flat().image(options.batch));
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
    outputs_ = {score_.view(), gradient_.view()};
    for (const Shape& shape : memory_shapes) {
        memory_.emplace_back(stream, HostTensor(shape));
        next_memory_.emplace_back(device, shape);
        inputs_.push_back(memory_.back().view());
        outputs_.push_back(next_memory_.back().view());
    }
    redrawn_ = options.param.redrawn(options.batch);
    if (options.optimiser) return;
    m_ = DeviceTensor(stream, HostTensor(theta_shape));
    v_ = DeviceTensor(stream, HostTensor(theta_shape));
}

// Of variables, gradient and Adam's two; of the pictures, which come to the host in the end.
size_t Renderer::tensor_bytes(Shape theta) const {
    int64_t floats = 4 * theta.size() + 2 * options_.param.image(options_.batch).size();
    if (options_.param.texture) floats += 2 * options_.param.flat().image(options_.batch).size();
    return size_t(floats) * sizeof(float);
}

size_t Renderer::device_bytes() const {
    size_t bytes = arena_.size_bytes() + constants_.size_bytes();
    for (const DeviceTensor* tensor :
         {&theta_, &gradient_, &m_, &v_, &score_, &scores_, &images_, &textures_, &changes_})
        bytes += tensor->buffer.size_bytes();
    for (const DeviceTensor& kept : memory_) bytes += 2 * kept.buffer.size_bytes();
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

void Renderer::redraw_samples(int64_t step) {
    std::vector<float> values;
    for (const ImageParam::Redrawn& part : redrawn_) {
        values.resize(size_t(part.count));
        options_.param.redraw(part, options_.seed, options_.first_job, uint32_t(step), values.data());
        upload(stream_, values.data(), theta_.buffer.floats() + part.first, part.count);
    }
}

// On the host, whichever device computed the gradient.
void Renderer::ascend_by_gradient(int64_t step) {
    HostTensor theta = download(stream_, theta_.view());
    const HostTensor gradient = download(stream_, gradient_.view());
    for (int64_t n = 0; n < theta.shape.n; n++)
        ascend(*options_.optimiser, step, gradient.view().image(n), theta.view().image(n));
    upload(stream_, theta.values.data(), theta_.buffer.floats(), theta.shape.size());
}

void Renderer::update(int64_t step, const RunOptions& run_options) {
    redraw_samples(step);
    upload_changes(step);
    const Plan& plan = plan_for(step, draw_.scales);
    const auto work = [&] {
        limpid::run(plan, stream_, inputs_, outputs_, arena_.scratch(), run_options);
        for (size_t i = 0; i < memory_.size(); i++)
            stream_.backend().kernels.layout.copy_box(stream_, memory_[i].shape, {}, {}, next_memory_[i].view(),
                                                      memory_[i].view());
        if (options_.optimiser) return;
        const float* rate = changes_.buffer.floats() + next_changes_.size() - 1;
        stream_.backend().kernels.adam.step(stream_, options_.adam, rate, theta_.shape.size(),
                                            gradient_.buffer.floats(), theta_.buffer.floats(), m_.buffer.floats(),
                                            v_.buffer.floats());
    };
    if (options_.optimiser) {
        work();
        return ascend_by_gradient(step);
    }
    if (run_options.watches() || !CapturedWork::possible(stream_)) return work();
    const auto [recorded, first] = recorded_.try_emplace(&plan);
    if (first) return work();
    if (!recorded->second) recorded->second = CapturedWork(stream_, work);
    recorded->second.replay(stream_);
}

HostTensor Renderer::decode_by(const Plan& plan, const DeviceTensor& images) {
    const ConstView inputs[] = {theta_.view()};
    const MutView outputs[] = {images.view()};
    const FinishWork finish(stream_);
    limpid::run(plan, stream_, inputs, outputs, arena_.scratch());
    stream_.synchronize();
    return download(stream_, images.view());
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
            try {
                update(first + i, run_options);
            } catch (const Stopped&) {  // within an update, which then changed nothing
                if (first + i == 0) throw;
                result.stopped = true;
                count = i;
                break;
            }
            stream_.backend().kernels.layout.copy_box(stream_, score_.shape, {}, {}, score_.view(),
                                                      {scores_.view().pixel(i, 0, 0), score_.shape});
        }
        if (count == 0) break;
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
    if (options_.param.texture) result.textures = decode_by(texture_plan_, textures_);
    return result;
}

}  // namespace limpid
