// From an expression to nodes of a graph.
#include <algorithm>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/objective/terms.h"

namespace limpid {

namespace {

using Kind = Objective::Kind;
constexpr Shape kScalar{1, 1, 1, 1};

template <class T>
bool all_equal(const std::vector<T>& values) {
    return std::ranges::all_of(values, [&](const T& value) { return value == values[0]; });
}

// The nodes of one place in the tree, for all objectives of the same form at once.
NodeId build(const TermScope::Place& place, const std::vector<const Objective*>& each);

NodeId build_number(const TermScope::Place& place, const std::vector<const Objective*>& each) {
    std::vector<float> values;
    for (const Objective* one : each) values.push_back(float(*literal(*one)));
    if (all_equal(values) && !place.inputs) return place.graph.scalar(values[0]);
    const int64_t count = int64_t(values.size());
    return TermScope(place, each).varying(HostTensor({count, 1, 1, 1}, std::move(values)), "numbers");
}

// Throws the error again, with the place of the term: of several the first that fails alone. The graph is lost anyway.
[[noreturn]] void blame(const TermScope::Place& place, const std::vector<const Objective*>& each, const Error& error) {
    for (size_t i = 0; i + 1 < each.size(); i++) try {
            each[i]->term().build(TermScope(place, {each[i]}));
        } catch (const Error& own) {
            blame(place, {each[i]}, own);
        }
    const std::string message = concat(each.back()->where(), ": ", each.back()->term().name, ": ", error.what());
    if (dynamic_cast<const UsageError*>(&error)) throw UsageError(message);
    throw Error(message);
}

NodeId build_term(const TermScope::Place& place, const std::vector<const Objective*>& each) {
    const Term& term = each[0]->term();
    Graph& graph = place.graph;
    const NodeId value = [&] {
        try {
            return term.build(TermScope(place, each));
        } catch (const Error& error) {
            blame(place, each, error);
        }
    }();
    const Shape shape = graph.shape(value);
    require(shape.h == 1 && shape.w == 1 && shape.c == 1, "the term ", term.name, " made ", shape,
            ", expected one number, or one for each image");
    if (!place.joint || shape.n == 1) return value;
    return ops::reduce(graph, term.reach == Term::Reach::image_sum ? Reduce::sum : Reduce::mean,
                       {true, false, false, false}, value);
}

NodeId build(const TermScope::Place& place, const std::vector<const Objective*>& each) {
    const Objective& first = *each[0];
    if (literal(first)) return build_number(place, each);
    if (first.kind() == Kind::term) return build_term(place, each);
    std::vector<NodeId> parts;
    for (size_t i = 0; i < first.parts().size(); i++) {
        std::vector<const Objective*> part;
        for (const Objective* one : each) part.push_back(&one->parts()[i]);
        parts.push_back(build(place, part));
    }
    Graph& graph = place.graph;
    switch (first.kind()) {
        case Kind::negate:
            return ops::unary(graph, Unary::neg, parts[0]);
        case Kind::add:
            return ops::add(graph, parts[0], parts[1]);
        case Kind::subtract:
            return ops::sub(graph, parts[0], parts[1]);
        case Kind::multiply:
            return ops::mul(graph, parts[0], parts[1]);
        case Kind::sum: {
            NodeId total = parts[0];
            for (size_t i = 1; i < parts.size(); i++) total = ops::add(graph, total, parts[i]);
            return total;
        }
        default:
            CHECK(false);
    }
}

NodeId build_whole(Graph& graph, const std::vector<const Objective*>& each, const Net& net, const Layers& layers,
                   NodeId step, bool joint, ObjectiveInputs* inputs, ObjectiveMemory* memory) {
    const auto input = layers.find("input");
    require(input != layers.end(), "layers without input, expected those of apply()");
    const int64_t images = graph.shape(input->second).n;
    const NodeId value = build({graph, net, layers, step, images, joint, inputs, memory}, each);
    const Shape shape = joint ? kScalar : Shape{images, 1, 1, 1};
    const NodeId whole = ops::broadcast(graph, value, shape);
    graph.rename(whole, "score");
    return whole;
}

// An argument of the same value for all.
template <class T>
T only(const std::vector<T>& values, const std::string& name) {
    CHECK(all_equal(values), name, " differs between images");
    return values[0];
}

}  // namespace

NodeId TermScope::step() const {
    require(place_.step.valid(), "the objective depends on the step, expected a node that says it");
    return place_.step;
}

NodeId TermScope::moving_average(NodeId x, double decay) const {
    Graph& g = graph();
    const NodeId now = ops::stop_gradient(g, x);
    if (!place_.memory) return now;
    // The sum of the weights is kept like the sum that they weight.
    const auto kept = [&](NodeId value, const std::string& name) {
        ObjectiveMemory& memory = *place_.memory;
        memory.before.push_back(g.input(concat(name, " ", memory.before.size()), g.shape(value)));
        const NodeId old = ops::affine(g, memory.before.back(), float(decay), 0);
        memory.after.push_back(ops::add(g, old, ops::affine(g, value, float(1 - decay), 0)));
        return memory.after.back();
    };
    const NodeId sum = kept(now, "average"), weights = kept(g.scalar(1), "weights of average");
    return ops::stop_gradient(g, ops::binary(g, Binary::div, sum, weights));
}

const Argument* TermScope::find(size_t image, const std::string& name) const {
    const auto& arguments = each_[image]->arguments();
    const auto found = arguments.find(name);
    return found == arguments.end() ? nullptr : &found->second;
}

NodeId TermScope::varying(HostTensor value, const std::string& name) const {
    if (!fed()) return graph().constant(std::move(value), name);
    const NodeId node = graph().input(concat(name, " ", place_.inputs->nodes.size()), value.shape);
    place_.inputs->nodes.push_back(node);
    place_.inputs->values.push_back(std::move(value));
    return node;
}

bool TermScope::has(const std::string& name) const { return find(0, name) != nullptr; }

std::vector<int64_t> TermScope::counts(const std::string& name, int64_t otherwise) const {
    std::vector<int64_t> result;
    for (size_t i = 0; i < each_.size(); i++) {
        const Argument* argument = find(i, name);
        result.push_back(argument ? std::get<int64_t>(*argument) : otherwise);
    }
    return all_equal(result) && !fed() ? std::vector<int64_t>{result[0]} : result;
}

std::vector<std::string> TermScope::texts(const std::string& name, const std::string& otherwise) const {
    std::vector<std::string> result;
    for (size_t i = 0; i < each_.size(); i++) {
        const Argument* argument = find(i, name);
        result.push_back(argument ? std::get<std::string>(*argument) : otherwise);
    }
    return all_equal(result) && !fed() ? std::vector<std::string>{result[0]} : result;
}

int64_t TermScope::count(const std::string& name, int64_t otherwise) const {
    return only(counts(name, otherwise), name);
}

std::string TermScope::text(const std::string& name, const std::string& otherwise) const {
    return only(texts(name, otherwise), name);
}

double TermScope::number(const std::string& name, double otherwise) const {
    std::vector<double> values;
    for (size_t i = 0; i < each_.size(); i++) {
        const Argument* argument = find(i, name);
        values.push_back(argument ? std::get<double>(*argument) : otherwise);
    }
    return only(values, name);
}

NodeId TermScope::image_of(NodeId layer, int64_t index) const {
    Shape shape = graph().shape(layer);
    if (index >= shape.n)
        throw UsageError(concat("image ", index, " of the batch is asked for, which has images 0..", shape.n - 1,
                                "; make a larger batch"));
    shape.n = 1;
    return ops::slice(graph(), layer, {index, 0, 0, 0}, shape);
}

NodeId TermScope::whole_layer(const std::string& name, const std::string& otherwise) const {
    return limpid::layer(net(), place_.layers, text(name, otherwise));
}

NodeId TermScope::layer(const std::string& name, const std::string& otherwise) const {
    const NodeId whole = whole_layer(name, otherwise);
    return has("batch") ? image_of(whole, count("batch")) : whole;
}

NodeId score(Graph& graph, const Objective& objective, const Net& net, const Layers& layers, NodeId step,
             ObjectiveMemory* memory) {
    return build_whole(graph, {&objective}, net, layers, step, !per_image(objective), nullptr, memory);
}

NodeId scores(Graph& graph, std::span<const Objective> one_per_image, const Net& net, const Layers& layers, NodeId step,
              ObjectiveInputs* inputs) {
    require(!one_per_image.empty(), "no objectives, expected one for each image");
    std::vector<const Objective*> each;
    for (const Objective& objective : one_per_image) {
        require(per_image(objective) && same_form(objective, one_per_image[0]), "objectives ",
                to_string(one_per_image[0]), " and ", to_string(objective),
                " cannot be scored together, expected one form and one image each");
        each.push_back(&objective);
    }
    require(graph.shape(layers.at("input")).n == int64_t(each.size()), each.size(), " objectives for ",
            graph.shape(layers.at("input")), ", expected one for each image");
    return build_whole(graph, each, net, layers, step, false, inputs, nullptr);
}

}  // namespace limpid
