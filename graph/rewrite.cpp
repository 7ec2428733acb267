// Every rule reads an old graph front to back and appends to a new one: `map` says where an old node's value now is.
#include "graph/rewrite.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

#include "graph/ops/kinds.h"
#include "kernels/error.h"

namespace limpid {

namespace {

using ops::BinaryOp;
using ops::ConcatOp;
using ops::Conv2dGradInputOp;
using ops::Conv2dOp;
using ops::MaxPoolGradOp;
using ops::SliceOp;
using ops::TernaryOp;
using ops::UnaryOp;

template <class Kind>
const Kind* as(const Graph& g, NodeId id) {
    return dynamic_cast<const Kind*>(g[id].op.get());
}

bool is_binary(const Graph& g, NodeId id, Binary function) {
    const auto* op = as<BinaryOp>(g, id);
    return op && op->function == function;
}

class Pass {
  public:
    Pass(const Rewritten& old, ConstantStore& constants)
        : from(old.graph), constants(constants), map_(size_t(from.size())) {
        uses_.assign(size_t(from.size()), 0);
        for (int i = 0; i < from.size(); i++)
            for (const NodeId input : from[{i}].inputs) uses_[size_t(input.index)]++;
        for (const NodeId output : old.outputs) {
            uses_[size_t(output.index)]++;
            outputs_.push_back(output);
        }
    }

    // rule(id) returns the new node of old node id, or nothing: then it is copied.
    Rewritten apply(const std::function<std::optional<NodeId>(NodeId)>& rule) {
        for (int i = 0; i < from.size(); i++) {
            const std::optional<NodeId> result = rule({i});
            map_[size_t(i)] = result ? *result : copy({i});
        }
        Rewritten result{std::move(to), {}};
        for (const NodeId output : outputs_) result.outputs.push_back(map(output));
        return result;
    }

    NodeId map(NodeId old) const { return map_[size_t(old.index)]; }
    std::vector<NodeId> map(const std::vector<NodeId>& old) const {
        std::vector<NodeId> result;
        for (const NodeId id : old) result.push_back(map(id));
        return result;
    }
    bool used_once(NodeId old) const { return uses_[size_t(old.index)] == 1; }
    bool used(NodeId old) const { return uses_[size_t(old.index)] > 0; }

    const Graph& from;
    Graph to;
    ConstantStore& constants;

  private:
    NodeId copy(NodeId id) {
        const Node& node = from[id];
        if (node.constant) return to.constant(node.constant, node.name);
        if (!node.op) return to.input(node.name, node.shape);
        return to.add(node.op, map(node.inputs), node.name);
    }

