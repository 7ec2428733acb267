// How a plan goes through a batch on a CPU: each thread takes a few images through all steps that work on one image at
// a time, forward and backward, before it takes the next. Values stay in its cache, no thread waits for another between
// steps, and memory is needed for one block per thread instead of the batch.
#pragma once

#include <vector>

#include "graph/plan.h"

namespace limpid {

// lanes: threads; 0: nothing is cut. Results do not depend on it: no operation depends on the number of images that it
// is given together.
std::vector<PlanSection> choose_sections(const std::vector<PlanStep>& steps, int lanes);

}  // namespace limpid
