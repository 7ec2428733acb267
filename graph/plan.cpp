// From a rewritten graph to steps and offsets.
#include "graph/plan.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "graph/ops/kinds.h"
#include "graph/sections.h"
#include "kernels/error.h"
#include "kernels/rounding.h"

namespace limpid {

namespace {

constexpr int64_t kPitchMultiple = 16;  // channels

struct Lifetime {
    int first_step, last_step;
    int64_t size_bytes;
    int64_t* offset;
};

// Largest first, each at the lowest offset where nothing alive at the same time lies. Returns the bytes of all.
int64_t pack(std::vector<Lifetime> lifetimes) {
    std::ranges::stable_sort(lifetimes, std::greater(), &Lifetime::size_bytes);
    int64_t end = 0;
    for (size_t i = 0; i < lifetimes.size(); i++) {
        const Lifetime& one = lifetimes[i];
        std::vector<std::pair<int64_t, int64_t>> taken;
        for (size_t j = 0; j < i; j++) {
            const Lifetime& other = lifetimes[j];
            if (other.first_step <= one.last_step && one.first_step <= other.last_step)
                taken.emplace_back(*other.offset, *other.offset + round_up(other.size_bytes, kAlignmentBytes));
        }
        std::ranges::sort(taken);
        int64_t offset = 0;
        for (const auto& [begin, finish] : taken) {
            if (offset + one.size_bytes <= begin) break;
            offset = std::max(offset, finish);
        }
        *one.offset = offset;
        end = std::max(end, offset + round_up(one.size_bytes, kAlignmentBytes));
    }
    return end;
}

class Planner {
  public:
    Planner(Rewritten rewritten, ConstantStore& constants)
        : graph_(std::move(rewritten.graph)),
          outputs_(std::move(rewritten.outputs)),
          constants_(constants),
          value_(size_t(graph_.size())) {}

    Plan make() {
        place_concatenations();
        for (int i = 0; i < graph_.size(); i++) place({i});
        for (int i = 0; i < graph_.size(); i++) emit({i});
        emit_outputs();
        cut_into_sections();
        assign_offsets();
        return std::move(plan_);
    }

  private:
    // Operand i of a concatenation is written in place if it is computed (not an input, a constant, a view) and belongs
    // to one only.
    struct Home {
        NodeId whole;
        int64_t first = 0;
    };

    const ops::SliceOp* view_slice(NodeId id) const {
        const auto* slice = dynamic_cast<const ops::SliceOp*>(graph_[id].op.get());
        return slice && slice->channels_only(graph_.shape(graph_[id].inputs[0])) ? slice : nullptr;
    }

    void place_concatenations() {
        home_.resize(size_t(graph_.size()));
        for (int i = 0; i < graph_.size(); i++) {
            const auto* whole = dynamic_cast<const ops::ConcatOp*>(graph_[{i}].op.get());
            if (!whole || whole->axis != 3) continue;
            int64_t first = 0;
            for (const NodeId part : graph_[{i}].inputs) {
                Home& home = home_[size_t(part.index)];
                const Node& node = graph_[part];
                if (node.op && !node.op->dense_output() && !view_slice(part) && !home.whole.valid())
                    home = {{i}, first};
                first += node.shape.c;
            }
        }
    }

    // Gives node id a storage; wholes before their parts, sources before their views.
    void place(NodeId id) {
        PlanOperand& value = value_[size_t(id.index)];
        if (value.storage >= 0) return;
        const Node& node = graph_[id];
        const Home& home = home_[size_t(id.index)];
        if (home.whole.valid()) {
            place(home.whole);
            value = value_[size_t(home.whole.index)];
            value.first += home.first;
        } else if (view_slice(id)) {
            place(node.inputs[0]);
            value = value_[size_t(node.inputs[0].index)];
            value.first += view_slice(id)->first[3];
        } else {
            PlanStorage storage;
            value.pitch = node.shape.c;
            if (node.constant) {
                storage.kind = PlanStorage::Kind::constant;
                storage.index = id.index;
            } else if (node.is_input()) {
                storage.kind = PlanStorage::Kind::input;
                storage.index = int(plan_.inputs.size());
                plan_.inputs.push_back({node.name, node.shape});
            } else {
                if (node.shape.c >= kPitchMultiple && !node.op->dense_output())
                    value.pitch = round_up(node.shape.c, kPitchMultiple);
                storage.size_bytes = node.shape.pixels() * value.pitch * int64_t(sizeof(float));
            }
            value.storage = add_storage(storage);
        }
        value.shape = node.shape;
    }

