// Plans and their inputs, memory that grows to what they need, and the step.
#include "viz/render/ascent.h"

#include <algorithm>

#include "graph/grad.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "kernels/rounding.h"

namespace limpid {

namespace {

constexpr int64_t kInputAlignment = 16;  // floats: each input starts at a multiple of 64 bytes

void grow(Buffer& buffer, const Device& device, int64_t floats) {
    const size_t bytes = size_t(floats) * sizeof(float);
    if (buffer.size_bytes() < bytes) buffer = Buffer(device, bytes);
}

}  // namespace

NodeId StepGraph::view(NodeId image) {
    CHECK(knobs.empty());
    Transformed transformed = transform(graph, transforms, scales, image, count);
    knobs = std::move(transformed.knobs);
    return transformed.image;
}

NodeId StepGraph::step() {
    if (!number.valid()) number = graph.input("step", {count, 1, 1, 1});
    return number;
}

Ascent::Ascent(Workspace& work, Form form)
    : work_(work),
      form_(std::move(form)),
      theta_(form_.param.theta(form_.images)),
      redrawn_(form_.param.redrawn(form_.images)) {}

Shape Ascent::theta(int64_t count) const { return {count * theta_.n, theta_.h, theta_.w, theta_.c}; }

void Ascent::start(Slot& slot, const HostTensor& theta) const {
    slot.theta = DeviceTensor(work_.stream, theta);
    if (slot.options.optimiser) return;
    slot.m = DeviceTensor(work_.stream, HostTensor(theta.shape));
    slot.v = DeviceTensor(work_.stream, HostTensor(theta.shape));
}

void Ascent::draw(Slot& slot) const {
    if (slot.drawn == slot.step) return;
    sample(form_.transforms, form_.param.height, form_.param.width, slot.options.seed, uint32_t(slot.step), slot.draw);
    slot.number[0] = float(slot.step);
    slot.drawn = slot.step;
}

StepGraph Ascent::graph(int64_t count, const std::vector<int>& scales) const {
    StepGraph g;
    g.count = count;
    g.transforms = form_.transforms;
    g.scales = scales;
    g.theta = g.graph.input("theta", theta(count));
    g.score = form_.build(g);
    CHECK(count == 1 || g.memory.before.empty());
    return g;
}

const Ascent::Step& Ascent::step_of(const Key& key) {
    if (const auto found = steps_.find(key); found != steps_.end()) return found->second;
    StepGraph g = graph(key.count, key.scales);
    const NodeId gradient = grad(g.graph, g.score, {g.theta}, key.redirected ? redirected_relu() : VjpOverrides{})[0];
    std::vector<NodeId> outputs{g.score, gradient};
    outputs.insert(outputs.end(), g.memory.after.begin(), g.memory.after.end());
    Step step;
    const auto add = [&](Step::From from, const std::vector<NodeId>& nodes) {
        for (size_t i = 0; i < nodes.size(); i++) step.inputs.push_back({from, i, nodes[i], g.graph.shape(nodes[i])});
    };
    add(Step::From::knobs, g.knobs);
    if (g.number.valid()) add(Step::From::number, {g.number});
    add(Step::From::fed, g.inputs.nodes);
    add(Step::From::memory, g.memory.before);
    std::ranges::sort(step.inputs, {}, [](const Step::Input& input) { return input.node.index; });
    for (Step::Input& input : step.inputs) {
        if (input.from == Step::From::memory) continue;
        input.place = step.rates_place;
        step.rates_place += round_up(input.shape.size(), kInputAlignment);
    }
    step.floats = step.rates_place + key.count;
    step.plan = make_plan(g.graph, outputs, work_.constants);
    return steps_.emplace(key, std::move(step)).first->second;
}

const Plan& Ascent::picture_plan(size_t picture) {
    if (const auto found = picture_plans_.find(picture); found != picture_plans_.end()) return found->second;
    Graph graph;
    const NodeId image = form_.pictures.at(picture)(graph, graph.input("theta", theta()));
    return picture_plans_.emplace(picture, make_plan(graph, {image}, work_.constants)).first->second;
}

Ascent::Need Ascent::plan_all(int64_t count, bool redirected) {
    Need need;
    const auto widen = [&](const Step& step) {
        size_t fed = 0, memory = 0;
        for (const Step::Input& input : step.inputs)
            (input.from == Step::From::memory ? memory : fed) += size_t(input.shape.size()) * sizeof(float);
        need.arena = std::max(need.arena, step.plan.arena_bytes);
        need.fed = std::max(need.fed, fed);
        need.block = std::max(need.block, size_t(step.floats) * sizeof(float));
        need.memory = std::max(need.memory, memory);
    };
    for (const std::vector<int>& scales : all_scales(form_.transforms, form_.param.height, form_.param.width)) {
        widen(step_of({count, false, scales}));
        if (redirected) widen(step_of({count, true, scales}));
    }
    for (size_t i = 0; i < form_.pictures.size(); i++) {
        need.arena = std::max(need.arena, picture_plan(i).arena_bytes);
        need.pictures += size_t(picture_plan(i).outputs[0].size()) * sizeof(float);
    }
    return need;
}

const Plan& Ascent::typical_plan(int64_t count) {
    const auto scales = all_scales(form_.transforms, form_.param.height, form_.param.width);
    return step_of({count, false, scales[scales.size() / 2]}).plan;
}

void Ascent::forget_plans() {
    recordings_.clear();
    steps_.clear();
}

void Ascent::check_memory(size_t bytes) const {
    limpid::check_memory(work_.stream, bytes, form_.what, "a smaller --batch or --size needs less");
}

void Ascent::reserve_arena(const Plan& plan) {
    if (plan.arena_bytes <= work_.arena.size_bytes()) return;
    check_memory(plan.arena_bytes + work_.constants.size_bytes());
    work_.arena = Buffer(work_.stream.device(), plan.arena_bytes);
}

void Ascent::reserve() {
    for (const auto& [picture, plan] : picture_plans_) reserve_arena(plan);
    for (const auto& [key, step] : steps_) reserve(step);
}

void Ascent::reserve(const Step& step) {
    const Device& device = work_.stream.device();
    const int64_t count = step.floats - step.rates_place;
    reserve_arena(step.plan);
    if (count > 1) grow(gathered_, device, theta(count).size());
    grow(score_, device, step.plan.outputs[0].size());
    grow(gradient_, device, step.plan.outputs[1].size());
    grow(block_, device, step.floats);
    staged_.reserve(size_t(step.floats));
    for (size_t i = next_memory_.size(); i < step.memory().size(); i++)
        next_memory_.emplace_back(device, step.memory()[i]);
}

void Ascent::redraw(const Slot& slot) {
    std::vector<float> values;
    for (const ImageParam::Redrawn& part : redrawn_) {
        values.resize(size_t(part.count));
        form_.param.redraw(part, slot.options.seed, slot.options.first_job, uint32_t(slot.step), values.data());
        upload(work_.stream, values.data(), slot.theta.buffer.floats() + part.first, part.count);
    }
}

// The step's inputs: the slots' rows one after another, in one block; variables of several are gathered.
void Ascent::feed(std::span<Slot* const> slots, const Step& step) {
    const int64_t count = int64_t(slots.size());
    staged_.assign(size_t(step.floats), 0);
    inputs_.assign(1, {count > 1 ? gathered_.floats() : slots[0]->theta.buffer.floats(), theta(count)});
    outputs_ = {{score_.floats(), step.plan.outputs[0]}, {gradient_.floats(), step.plan.outputs[1]}};
    for (const Step::Input& input : step.inputs) {
        if (input.from == Step::From::memory) {
            inputs_.push_back(slots[0]->memory[input.index].view());
            outputs_.push_back(next_memory_[input.index].view());
            continue;
        }
        inputs_.push_back({block_.floats() + input.place, input.shape});
        auto to = staged_.begin() + input.place;
        for (const Slot* slot : slots) {
            const std::vector<float>& values = input.from == Step::From::knobs    ? slot->draw.knobs[input.index]
                                               : input.from == Step::From::number ? slot->number
                                                                                  : slot->fed[input.index].values;
            CHECK(int64_t(values.size()) * count == input.shape.size(), "values of ", input.shape);
            to = std::ranges::copy(values, to).out;
        }
    }
    auto rate = staged_.begin() + step.rates_place;
    for (const Slot* slot : slots) *rate++ = float(adam_rate(slot->options.adam, slot->step + 1));
    upload(work_.stream, staged_.data(), block_.floats(), step.floats);
    for (int64_t i = 0; count > 1 && i < count; i++)
        work_.stream.backend().kernels.layout.copy_box(work_.stream, theta_, {}, {i * theta_.n, 0, 0, 0},
                                                       slots[size_t(i)]->theta.view(),
                                                       {gathered_.floats(), theta(count)});
}

// The plan; and of a slot by itself all that follows it on the device.
void Ascent::work(const Step& step, Slot* alone, const RunOptions& run_options) {
    Stream& stream = work_.stream;
    run(step.plan, stream, inputs_, outputs_, work_.arena.scratch(), run_options);
    for (size_t i = 0; i < step.memory().size(); i++)
        stream.backend().kernels.layout.copy_box(stream, step.memory()[i], {}, {}, next_memory_[i].view(),
                                                 alone->memory[i].view());
    if (alone && !alone->options.optimiser) climb(*alone, 0, step);
}

void Ascent::work_or_replay(const Step& step, Slot* alone, const RunOptions& run_options) {
    if (run_options.watches() || !CapturedWork::possible(work_.stream)) return work(step, alone, run_options);
    std::vector<const void*> places{work_.arena.data(), block_.data()};
    for (const ConstView& input : inputs_) places.push_back(input.data);
    for (const MutView& output : outputs_) places.push_back(output.data);
    // Where Adam is part of the work, these are some place.
    if (alone) places.insert(places.end(), {alone->m.buffer.data(), alone->v.buffer.data()});
    const AdamParameters adam = alone ? alone->options.adam : AdamParameters{};
    Recording& recording = recordings_[&step];
    if (recording.places != places || recording.adam != adam) {
        recording = {std::move(places), adam, {}};
        return work(step, alone, run_options);
    }
    if (!recording.work) recording.work = CapturedWork(work_.stream, [&] { work(step, alone, run_options); });
    recording.work.replay(work_.stream);
}

// By Adam; or by rules, on the host, whichever device computed the gradient: number `place` of the step's.
void Ascent::climb(const Slot& slot, int64_t place, const Step& step) {
    Stream& stream = work_.stream;
    const ConstView gradient{gradient_.floats() + place * theta_.size(), theta_};
    float* const values = slot.theta.buffer.floats();
    if (!slot.options.optimiser)
        return stream.backend().kernels.adam.step(stream, slot.options.adam, block_.floats() + step.rates_place + place,
                                                  theta_.size(), gradient.data, values, slot.m.buffer.floats(),
                                                  slot.v.buffer.floats());
    HostTensor theta = download(stream, slot.theta.view());
    const HostTensor slope = download(stream, gradient);
    for (int64_t n = 0; n < theta.shape.n; n++)
        ascend(*slot.options.optimiser, slot.step, slope.view().image(n), theta.view().image(n));
    upload(stream, theta.values.data(), values, theta.shape.size());
}

void Ascent::step(std::span<Slot* const> slots, const RunOptions& run_options) {
    for (Slot* slot : slots) {
        draw(*slot);
        redraw(*slot);
    }
    const int64_t count = key_.count = int64_t(slots.size());
    key_.redirected = slots[0]->redirected();
    key_.scales = slots[0]->draw.scales;
    const Step& step = step_of(key_);
    reserve(step);
    Slot* const alone = count == 1 ? slots[0] : nullptr;
    for (size_t i = alone ? alone->memory.size() : 0; i < step.memory().size(); i++)
        alone->memory.emplace_back(work_.stream, HostTensor(step.memory()[i]));
    feed(slots, step);
    work_or_replay(step, alone, run_options);
    score_shape_ = step.plan.outputs[0];
    for (int64_t i = 0; i < count; i++) {
        Slot& slot = *slots[size_t(i)];
        if (!alone || slot.options.optimiser) climb(slot, i, step);
        slot.step++;
    }
}

HostTensor Ascent::decode(const Slot& slot, size_t picture) {
    const FinishWork finish(work_.stream);
    const Plan& plan = picture_plan(picture);
    reserve_arena(plan);
    DeviceTensor image(work_.stream.device(), plan.outputs[0]);
    const ConstView inputs[] = {slot.theta.view()};
    const MutView outputs[] = {image.view()};
    run(plan, work_.stream, inputs, outputs, work_.arena.scratch());
    work_.stream.synchronize();
    return download(work_.stream, image.view());
}

}  // namespace limpid
