// How a plan goes through a batch on a CPU: early layers are large and go an image at a time, so that they stay in the
// cache of the thread that computes them; late layers are small and share the loads of their filters among many images.
// What lives within a section needs memory for one block per thread instead of the batch.
#pragma once

#include <vector>

#include "graph/plan.h"

namespace limpid {

// lanes: threads; 0: nothing is cut. Results do not depend on it: no operation depends on the number of images that it
// is given together.
std::vector<PlanSection> choose_sections(const std::vector<PlanStep>& steps, int lanes);

}  // namespace limpid
