// What a channel looks like in several pictures: large, its opposite, and four that differ (Olah et al. 2017).
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "viz/batch/batch_renderer.h"
#include "viz/report/figure.h"

namespace limpid {

struct UnitSheetOptions {
    int64_t size = 112, steps = 128;
    // What being alike costs, in units of activation: 1e2 in Lucid, for GoogLeNet.
    double diversity = 100;
};

// The jobs of a unit's sheet, in its order. The opposite, and those that differ, are of the layer before its ReLU,
// where there is one: after it, nothing is smaller than 0, and a start that does not fire never learns to.
std::vector<Job> sheet_jobs(const Net& net, const Unit& unit, const UnitSheetOptions& options);
// {"cell", "columns", "sprite", "items", "command"}; pictures: of those jobs.
nlohmann::ordered_json unit_sheet(const std::vector<Job>& jobs, const std::vector<HostTensor>& pictures,
                                  const std::string& net_options);

// A power of ten not above the layer's largest activation.
double diversity_weight(double largest_activation);

}  // namespace limpid
