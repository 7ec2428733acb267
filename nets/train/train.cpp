// The plan of an update, the optimisers, evaluation.
#include "nets/train/train.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "graph/grad.h"
#include "graph/ops.h"
#include "kernels/backend.h"
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "kernels/rounding.h"
#include "weights/layer_names.h"

namespace limpid {

namespace {

constexpr int64_t kPadding = 16;  // floats: every parameter begins at a multiple of 64 bytes

// Places in scalars_.
enum Scalar : int64_t { kAdamRate, kSgdRate, kMomentum, kScalars };

void check(const Net& net, const Dataset& data, const TrainOptions& o) {
    if (o.steps < 1 || o.batch < 1 || o.warmup < 0 || !(o.rate > 0) || o.weight_decay < 0 || o.smoothing < 0 ||
        o.smoothing >= 1)
        throw UsageError(
            concat("train: ", to_string(o),
                   "; expected steps, batch and rate above 0, warm-up and decay not below, smoothing in [0, 1)"));
    if (data.labels.size() < 2)
        throw Error(concat(data.name, ": has ", data.labels.size(), " classes, expected at least 2"));
    if (net.labels() != data.labels)
        throw Error(concat(net.name, " has ", net.labels().size(), " labels, which are not the ", data.labels.size(),
                           " of ", data.name, "; begin with weights for this data"));
}

HostTensor slice_of(const std::vector<float>& flat, int64_t first, Shape shape) {
    return {shape, std::vector<float>(flat.begin() + first, flat.begin() + first + shape.size())};
}

}  // namespace

std::string to_string(const TrainOptions& o) {
    const std::string optimiser = o.optimiser == Descent::adam ? concat("adam ", o.beta1, " ", o.beta2, " ", o.epsilon)
                                                               : concat("sgd, momentum ", o.momentum);
    return concat("steps ", o.steps, ", batch ", o.batch, ", seed ", o.seed, ", ", optimiser, ", rate ", o.rate,
                  ", warm-up ", o.warmup, ", weight decay ", o.weight_decay, ", smoothing ", o.smoothing, ", ",
                  to_string(o.augmentation));
}

double rate_at(const TrainOptions& o, int64_t s) {
    if (s <= o.warmup) return o.rate * double(s) / double(o.warmup);
    const double part = double(s - o.warmup) / double(std::max<int64_t>(o.steps - o.warmup, 1));
    return o.rate * (1 + elementary::cos(std::numbers::pi * std::min(part, 1.0))) / 2;
}

NodeId cross_entropy(Graph& graph, NodeId logits, NodeId targets) {
    const NodeId chosen =
        ops::reduce(graph, Reduce::sum, {false, false, false, true}, ops::mul(graph, logits, targets));
    return ops::reduce(graph, Reduce::mean, {true, true, true, true},
                       ops::sub(graph, ops::log_sum_exp(graph, logits), chosen), "loss");
}

TrainingGraph training_graph(const Net& net, Shape images) {
    TrainingGraph result;
    const std::map<std::string, Shape> shapes = parameter_shapes(net);
    // Filters and matrices decay, biases do not.
    for (const bool decays : {true, false})
        for (const auto& [name, shape] : shapes)
            if (is_weight(name) == decays) result.parameters.push_back(name);
    Graph& graph = result.graph;
    const NodeId image = graph.input("images", images);
    const Shape target{images.n, 1, 1, int64_t(net.labels().size())};
    const NodeId targets = graph.input("targets", target);
    Parameters inputs;
    std::vector<NodeId> theta;
    for (const std::string& name : result.parameters)
        theta.push_back(inputs[name] = graph.input(name, shapes.at(name)));
    result.logits = layer(net, apply(net, graph, {{"input", image}}, inputs), net.logits);
    if (!(graph.shape(result.logits) == target))
        throw Error(concat(net.name, ": its logits are ", graph.shape(result.logits), ", expected ", target,
                           "; give it labels for each output, and pictures of another size"));
    result.loss = cross_entropy(graph, result.logits, targets);
    result.gradients = grad(graph, result.loss, theta);
    return result;
}

Trainer::Trainer(const Net& net, Dataset data, const TrainOptions& options, Stream& stream)
    : net_(net),
      options_(options),
      stream_(stream),
      loader_(std::move(data), options.augmentation, options.seed),
      constants_(stream) {
    const Dataset& set = loader_.data();
    check(net_, set, options_);
    const int64_t n = options_.batch, classes = int64_t(set.labels.size());
    batch_.images = HostTensor({n, set.height, set.width, 3});
    host_targets_ = HostTensor({n, 1, 1, classes});
    const TrainingGraph training = training_graph(net_, batch_.images.shape);
    const std::map<std::string, Shape> shapes = parameter_shapes(net_);
    int64_t next = 0;
    for (const std::string& name : training.parameters) {
        parameters_.push_back({name, shapes.at(name), next});
        next += round_up(shapes.at(name).size(), kPadding);
        if (is_weight(name)) decaying_ = next;
    }
    std::vector<NodeId> outputs{training.loss, training.logits};
    outputs.insert(outputs.end(), training.gradients.begin(), training.gradients.end());
    plan_ = make_plan(training.graph, outputs, constants_);
    check_memory(
        stream_,
        plan_.arena_bytes + constants_.size_bytes() + size_t(2 * batch_.images.shape.size() + 4 * next) * sizeof(float),
        concat("an update of ", n, " pictures of ", set.width, "x", set.height),
        "a smaller --batch or --size needs less");
    const Device& device = stream_.device();
    arena_ = Buffer(device, plan_.arena_bytes);
    images_ = DeviceTensor(device, batch_.images.shape);
    targets_ = DeviceTensor(device, host_targets_.shape);
    loss_ = DeviceTensor(device, {1, 1, 1, 1});
    logits_ = DeviceTensor(device, host_targets_.shape);
    const std::vector<float> start = flat(*net_.weights, "");
    const Shape all{1, 1, 1, int64_t(start.size())};
    theta_ = DeviceTensor(stream_, HostTensor(all, start));
    gradient_ = DeviceTensor(stream_, HostTensor(all));  // zeros, which stay in the padding
    m_ = DeviceTensor(stream_, HostTensor(all));
    v_ = DeviceTensor(stream_, HostTensor(all));
    scalars_ = DeviceTensor(device, {1, 1, 1, kScalars});
}

void Trainer::step(const RunOptions& run_options) {
    const int64_t s = done() + 1, n = options_.batch, classes = host_targets_.shape.c;
    loader_.load((s - 1) * n, batch_, stream_.threads(), stream_.stop());
    std::ranges::fill(host_targets_.values, float(options_.smoothing / double(classes)));
    for (int64_t i = 0; i < n; i++)
        host_targets_.at(i, 0, 0, batch_.classes[size_t(i)]) += float(1 - options_.smoothing);
    upload(stream_, batch_.images.values.data(), images_.buffer.floats(), batch_.images.shape.size());
    upload(stream_, host_targets_.values.data(), targets_.buffer.floats(), host_targets_.shape.size());
    std::vector<ConstView> inputs{images_.view(), targets_.view()};
    std::vector<MutView> outputs{loss_.view(), logits_.view()};
    for (const Parameter& p : parameters_) {
        inputs.push_back({theta_.buffer.floats() + p.first, p.shape});
        outputs.push_back({gradient_.buffer.floats() + p.first, p.shape});
    }
    run(plan_, stream_, inputs, outputs, arena_.scratch(), run_options);
    update(s);
    const float loss = download(stream_, loss_.view()).values[0];
    const HostTensor logits = download(stream_, logits_.view());
    if (!std::isfinite(loss))
        throw Error(concat("update ", s, ": the loss is ", loss,
                           ", expected a finite number; lower --rate, or lengthen --warmup"));
    int64_t right = 0;
    for (int64_t i = 0; i < n; i++) {
        const float* z = logits.view().pixel(i, 0, 0);
        right += std::max_element(z, z + classes) - z == batch_.classes[size_t(i)];
    }
    losses_.push_back(loss);
    right_.push_back(float(right) / float(n));
}

void Trainer::update(int64_t s) {
    const KernelTable& kernels = stream_.backend().kernels;
    const double rate = rate_at(options_, s);
    AdamParameters adam{rate, options_.beta1, options_.beta2, options_.epsilon, false};
    const float scalars[kScalars] = {float(adam_rate(adam, s)), float(-rate), float(options_.momentum)};
    upload(stream_, scalars, scalars_.buffer.floats(), kScalars);
    if (options_.weight_decay > 0) {
        const MutView filters{theta_.buffer.floats(), Shape{1, 1, 1, decaying_}};
        kernels.elementwise.unary(stream_, Unary::affine, float(1 - rate * options_.weight_decay), 0, filters, filters);
    }
    const float* scalar = scalars_.buffer.floats();
    if (options_.optimiser == Descent::adam) {
        kernels.adam.step(stream_, adam, scalar + kAdamRate, theta_.shape.size(), gradient_.buffer.floats(),
                          theta_.buffer.floats(), m_.buffer.floats(), v_.buffer.floats());
        return;
    }
    const ConstView momentum{scalar + kMomentum, Shape{}}, step{scalar + kSgdRate, Shape{}};
    kernels.elementwise.ternary(stream_, Ternary::multiply_add, m_.view(), momentum, gradient_.view(), m_.view());
    kernels.elementwise.ternary(stream_, Ternary::multiply_add, m_.view(), step, theta_.view(), theta_.view());
}

Evaluation Trainer::evaluate(const Dataset& data, int64_t count) {
    Evaluation result;
    result.classes = host_targets_.shape.c;
    result.count = data.size > 0 ? std::min(count, data.size) : count;
    result.confusion.assign(size_t(result.classes * result.classes), 0);
    const int64_t n = std::min(options_.batch, std::max<int64_t>(result.count, 1));
    const Weights now = weights();
    Net net = net_;
    net.weights = std::make_shared<const Weights>(now);
    Graph graph;
    const NodeId images = graph.input("images", {n, data.height, data.width, 3});
    ConstantStore constants(stream_);
    const Plan plan = make_plan(graph, {layer(net, apply(net, graph, images), net.logits)}, constants);
    const Buffer arena(stream_.device(), plan.arena_bytes);
    DeviceTensor device_images(stream_.device(), plan.inputs[0].shape), logits(stream_.device(), plan.outputs[0]);
    Batch batch{HostTensor(plan.inputs[0].shape), std::vector<int>(size_t(n))};
    for (int64_t first = 0; first < result.count; first += n) {
        const int64_t used = std::min(n, result.count - first);
        stream_.threads().run(used, [&](int64_t i, int) {
            stream_.stop().check();
            batch.classes[size_t(i)] = data.load(first + i, batch.images.view().image(i));
        });
        upload(stream_, batch.images.values.data(), device_images.buffer.floats(), batch.images.shape.size());
        const ConstView inputs[] = {device_images.view()};
        const MutView outputs[] = {logits.view()};
        run(plan, stream_, inputs, outputs, arena.scratch());
        const HostTensor z = download(stream_, logits.view());
        for (int64_t i = 0; i < used; i++) {
            const float* row = z.view().pixel(i, 0, 0);
            const int64_t answer = std::max_element(row, row + result.classes) - row, truth = batch.classes[size_t(i)];
            double sum = 0;
            for (int64_t k = 0; k < result.classes; k++) sum += elementary::exp(double(row[k]) - row[answer]);
            result.loss += (row[answer] + elementary::log(sum) - row[truth]) / double(result.count);
            result.right += answer == truth;
            result.confusion[size_t(truth * result.classes + answer)]++;
        }
    }
    return result;
}

std::vector<float> Trainer::flat(const Weights& weights, const std::string& prefix) const {
    const Parameter& last = parameters_.back();
    std::vector<float> values(size_t(last.first + round_up(last.shape.size(), kPadding)), 0.0f);
    for (const Parameter& p : parameters_) {
        const auto found = weights.tensors.find(prefix + p.name);
        if (found == weights.tensors.end() || !(found->second.shape == p.shape))
            throw Error(concat(weights.source, ": ", prefix, p.name, " is missing or misshapen, expected ", p.shape));
        std::ranges::copy(found->second.values, values.begin() + p.first);
    }
    return values;
}

void Trainer::put(Weights& weights, const std::string& prefix, const DeviceTensor& tensor) {
    const std::vector<float> values = download(stream_, tensor.view()).values;
    for (const Parameter& p : parameters_) weights.tensors[prefix + p.name] = slice_of(values, p.first, p.shape);
}

Weights Trainer::weights() {
    Weights weights = *net_.weights;
    weights.tensors.clear();
    weights.source = identity();
    weights.source_sha256.clear();
    put(weights, "", theta_);
    weights.checksum = checksum_of(weights.tensors);
    return weights;
}

}  // namespace limpid