    int add_storage(PlanStorage storage) {
        storage.first_step = -1;
        plan_.storages.push_back(storage);
        return int(plan_.storages.size()) - 1;
    }

    // Notes that the current step touches a storage.
    void touch(const PlanOperand& operand) {
        PlanStorage& storage = plan_.storages[size_t(operand.storage)];
        const int step = int(plan_.steps.size());
        if (storage.first_step < 0) storage.first_step = step;
        storage.last_step = step;
    }

    PlanOperand read(NodeId id) {
        const PlanOperand& operand = value_[size_t(id.index)];
        PlanStorage& storage = plan_.storages[size_t(operand.storage)];
        if (storage.kind == PlanStorage::Kind::constant && !storage.constant)
            storage.constant = constants_.view(graph_[NodeId{storage.index}].constant);
        touch(operand);
        return operand;
    }

    void add_step(OpPtr op, const std::string& name, std::vector<PlanOperand> inputs, PlanOperand output,
                  NodeId prepared_constant) {
        const KernelTable& kernels = constants_.stream().backend().kernels;
        std::vector<Shape> shapes;
        for (const PlanOperand& input : inputs) shapes.push_back(input.shape);
        PlanStep step;
        step.name = name;
        const StepShapes all{shapes, output.shape};
        step.preparation = op->preparation(kernels, all);
        step.algorithm = op->algorithm(kernels, all);
        step.cost = op->cost(all);
        if (output.shape.n > 1) step.by_image = op->by_image(all).value_or(std::vector<bool>{});
        step.op = std::move(op);
        step.inputs = std::move(inputs);
        step.output = output;
        if (step.preparation) {
            if (prepared_constant.valid()) {
                step.prepared = constants_.prepared(graph_[prepared_constant].constant, *step.preparation);
            } else {
                PlanStorage storage;
                storage.size_bytes = step.preparation->floats * int64_t(sizeof(float));
                step.prepared_storage = add_storage(storage);
                PlanStorage& made = plan_.storages.back();
                made.first_step = made.last_step = int(plan_.steps.size());
                step.by_image.clear();  // prepared of all images at once
            }
        }
        touch(step.output);
        plan_.steps.push_back(std::move(step));
    }

    void copy(const PlanOperand& from, const PlanOperand& to, const std::string& name) {
        touch(from);
        add_step(std::make_shared<ops::SliceOp>(std::array<int64_t, 4>{}, from.shape), name, {from}, to, {});
    }

    void emit(NodeId id) {
        const Node& node = graph_[id];
        if (!node.op || view_slice(id)) return;
        const PlanOperand& output = value_[size_t(id.index)];
        if (const auto* whole = dynamic_cast<const ops::ConcatOp*>(node.op.get()); whole && whole->axis == 3) {
            PlanOperand part = output;
            for (const NodeId input : node.inputs) {
                part.shape = graph_.shape(input);
                if (home_[size_t(input.index)].whole != id || value_[size_t(input.index)].first != part.first)
                    copy(read(input), part, concat("copy into ", node.name));
                part.first += part.shape.c;
            }
            return;
        }
        NodeId prepared_constant;
        PlanOperand packed;  // of a computed input that is prepared: kernels read it without gaps
        const int prepared = preparation_of(node, output);
        if (prepared >= 0) {
            const NodeId source = node.inputs[size_t(prepared)];
            const PlanOperand& value = value_[size_t(source.index)];
            if (graph_[source].constant)
                prepared_constant = source;
            else if (value.pitch != value.shape.c)
                packed = without_gaps(source);
        }
        std::vector<PlanOperand> inputs;
        for (const NodeId input : node.inputs) inputs.push_back(read(input));
        if (packed.storage >= 0) {
            touch(packed);
            inputs[size_t(prepared)] = packed;
        }
        add_step(node.op, node.name, std::move(inputs), output, prepared_constant);
    }

