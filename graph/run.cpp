// The loop over steps, and what --trace, --check, --shadow and --dump do around each.
#include "graph/run.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>

#include "kernels/buffer.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/error.h"
#include "kernels/event.h"
#include "kernels/memory_need.h"

namespace limpid {

namespace {

constexpr size_t kMostInputs = 64;

// The images of a batch that a section does together, and the lane that does them.
struct Block {
    int64_t first = 0, count = 0;
    bool last = true;
    int lane = 0;
};

// Where storages are in this run.
struct NodePlaces {
    const Plan& plan;
    std::span<const ConstView> inputs;
    std::span<const MutView> outputs;
    std::byte* arena;

    // Inputs and constants are only ever read.
    float* data(const PlanOperand& operand) const {
        const PlanStorage& storage = plan.storages[size_t(operand.storage)];
        switch (storage.kind) {
            case PlanStorage::Kind::input:
                return const_cast<float*>(inputs[size_t(storage.index)].data) + operand.first;
            case PlanStorage::Kind::output:
                return outputs[size_t(storage.index)].data + operand.first;
            case PlanStorage::Kind::constant:
                return const_cast<float*>(storage.constant.data) + operand.first;
            case PlanStorage::Kind::arena:
                return reinterpret_cast<float*>(arena + storage.offset) + operand.first;
        }
        CHECK(false);
    }
    // A caller's input may be pitched.
    int64_t pitch(const PlanOperand& operand) const {
        const PlanStorage& storage = plan.storages[size_t(operand.storage)];
        return storage.kind == PlanStorage::Kind::input ? inputs[size_t(storage.index)].pitch : operand.pitch;
    }
    MutView view(const PlanOperand& operand) const { return {data(operand), operand.shape, pitch(operand)}; }
    // Of a batch.
    MutView view(const PlanOperand& operand, const Block& block, const PlanSection& section) const {
        const int64_t lane_floats = section.lane_bytes / int64_t(sizeof(float));
        MutView all = view(operand);
        all.shape.n = block.count;
        const bool in_lanes = plan.storages[size_t(operand.storage)].in_lanes;
        return {in_lanes ? all.data + block.lane * lane_floats : all.pixel(block.first, 0, 0), all.shape, all.pitch};
    }
};

std::string describe(const PlanStep& step, size_t index) {
    return concat("step ", index, ", ", step.op->kind(), step.name.empty() ? "" : " ", step.name);
}

// Names the node of what a kernel or the device refuses.
template <class F>
void in_step(const PlanStep& step, size_t index, F work) {
    try {
        work();
    } catch (const UsageError&) {
        throw;
    } catch (const Error& error) {
        throw Error(concat(describe(step, index), ": ", error.what()));
    }
}

// first_image: number of the value's first image in the batch.
void check_finite(const PlanStep& step, size_t index, const HostTensor& value, int64_t first_image) {
    for (size_t i = 0; i < value.values.size(); i++) {
        if (std::isfinite(value.values[i])) continue;
        const Shape& s = value.shape;
        const int64_t k = int64_t(i);
        throw Error(concat(describe(step, index), ": value at [", first_image + k / (s.c * s.w * s.h), ",",
                           k / (s.c * s.w) % s.h, ",", k / s.c % s.w, ",", k % s.c, "] of ", step.output.shape, " is ",
                           value.values[i], ", expected a finite number; --dump writes every node for a look"));
    }
}

void poison(Stream& stream, std::byte* data, int64_t size_bytes) {
    const std::vector<float> nans(size_t(size_bytes) / sizeof(float), std::numeric_limits<float>::quiet_NaN());
    upload(stream, nans.data(), reinterpret_cast<float*>(data), int64_t(nans.size()));
}

// What is cut lives for one block.
void poison_dead(const Plan& plan, Stream& stream, std::byte* arena, int step, const Block& block) {
    for (const PlanStorage& storage : plan.storages)
        if (storage.kind == PlanStorage::Kind::arena && storage.last_step == step && (storage.in_lanes || block.last))
            poison(stream, arena + storage.offset, storage.size_bytes);
}

void compare_with_shadow(const PlanStep& step, size_t index, std::span<const HostTensor> inputs,
                         const HostTensor& actual, Shadow& shadow) {
    const KernelTable& kernels = shadow.stream.backend().kernels;
    std::vector<DeviceTensor> tensors;
    std::vector<ConstView> views;
    std::vector<Shape> shapes;
    for (const HostTensor& input : inputs) {
        tensors.emplace_back(shadow.stream, input);
        shapes.push_back(input.shape);
    }
    for (const DeviceTensor& tensor : tensors) views.push_back(tensor.view());
    DeviceTensor output(shadow.stream.device(), actual.shape);
    Buffer prepared;
    if (const auto preparation = step.op->preparation(kernels, {shapes, actual.shape})) {
        prepared = Buffer(shadow.stream.device(), size_t(preparation->floats) * sizeof(float));
        preparation->prepare(shadow.stream, kernels, views[size_t(preparation->input)], prepared.floats());
    }
    const Buffer scratch(shadow.stream.device(),
                         step.op->scratch_bytes(kernels, {shapes, actual.shape}, shadow.stream.thread_count()));
    step.op->run({shadow.stream, kernels, views, output.view(), prepared.floats(), scratch.scratch()});
    const HostTensor expected = download(shadow.stream, output.view());
    double scale = 0, difference = 0;
    for (size_t i = 0; i < expected.values.size(); i++) {
        scale = std::max(scale, std::fabs(double(expected.values[i])));
        const double d = std::fabs(double(expected.values[i]) - double(actual.values[i]));
        if (!(d <= difference)) difference = d;  // a NaN is taken too
    }
    const double error = scale > 0 ? difference / scale : difference;
    if (!(error <= shadow.worst_error)) {
        shadow.worst_error = error;
        shadow.worst_step = describe(step, index);
    }
    if (!(error <= shadow.fail_above))
        throw Error(concat(describe(step, index), ": differs from device ", to_string(shadow.stream.device()), " by ",
                           error, " of the largest value, expected at most ", shadow.fail_above,
                           "; --dump writes every node for a look"));
}

// When a step of a section with so many lanes began and ended.
struct Moments {
    size_t step;
    int lanes;
    Event begin, end;
};

// One run: its steps, and what is looked at around each.
struct Execution {
    const NodePlaces& places;
    Stream& stream;
    Scratch arena;
    const RunOptions& options;
    std::map<size_t, HostTensor> dumped{};  // by step: blocks that came so far
    std::vector<Moments> traced{};
    std::mutex one_lane{};

