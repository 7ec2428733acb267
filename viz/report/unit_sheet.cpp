// Three jobs a unit, six pictures.
#include "viz/report/unit_sheet.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "viz/report/page_data.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

constexpr int64_t kDiverse = 4;

}  // namespace

double diversity_weight(double largest_activation) {
    return largest_activation > 0 ? elementary::pow(10, std::floor(elementary::log10(largest_activation))) : 1;
}

std::vector<Job> sheet_jobs(const Net& net, const Unit& unit, const UnitSheetOptions& options) {
    const std::string channel = concat(unit.layer, ':', unit.channel);
    const std::string reachable = concat(before_relu(net, unit.layer), ':', unit.channel);
    const std::string opposite = "0 - " + reachable;
    const std::string diverse = concat(reachable, " - ", options.diversity, "*diversity(", unit.layer, ')');
    std::vector<Job> jobs;
    for (const auto& [objective, batch] :
         {std::pair{channel, int64_t(1)}, {opposite, int64_t(1)}, {diverse, kDiverse}}) {
        Job job;
        job.name = objective;
        job.objective = parse_objective(objective);
        job.options.param.height = job.options.param.width = options.size;
        job.options.steps = options.steps;
        job.options.batch = batch;
        jobs.push_back(std::move(job));
    }
    return jobs;
}

ordered_json unit_sheet(const std::vector<Job>& jobs, const std::vector<HostTensor>& pictures,
                        const std::string& net_options) {
    const int64_t size = jobs[0].options.param.height;
    std::vector<ConstView> cells;
    std::vector<std::string> items{"positive", "negative"};
    std::string commands;
    for (size_t i = 0; i < jobs.size(); i++) {
        for (int64_t y = 0; y < pictures[i].shape.h; y += size)
            cells.emplace_back(pictures[i].view().pixel(0, y, 0), Shape{1, size, size, 3});
        commands += concat(i > 0 ? "\n" : "", "limpid render '", jobs[i].name, "' --size ", size, " --steps ",
                           jobs[i].options.steps, " --batch ", jobs[i].options.batch, net_options);
    }
    items.resize(cells.size(), "diversity");
    ordered_json sheet = sprite(cells, size, int64_t(cells.size()));
    sheet.update({{"items", items}, {"command", commands}});
    return sheet;
}

}  // namespace limpid
