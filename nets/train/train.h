// Training: build, plan, run. One plan of a batch answers the loss and its gradient to every parameter; the optimiser
// changes all parameters, which lie in one piece of device memory, at once.
//
//   loss = mean over the batch of log(sum_k exp(z_k)) - sum_k t_k z_k     z: logits; t: targets that sum to 1
//   rate_s = rate * s / warmup for s <= warmup, then rate * (1 + cos(pi * (s - warmup) / (steps - warmup))) / 2
//   decay:   w *= 1 - rate_s * weight_decay (filters and matrices, not biases), before the update (Loshchilov & Hutter)
//   adam:    kernels/adam/adam.h with rate_s       sgd:  m = momentum * m + g;  w -= rate_s * m
//
// All is a function of weights, data, options and device: neither threads nor interruptions change a bit.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/run.h"
#include "nets/net.h"
#include "nets/train/dataset.h"

namespace limpid {

enum class Descent { adam, sgd };

struct TrainOptions {
    int64_t steps = 10000, batch = 64;
    uint64_t seed = 0;  // of order and augmentation
    Descent optimiser = Descent::adam;
    double rate = 1e-3, momentum = 0.9, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 1e-2;
    int64_t warmup = 200;
    double smoothing = 0;  // t = (1 - smoothing) * one_hot + smoothing / classes
    Augmentation augmentation;
};
// All that decides the result, on one line.
std::string to_string(const TrainOptions& options);
// rate_s of the s-th update, s = 1, 2, ...
double rate_at(const TrainOptions& options, int64_t s);

// The loss above, {1,1,1,1}: logits and targets {n,1,1,k}.
NodeId cross_entropy(Graph& graph, NodeId logits, NodeId targets);

// What one update computes. Inputs of the graph, in this order: images, targets, the parameters.
struct TrainingGraph {
    Graph graph;
    std::vector<std::string> parameters;  // names; those that decay first
    NodeId loss, logits;
    std::vector<NodeId> gradients;  // of the parameters
};
TrainingGraph training_graph(const Net& net, Shape images);

struct Evaluation {
    int64_t count = 0, classes = 0, right = 0;
    double loss = 0;                 // mean, natural logarithm
    std::vector<int64_t> confusion;  // [true class][answer], row-major
    double accuracy() const { return count > 0 ? double(right) / double(count) : 0; }
};

class Trainer {
  public:
    // net: its weights are where training begins; its logits are trained. Throws Error where data and net do not fit,
    // UsageError for options without sense. `stream` must outlive the trainer.
    Trainer(const Net& net, Dataset data, const TrainOptions& options, Stream& stream);

    int64_t done() const { return int64_t(losses_.size()); }  // updates
    // One update. Throws Error when the loss is not finite.
    void step(const RunOptions& run = {});
    const std::vector<float>& losses() const { return losses_; }     // of each update's batch, before it
    const std::vector<float>& accuracies() const { return right_; }  // of the same
    const Plan& plan() const { return plan_; }

    // Loss and answers for samples [0, count) of data; of a finite set at most all, in order of its numbers.
    Evaluation evaluate(const Dataset& data, int64_t count);

    // As they are now, with labels of the data.
    Weights weights();

    // Everything that training goes on from, as a file of weights/weights.h with more tensors. resume throws Error
    // unless the checkpoint was written with the same net, data and options.
    void save(const std::string& path);
    void resume(const std::string& path);

  private:
    struct Parameter {
        std::string name;
        Shape shape;
        int64_t first = 0;  // in theta_, elements
    };
    void update(int64_t s);
    std::vector<float> flat(const Weights& weights, const std::string& prefix) const;
    void put(Weights& weights, const std::string& prefix, const DeviceTensor& tensor);
    std::string identity() const;

    Net net_;
    TrainOptions options_;
    Stream& stream_;
    Loader loader_;
    ConstantStore constants_;
    std::vector<Parameter> parameters_;  // those that decay first
    int64_t decaying_ = 0;               // elements of theta_ that decay
    Plan plan_;
    Buffer arena_;
    Batch batch_;
    HostTensor host_targets_;
    DeviceTensor images_, targets_, loss_, logits_, theta_, gradient_, m_, v_, scalars_;
    std::vector<float> losses_, right_;
};

}  // namespace limpid