    void section(const PlanSection& section) {
        if (section.batch == 0) {
            for (int k = section.begin; k < section.end; k++) step(size_t(k), section, {}, stream);
            return;
        }
        const int64_t blocks = (section.batch + section.block - 1) / section.block;
        const auto work = [&](int64_t i, int lane) {
            const Block block{i * section.block, std::min(section.block, section.batch - i * section.block),
                              i == blocks - 1, lane};
            for (int k = section.begin; k < section.end; k++) step(size_t(k), section, block, stream.lane(lane));
        };
        if (options.looks()) {
            for (int64_t i = 0; i < blocks; i++) work(i, 0);
            return;
        }
        stream.threads().run(blocks, work);
    }

    void step(size_t index, const PlanSection& section, const Block& block, Stream& thread) {
        stream.stop().check();
        const Plan& plan = places.plan;
        const PlanStep& step = plan.steps[index];
        const KernelTable& kernels = stream.backend().kernels;
        std::array<ConstView, kMostInputs> views;
        CHECK(step.inputs.size() <= kMostInputs);
        for (size_t k = 0; k < step.inputs.size(); k++)
            views[k] =
                section.cuts(step, k) ? places.view(step.inputs[k], block, section) : places.view(step.inputs[k]);
        const std::span<const ConstView> inputs(views.data(), step.inputs.size());
        const MutView output = section.batch ? places.view(step.output, block, section) : places.view(step.output);
        const size_t scratch_bytes =
            section.batch ? plan.scratch_bytes / size_t(plan.lanes) / 64 * 64 : plan.scratch_bytes;
        const Scratch scratch{arena.data + (plan.arena_bytes - plan.scratch_bytes) + size_t(block.lane) * scratch_bytes,
                              scratch_bytes};

        // The inputs as the step sees them: it may overwrite one of them (an output in the place of an addend).
        std::vector<HostTensor> before;
        if (options.shadow)
            for (const ConstView& view : inputs) before.push_back(download(stream, view));

        std::optional<Moments> moments;
        if (options.trace) {
            moments.emplace(index, section.batch ? plan.lanes : 1, Event(thread.device()), Event(thread.device()));
            moments->begin.record(thread);
        }
        if (stream.queue()) stream.label(step.name.empty() ? step.op->kind() : step.name);
        in_step(step, index, [&] {
            const float* prepared = step.prepared;
            if (step.prepared_storage >= 0) {
                float* made =
                    reinterpret_cast<float*>(arena.data + plan.storages[size_t(step.prepared_storage)].offset);
                step.preparation->prepare(stream, kernels, views[size_t(step.preparation->input)], made);
                prepared = made;
            }
            step.op->run({thread, kernels, inputs, output, prepared, scratch});
            if (moments) moments->end.record(thread);
            if (options.check) thread.synchronize();
        });
        if (moments) {
            const std::lock_guard lock(one_lane);
            traced.push_back(std::move(*moments));
        }
        if (options.check || options.shadow || options.dump) {
            HostTensor value = download(stream, output);
            if (options.check) check_finite(step, index, value, block.first);
            if (options.shadow) compare_with_shadow(step, index, before, value, *options.shadow);
            if (options.dump) dump(step, index, std::move(value), block);
        }
        if (options.poison) poison_dead(plan, stream, arena.data, int(index), block);
    }

