// Executes a plan; and the four ways to look inside a run.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "graph/plan.h"
#include "kernels/roofline.h"

namespace limpid {

// Time per step, added up over runs of the same plan.
struct Trace {
    // By step, of the device (Event); of lanes that run at the same time, their mean. A GPU that waits for the step's
    // launches counts as busy.
    std::vector<double> seconds;
    int64_t runs = 0;
    Roofline roofline;  // of the device, for the percentage; zeros: unknown
    // A table, slowest first, with GFLOP/s, GB/s and percent of the roofline per node. Operations are those of the
    // direct algorithm, and a value may still lie in a cache: both can carry a node above 100 %.
    std::string print(const Plan& plan) const;
};

// Compares every step with another device, given the same inputs.
struct Shadow {
    explicit Shadow(Stream other) : stream(std::move(other)) {}
    Stream stream;
    double worst_error = 0;  // |difference| / largest |expected| of the step's output
    std::string worst_step;
    double fail_above = 1e-3;  // a larger error stops the run with an Error naming the step
};

struct RunOptions {
    bool check = false;  // stop at the first value that is not finite, naming the node
    Trace* trace = nullptr;
    Shadow* shadow = nullptr;
    // Is given what each step made, with a name that is fit for a file: its number and its node's.
    std::function<void(const std::string& name, const HostTensor& value)> dump;
    bool poison = false;  // fill memory with NaN before the run and as soon as no later step reads it: proves the
                          // plan's lifetimes

    // Whether values are looked at or changed between steps: such a run cannot be recorded and replayed.
    bool watches() const { return trace || looks(); }
    // Whether one step must be done before the next begins.
    bool looks() const { return check || shadow || dump || poison; }
};

// inputs and outputs in the plan's order: device memory; outputs dense, of the plan's shapes. arena: device memory of
// at least plan.arena_bytes, 64-byte aligned. Allocates nothing. On a CPU the results are there when run returns; on a
// GPU they are queued.
void run(const Plan& plan, Stream& stream, std::span<const ConstView> inputs, std::span<const MutView> outputs,
         Scratch arena, const RunOptions& options = {});

// For tests and single evaluations: makes a plan, allocates, uploads, runs and downloads.
std::vector<HostTensor> evaluate(const Graph& graph, const std::vector<NodeId>& outputs, Stream& stream,
                                 const std::vector<HostTensor>& inputs = {}, RewriteOptions rewrite = {},
                                 const RunOptions& options = {});

}  // namespace limpid