    std::vector<NodeId> map_, outputs_;
    std::vector<int> uses_;
};

// Inputs stay even when unused: their order is part of the interface. Equal constants (the same tensor) become one
// node.
Rewritten remove_dead(const Rewritten& old) {
    std::vector<bool> live(size_t(old.graph.size()), false);
    for (const NodeId output : old.outputs) live[size_t(output.index)] = true;
    for (int i = old.graph.size() - 1; i >= 0; i--)
        if (live[size_t(i)])
            for (const NodeId input : old.graph[{i}].inputs) live[size_t(input.index)] = true;
    Rewritten result;
    std::vector<NodeId> map(size_t(old.graph.size()));
    std::map<const HostTensor*, NodeId> constants;
    for (int i = 0; i < old.graph.size(); i++) {
        const Node& node = old.graph[{i}];
        if (node.is_input()) {
            map[size_t(i)] = result.graph.input(node.name, node.shape);
        } else if (live[size_t(i)] && node.constant) {
            NodeId& known = constants[node.constant.get()];
            if (!known.valid()) known = result.graph.constant(node.constant, node.name);
            map[size_t(i)] = known;
        } else if (live[size_t(i)]) {
            std::vector<NodeId> inputs;
            for (const NodeId input : node.inputs) inputs.push_back(map[size_t(input.index)]);
            map[size_t(i)] = result.graph.add(node.op, inputs, node.name);
        }
    }
    for (const NodeId output : old.outputs) result.outputs.push_back(map[size_t(output.index)]);
    return result;
}

// x times scale, plus shift if there is one, along the last axes: in double, so that it is rounded once.
ConstantStore::Constant mapped(ConstantStore& constants, const ConstantStore::Constant& x,
                               const ConstantStore::Constant& scale, const ConstantStore::Constant& shift) {
    std::vector<ConstantStore::Constant> from{x, scale};
    if (shift) from.push_back(shift);
    return constants.derived("mapped", from, [&] {
        HostTensor y(x->shape);
        const size_t channels = scale->values.size();
        for (size_t i = 0; i < y.values.size(); i++)
            y.values[i] = float(double(x->values[i]) * double(scale->values[i % channels]) +
                                (shift ? double(shift->values[i % channels]) : 0.0));
        return y;
    });
}

// The constant {1,1,1,c} at that input of a node with c channels, or null.
ConstantStore::Constant channel_numbers(const Graph& g, NodeId id, size_t input) {
    const NodeId constant = g[id].inputs[input];
    return g.shape(constant) == Shape{1, 1, 1, g.shape(id).c} ? g[constant].constant : nullptr;
}

bool is_channel_map(const Graph& g, NodeId id) {
    const auto* op = as<TernaryOp>(g, id);
    return op && op->function == Ternary::multiply_add && channel_numbers(g, id, 1) && channel_numbers(g, id, 2) &&
           g.shape(g[id].inputs[0]) == g.shape(id);
}

using ConstantSet = std::set<ConstantStore::Constant>;

// The first map of each chain. `scales`: those of the maps. What else is multiplied with a constant, as an objective does
// with a direction, stays: the filters of a network are made once, not for each objective.
Rewritten fold_first_maps(const Rewritten& old, ConstantStore& constants, const ConstantSet& scales, bool& found) {
    Pass pass(old, constants);
    const Graph& g = pass.from;
    const auto filter = [&](NodeId id, ChannelFactor where) -> ConstantStore::Constant {
        const OpPtr& op = g[id].op;
        return op && op->channel_factor() == where ? g[g[id].inputs[1]].constant : nullptr;
    };
    // The same product with its filter scaled, of x.
    const auto scaled = [&](NodeId product, NodeId x, const ConstantStore::Constant& scale) {
        const auto w = mapped(constants, g[g[product].inputs[1]].constant, scale, nullptr);
        std::vector<NodeId> inputs = pass.map(g[product].inputs);
        inputs[0] = pass.map(x);
        inputs[1] = pass.to.constant(w);
        return pass.to.add(g[product].op, inputs, g[product].name);
    };
    return pass.apply([&](NodeId id) -> std::optional<NodeId> {
        if (filter(id, ChannelFactor::before)) {
            const NodeId dy = g[id].inputs[0];
            if (!is_binary(g, dy, Binary::mul) || !pass.used_once(dy)) return {};
            const auto scale = channel_numbers(g, dy, 1);
            if (!scale || !scales.contains(scale) || !(g.shape(g[dy].inputs[0]) == g.shape(dy))) return {};
            found = true;
            return scaled(id, g[dy].inputs[0], scale);
        }
        if (!is_channel_map(g, id)) return {};
        NodeId product = g[id].inputs[0];
        if (!pass.used_once(product)) return {};
        ConstantStore::Constant bias;
        if (is_binary(g, product, Binary::add) && (bias = channel_numbers(g, product, 1))) {
            product = g[product].inputs[0];
            if (!pass.used_once(product)) return {};
        }
        if (!filter(product, ChannelFactor::after)) return {};
        found = true;
        const auto scale = channel_numbers(g, id, 1), shift = channel_numbers(g, id, 2);
        const auto constant = bias ? mapped(constants, bias, scale, shift) : shift;
        return ops::add(pass.to, scaled(product, g[product].inputs[0], scale), pass.to.constant(constant), g[id].name);
    });
}

Rewritten fold_channel_maps(Rewritten graph, const ConstantSet& scales, ConstantStore& constants) {
    for (bool found = !scales.empty(); found;) {
        found = false;
        graph = remove_dead(fold_first_maps(graph, constants, scales, found));
    }
    return graph;
}

Rewritten fuse_bias_relu(const Rewritten& old, ConstantStore& constants) {
    Pass pass(old, constants);
    const Graph& g = pass.from;
    // The bias of add(conv, b), when it has the form of one.
    const auto conv_and_bias = [&](NodeId id) -> std::optional<std::pair<NodeId, NodeId>> {
        if (!is_binary(g, id, Binary::add)) return {};
        const NodeId conv = g[id].inputs[0], bias = g[id].inputs[1];
        const auto* op = as<Conv2dOp>(g, conv);
        if (!op || op->bias || op->relu || !pass.used_once(conv)) return {};
        if (!(g.shape(bias) == Shape{1, 1, 1, g.shape(conv).c})) return {};
        return {{conv, bias}};
    };
    return pass.apply([&](NodeId id) -> std::optional<NodeId> {
        NodeId sum = id;
        bool relu = false;
        if (const auto* op = as<UnaryOp>(g, id); op && op->function == Unary::relu) {
            sum = g[id].inputs[0];
            relu = true;
            if (!pass.used_once(sum)) return {};
        }
        const auto found = conv_and_bias(sum);
        if (!found) return {};
        const auto [conv, bias] = *found;
        const auto* op = as<Conv2dOp>(g, conv);
        return pass.to.add(std::make_shared<Conv2dOp>(op->geometry, true, relu),
                           {pass.map(g[conv].inputs[0]), pass.map(g[conv].inputs[1]), pass.map(bias)}, g[id].name);
    });
}

// Where node y stands in a concatenation along channels.
struct Place {
    NodeId whole;
    int64_t first = 0;
};

Rewritten hoist_relu_grad(const Rewritten& old, ConstantStore& constants) {
    Pass pass(old, constants);
    const Graph& g = pass.from;
    std::multimap<NodeId, Place> places;
    std::map<std::pair<NodeId, NodeId>, NodeId> hoisted;  // (M, gradient) -> relu_grad(M, gradient) in the new graph
    return pass.apply([&](NodeId id) -> std::optional<NodeId> {
        if (const auto* op = as<ConcatOp>(g, id); op && op->axis == 3) {
            int64_t first = 0;
            for (const NodeId part : g[id].inputs) {
                places.insert({part, {id, first}});
                first += g.shape(part).c;
            }
        }
        if (!is_binary(g, id, Binary::relu_grad)) return {};
        const NodeId y = g[id].inputs[0], slice = g[id].inputs[1];
        const auto* op = as<SliceOp>(g, slice);
        if (!op) return {};
        const NodeId gradient = g[slice].inputs[0];
        if (!op->channels_only(g.shape(gradient))) return {};
        const auto [begin, end] = places.equal_range(y);
        for (auto place = begin; place != end; ++place) {
            const NodeId whole = place->second.whole;
            if (!(g.shape(whole) == g.shape(gradient)) || place->second.first != op->first[3]) continue;
            NodeId& masked = hoisted[{whole, gradient}];
            if (!masked.valid()) masked = ops::binary(pass.to, Binary::relu_grad, pass.map(whole), pass.map(gradient));
            return pass.to.add(g[slice].op, {masked});
        }
        return {};
    });
}

// Joined along the last axis.
ConstantStore::Constant joined(ConstantStore& constants, const std::vector<ConstantStore::Constant>& parts) {
    return constants.derived("joined", parts, [&] {
        Shape shape = parts[0]->shape;
        shape.c = 0;
        for (const auto& part : parts) {
            CHECK(part->shape.pixels() == shape.pixels());
            shape.c += part->shape.c;
        }
        HostTensor all(shape);
        int64_t first = 0;
        for (const auto& part : parts) {
            const int64_t width = part->shape.c;
            for (int64_t row = 0; row < shape.pixels(); row++)
                std::copy_n(part->values.begin() + row * width, width, all.values.begin() + row * shape.c + first);
            first += width;
        }
        return all;
    });
}

bool is_pointwise(const Graph& g, NodeId w, const ops::ConvGeometry& geometry) {
    const Shape s = g.shape(w);
    return s.n == 1 && s.h == 1 && geometry == ops::ConvGeometry{} && g[w].constant;
}

Rewritten merge_siblings(const Rewritten& old, ConstantStore& constants) {
    Pass pass(old, constants);
    const Graph& g = pass.from;
    // Siblings: pointwise convolutions with constant filters and biases, of the same image, with the same fusion.
    struct Group {
        std::vector<NodeId> members;
        NodeId merged;
    };
    std::map<std::tuple<NodeId, bool, bool>, Group> groups;
    const auto key = [&](NodeId id) -> std::optional<std::tuple<NodeId, bool, bool>> {
        const auto* op = as<Conv2dOp>(g, id);
        if (!op || !is_pointwise(g, g[id].inputs[1], op->geometry) || (op->bias && !g[g[id].inputs[2]].constant))
            return {};
        return {{g[id].inputs[0], op->bias, op->relu}};
    };
    for (int i = 0; i < g.size(); i++)
        if (const auto k = key({i})) groups[*k].members.push_back({i});
    return pass.apply([&](NodeId id) -> std::optional<NodeId> {
        const auto k = key(id);
        if (!k || groups[*k].members.size() < 2) return {};
        Group& group = groups[*k];
        if (!group.merged.valid()) {
            std::vector<ConstantStore::Constant> filters, biases;
            std::string name;
            for (const NodeId member : group.members) {
                filters.push_back(g[g[member].inputs[1]].constant);
                if (std::get<1>(*k)) biases.push_back(g[g[member].inputs[2]].constant);
                name += (name.empty() ? "" : " + ") + g[member].name;
            }
            std::vector<NodeId> inputs{pass.map(std::get<0>(*k)), pass.to.constant(joined(constants, filters))};
            if (std::get<1>(*k)) inputs.push_back(pass.to.constant(joined(constants, biases)));
            group.merged = pass.to.add(g[id].op, inputs, name);
        }
        int64_t first = 0;
        for (const NodeId member : group.members) {
            if (member == id) break;
            first += g.shape(member).c;
        }
        return ops::slice(pass.to, group.merged, {0, 0, 0, first}, g.shape(id), g[id].name);
    });
}

Rewritten merge_sibling_grads(const Rewritten& old, ConstantStore& constants) {
    Pass pass(old, constants);
    const Graph& g = pass.from;
    const auto is_inner_sum = [&](NodeId id) { return is_binary(g, id, Binary::add) && pass.used_once(id); };
    const auto is_member = [&](NodeId id) {
        const auto* op = as<Conv2dGradInputOp>(g, id);
        return op && pass.used_once(id) && !op->epilogue.add && !op->epilogue.mask &&
               is_pointwise(g, g[id].inputs[1], op->geometry);
    };
    std::vector<bool> inner(size_t(g.size()), false);  // sums that are operands of sums: their root does the work
    for (int i = 0; i < g.size(); i++)
        if (is_binary(g, {i}, Binary::add))
            for (const NodeId input : g[{i}].inputs)
                if (is_inner_sum(input)) inner[size_t(input.index)] = true;
    return pass.apply([&](NodeId id) -> std::optional<NodeId> {
        if (!is_binary(g, id, Binary::add) || inner[size_t(id.index)]) return {};
        std::vector<NodeId> members, others;
        const std::function<void(NodeId)> gather = [&](NodeId term) {
            if (term == id || is_inner_sum(term)) {
                for (const NodeId input : g[term].inputs) gather(input);
            } else {
                (is_member(term) && g.shape(term) == g.shape(id) ? members : others).push_back(term);
            }
        };
        gather(id);
        if (members.size() < 2) return {};
        for (const NodeId other : others)
            if (!(g.shape(other) == g.shape(id))) return {};  // a broadcasting sum
        std::vector<NodeId> gradients;
        std::vector<ConstantStore::Constant> filters;
        for (const NodeId member : members) {
            gradients.push_back(pass.map(g[member].inputs[0]));
            filters.push_back(g[g[member].inputs[1]].constant);
        }
        const NodeId all = ops::concatenate(pass.to, gradients, 3);
        NodeId sum = pass.to.add(g[members[0]].op, {all, pass.to.constant(joined(constants, filters))});
        for (const NodeId other : others) sum = ops::add(pass.to, sum, pass.map(other));
        return sum;
    });
}

Rewritten fuse_epilogues(const Rewritten& old, ConstantStore& constants, Binary function) {
    Pass pass(old, constants);
    const Graph& g = pass.from;
    return pass.apply([&](NodeId id) -> std::optional<NodeId> {
        if (!is_binary(g, id, function)) return {};
        const NodeId a = g[id].inputs[0], b = g[id].inputs[1];
        if (!(g.shape(a) == g.shape(id)) || !(g.shape(b) == g.shape(id))) return {};
        const bool add = function == Binary::add;
        // relu_grad(y, gradient); or either operand of a sum, a pooling gradient first: it is the cheaper place to add.
        std::vector<std::pair<NodeId, NodeId>> choices{{b, a}};
        if (add) choices.push_back({a, b});
        if (add && as<MaxPoolGradOp>(g, a)) std::swap(choices[0], choices[1]);
        for (const auto& [gradient, extra] : choices) {
            if (!pass.used_once(gradient)) continue;
            const OpPtr& op = g[gradient].op;
            const OpPtr fused = op ? op->with_epilogue({add, !add}) : nullptr;
            if (!fused) continue;
            std::vector<NodeId> inputs = pass.map(g[gradient].inputs);
            inputs.push_back(pass.map(extra));
            return pass.to.add(fused, inputs, g[id].name);
        }
        return {};
    });
}

}  // namespace

Rewritten rewrite(const Graph& graph, const std::vector<NodeId>& outputs, ConstantStore& constants,
                  RewriteOptions options) {
    Rewritten result = remove_dead({graph, outputs});
    if (!options.fuse) return result;
    ConstantSet scales;
    for (int i = 0; i < graph.size(); i++)
        if (is_channel_map(graph, {i})) scales.insert(channel_numbers(graph, {i}, 1));
    result = fold_channel_maps(std::move(result), scales, constants);
    result = remove_dead(fuse_bias_relu(result, constants));
    result = remove_dead(hoist_relu_grad(result, constants));
    result = remove_dead(merge_siblings(result, constants));
    result = remove_dead(merge_sibling_grads(result, constants));
    result = remove_dead(fuse_epilogues(result, constants, Binary::add));
    result = remove_dead(fuse_epilogues(result, constants, Binary::relu_grad));
    return result;
}

}  // namespace limpid