    // Each step once, when all of its batch is there.
    void dump(const PlanStep& step, size_t index, HostTensor value, const Block& block) {
        HostTensor& whole = dumped[index];
        whole.shape = step.output.shape;
        whole.values.insert(whole.values.end(), value.values.begin(), value.values.end());
        if (!block.last) return;
        std::string name = step.name.empty() ? step.op->kind() : step.name;
        std::replace_if(
            name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)) && c != '_'; }, '_');
        char number[32];
        std::snprintf(number, sizeof number, "%04zu_", index);
        options.dump(number + name.substr(0, 100), whole);
        dumped.erase(index);
    }
};

}  // namespace

void run(const Plan& plan, Stream& stream, std::span<const ConstView> inputs, std::span<const MutView> outputs,
         Scratch arena, const RunOptions& options) {
    CHECK(inputs.size() == plan.inputs.size() && outputs.size() == plan.outputs.size());
    for (size_t i = 0; i < inputs.size(); i++)
        CHECK(inputs[i].shape == plan.inputs[i].shape, "input ", plan.inputs[i].name, " is ", inputs[i].shape,
              ", planned ", plan.inputs[i].shape);
    for (size_t i = 0; i < outputs.size(); i++) CHECK(outputs[i].shape == plan.outputs[i] && outputs[i].dense());
    CHECK(arena.size_bytes >= plan.arena_bytes, "arena has ", arena.size_bytes, " bytes, the plan needs ",
          plan.arena_bytes);

    const NodePlaces places{plan, inputs, outputs, arena.data};
    if (options.poison) poison(stream, arena.data, int64_t(plan.arena_bytes));
    Execution execution{places, stream, arena, options};
    for (const PlanSection& section : plan.sections) execution.section(section);
    stream.label("");
    if (!options.trace) return;
    stream.synchronize();
    Trace& trace = *options.trace;
    if (trace.seconds.size() != plan.steps.size()) {  // another plan than before
        trace.seconds.assign(plan.steps.size(), 0.0);
        trace.runs = 0;
    }
    for (const Moments& m : execution.traced) trace.seconds[m.step] += m.end.seconds_since(m.begin) / m.lanes;
    trace.runs++;
}