    PlanOperand without_gaps(NodeId id) {
        const Shape shape = graph_.shape(id);
        PlanStorage storage;
        storage.size_bytes = shape.size() * int64_t(sizeof(float));
        PlanOperand to;
        to.storage = add_storage(storage);
        to.shape = shape;
        to.pitch = shape.c;
        copy(read(id), to, concat(graph_[id].name, " without gaps"));
        return to;
    }

    // Which input the operation wants in another form, or -1.
    int preparation_of(const Node& node, const PlanOperand& output) const {
        std::vector<Shape> shapes;
        for (const NodeId input : node.inputs) shapes.push_back(graph_.shape(input));
        const auto preparation = node.op->preparation(constants_.stream().backend().kernels, {shapes, output.shape});
        return preparation ? preparation->input : -1;
    }

    // Results go to memory of the caller: directly when the value has a storage of its own, else by a copy.
    void emit_outputs() {
        for (size_t i = 0; i < outputs_.size(); i++) {
            const NodeId id = outputs_[i];
            const Node& node = graph_[id];
            plan_.outputs.push_back(node.shape);
            PlanOperand& value = value_[size_t(id.index)];
            PlanStorage& storage = plan_.storages[size_t(value.storage)];
            const bool own = node.op && !home_[size_t(id.index)].whole.valid() && !view_slice(id);
            if (own && storage.kind == PlanStorage::Kind::arena) {
                storage.kind = PlanStorage::Kind::output;
                storage.index = int(i);
                storage.size_bytes = 0;
                repitch(value.storage, value.pitch, node.shape.c);
            } else {
                PlanStorage target;
                target.kind = PlanStorage::Kind::output;
                target.index = int(i);
                PlanOperand to;
                to.storage = add_storage(target);
                to.shape = node.shape;
                to.pitch = node.shape.c;
                copy(read(id), to, concat("output ", i));
            }
        }
    }

    // Output memory is dense.
    void repitch(int storage, int64_t from, int64_t to) {
        if (from == to) return;
        const auto fix = [&](PlanOperand& operand) {
            if (operand.storage == storage) operand.pitch = to;
        };
        for (PlanOperand& operand : value_) fix(operand);
        for (PlanStep& step : plan_.steps) {
            for (PlanOperand& operand : step.inputs) fix(operand);
            fix(step.output);
        }
    }

    void cut_into_sections() {
        const Stream& stream = constants_.stream();
        plan_.lanes = stream.device().kind == DeviceKind::cpu ? stream.thread_count() : 0;
        plan_.sections = choose_sections(plan_.steps, plan_.lanes);
        for (PlanSection& section : plan_.sections) {
            if (section.batch) cut_storages(section);
            for (int i = section.begin; i < section.end; i++) measure_scratch(plan_.steps[size_t(i)], section);
        }
    }

    // What lives within the section is there for one block of each lane; what does not lives through all of it.
    void cut_storages(const PlanSection& section) {
        for (PlanStorage& storage : plan_.storages) {
            if (storage.kind != PlanStorage::Kind::arena || storage.first_step >= section.end ||
                storage.last_step < section.begin)
                continue;
            if (section.contains(storage)) {
                storage.in_lanes = true;
                storage.size_bytes = storage.size_bytes / section.batch * section.block;
            } else {
                storage.first_step = std::min(storage.first_step, section.begin);
                storage.last_step = std::max(storage.last_step, section.end - 1);
            }
        }
    }

    void measure_scratch(PlanStep& step, const PlanSection& section) {
        const Stream& stream = constants_.stream();
        std::vector<Shape> shapes;
        for (size_t i = 0; i < step.inputs.size(); i++) {
            shapes.push_back(step.inputs[i].shape);
            if (section.cuts(step, i)) shapes.back().n = section.block;
        }
        Shape output = step.output.shape;
        if (section.batch) output.n = section.block;
        step.scratch_bytes = step.op->scratch_bytes(stream.backend().kernels, {shapes, output},
                                                    section.batch ? 1 : stream.thread_count());
        const int64_t bytes =
            round_up(int64_t(step.scratch_bytes), kAlignmentBytes) * (section.batch ? plan_.lanes : 1);
        plan_.scratch_bytes = std::max(plan_.scratch_bytes, size_t(bytes));
    }

