// Compares the gradient of an objective with finite differences: what to run on a new term.
#pragma once

#include <vector>

#include "graph/run.h"
#include "viz/objective/objective.h"

namespace limpid {

struct GradcheckOptions {
    int64_t size = 24, batch = 1, directions = 4;
    bool alpha = false;
    double step_size = 1.0 / 512;
    uint64_t seed = 0;
};

// Along one direction: the product of the gradient with it, and the central difference of the score, whose error is
// judged by how much differences of the double and half step disagree (kinks: ReLU, max-pool) and by rounding.
struct GradcheckRow {
    int64_t direction = 0;
    double expected = 0, measured = 0, error = 0, allowed = 0;
};
struct GradcheckResult {
    std::vector<GradcheckRow> rows;  // along the gradient itself, then random directions
    double score = 0, length = 0;    // at the start; of the gradient
    bool passed() const;
};

// For a smooth random picture in [0,1]; the network sees its colours. The objective's step is 1.
GradcheckResult check_gradient(const Net& net, const Objective& objective, const GradcheckOptions& options,
                               Stream& stream);

}  // namespace limpid