std::string Trace::print(const Plan& plan) const {
    if (runs == 0) return "nothing was run\n";
    if (seconds.size() != plan.steps.size())
        return concat(
            "the last plan that ran has ", seconds.size(), " steps, this one ", plan.steps.size(),
            ": it was not traced; the first updates of a render have a plan of their own, try more --steps\n");
    std::vector<size_t> order(seconds.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return seconds[a] > seconds[b]; });
    const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
    std::string text = "      ms  share  GFLOP/s    GB/s  bound  step\n";
    for (const size_t i : order) {
        const PlanStep& step = plan.steps[i];
        const double time = seconds[i] / double(runs);
        double bound = 0;
        if (roofline.flops > 0) bound = step.cost.operations / roofline.flops;
        if (roofline.bandwidth > 0) bound = std::max(bound, step.cost.bytes / roofline.bandwidth);
        char line[96];
        std::snprintf(line, sizeof line, "%8.3f %5.1f%% %8.1f %7.1f %5.0f%%  ", time * 1e3,
                      total > 0 ? 100 * seconds[i] / total : 0.0, step.cost.operations / time / 1e9,
                      step.cost.bytes / time / 1e9, 100 * bound / time);
        text += line + step.op->kind() + (step.algorithm.empty() ? "" : "[" + step.algorithm + "]") + " " +
                to_string(step.output.shape) + " " + step.name + "\n";
    }
    char line[96];
    std::snprintf(line, sizeof line, "%8.3f ms per run, mean of %lld runs, %zu steps\n", total / double(runs) * 1e3,
                  static_cast<long long>(runs), seconds.size());
    text += line;
    if (roofline.flops > 0) {
        std::snprintf(line, sizeof line, "roofline: %.1f GFLOP/s, %.1f GB/s\n", roofline.flops / 1e9,
                      roofline.bandwidth / 1e9);
        text += line;
    }
    return text;
}

namespace {

// Arena, inputs and outputs, and the outputs once more on the host.
size_t evaluation_bytes(const Plan& plan) {
    size_t bytes = plan.arena_bytes;
    for (const Plan::Input& input : plan.inputs) bytes += size_t(input.shape.size()) * sizeof(float);
    for (const Shape& output : plan.outputs) bytes += 2 * size_t(output.size()) * sizeof(float);
    return bytes;
}

}  // namespace

std::vector<HostTensor> evaluate(const Graph& graph, const std::vector<NodeId>& outputs, Stream& stream,
                                 const std::vector<HostTensor>& inputs, RewriteOptions rewrite,
                                 const RunOptions& options) {
    ConstantStore constants(stream);
    const Plan plan = make_plan(graph, outputs, constants, rewrite);
    check_memory(stream, evaluation_bytes(plan),
                 plan.inputs.empty() ? "a computation" : concat("a pass for an input of ", plan.inputs[0].shape));
    std::vector<DeviceTensor> tensors;
    std::vector<ConstView> in;
    std::vector<MutView> out;
    for (const HostTensor& input : inputs) tensors.emplace_back(stream, input);
    for (const DeviceTensor& tensor : tensors) in.push_back(tensor.view());
    std::vector<DeviceTensor> results;
    for (const Shape& shape : plan.outputs) results.emplace_back(stream.device(), shape);
    for (DeviceTensor& tensor : results) out.push_back(tensor.view());
    const Buffer arena(stream.device(), plan.arena_bytes);
    run(plan, stream, in, out, arena.scratch(), options);
    stream.synchronize();
    std::vector<HostTensor> host;
    for (const DeviceTensor& tensor : results) host.push_back(download(stream, tensor.view()));
    return host;
}

}  // namespace limpid