    // Lanes of a section are at different steps, so each has memory of its own: what is in them is placed in one lane,
    // then the lanes, side by side, as one.
    void assign_offsets() {
        std::vector<Lifetime> lifetimes;
        for (PlanStorage& storage : plan_.storages)
            if (storage.kind == PlanStorage::Kind::arena && storage.first_step >= 0 && !storage.in_lanes)
                lifetimes.push_back({storage.first_step, storage.last_step, storage.size_bytes, &storage.offset});
        std::vector<int64_t> lanes(plan_.sections.size());
        for (size_t i = 0; i < plan_.sections.size(); i++) {
            PlanSection& section = plan_.sections[i];
            std::vector<Lifetime> inside;
            for (PlanStorage& storage : plan_.storages)
                if (storage.in_lanes && section.contains(storage))
                    inside.push_back({storage.first_step, storage.last_step, storage.size_bytes, &storage.offset});
            section.lane_bytes = pack(inside);
            lifetimes.push_back({section.begin, section.end - 1, plan_.lanes * section.lane_bytes, &lanes[i]});
        }
        const int64_t end = pack(lifetimes);
        for (PlanStorage& storage : plan_.storages)
            for (size_t i = 0; i < plan_.sections.size(); i++)
                if (storage.in_lanes && plan_.sections[i].contains(storage)) storage.offset += lanes[i];
        plan_.arena_bytes = size_t(end) + plan_.scratch_bytes;
    }

    Graph graph_;
    std::vector<NodeId> outputs_;
    ConstantStore& constants_;
    std::vector<PlanOperand> value_;
    std::vector<Home> home_;
    Plan plan_;
};

std::string place_name(const Plan& plan, const PlanOperand& operand) {
    const PlanStorage& storage = plan.storages[size_t(operand.storage)];
    switch (storage.kind) {
        case PlanStorage::Kind::input:
            return concat("input ", storage.index);
        case PlanStorage::Kind::output:
            return concat("output ", storage.index);
        case PlanStorage::Kind::constant:
            return "constant";
        case PlanStorage::Kind::arena:
            return concat("@", storage.offset, operand.first ? concat("+", operand.first) : "",
                          operand.pitch != operand.shape.c ? concat(" pitch ", operand.pitch) : "");
    }
    CHECK(false);
}

}  // namespace

int Plan::input(const std::string& name) const {
    for (size_t i = 0; i < inputs.size(); i++)
        if (inputs[i].name == name) return int(i);
    throw Error(concat("plan: no input is called ", name));
}

Cost Plan::cost() const {
    Cost sum;
    for (const PlanStep& step : steps) {
        sum.operations += step.cost.operations;
        sum.bytes += step.cost.bytes;
    }
    return sum;
}

std::string Plan::print() const {
    std::string text;
    auto section = sections.begin();
    for (size_t i = 0; i < steps.size(); i++) {
        const PlanStep& step = steps[i];
        for (; section != sections.end() && section->begin <= int(i); section++)
            if (section->batch)
                text += concat("steps ", section->begin, " to ", section->end - 1, ", ", section->block, " of ",
                               section->batch, " images at a time on each of ", lanes, " threads:\n");
            else if (section->begin > 0)
                text += "whole batch:\n";
        text += concat(i, ": ", step.op->kind());
        if (!step.algorithm.empty()) text += "[" + step.algorithm + "]";
        text += "(";
        for (size_t k = 0; k < step.inputs.size(); k++) text += (k ? ", " : "") + place_name(*this, step.inputs[k]);
        text += concat(") -> ", place_name(*this, step.output), " ", step.output.shape);
        if (const std::string attributes = step.op->attributes(); !attributes.empty()) text += " {" + attributes + "}";
        if (!step.name.empty()) text += "  " + step.name;
        text += "\n";
    }
    text += concat(steps.size(), " steps, ", cost().operations / 1e9, " GFLOP, arena ", arena_bytes,
                   " bytes of which scratch ", scratch_bytes, "\n");
    return text;
}

Plan make_plan(const Graph& graph, const std::vector<NodeId>& outputs, ConstantStore& constants,
               RewriteOptions options) {
    return Planner(rewrite(graph, outputs, constants, options), constants).make();
}

}  // namespace limpid
