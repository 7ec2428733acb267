#include "graph/sections.h"

#include <algorithm>
#include <bit>

#include "kernels/rounding.h"

namespace limpid {

namespace {

// What the inputs and the output of any step may take in a block: a small part of the last cache for each thread.
// (2, 4 and 8 MiB differ by at most 5 % on two cores: render_bench --benchmark_filter='render_update.*batch:16/'.)
constexpr int64_t kBlockBytes = 4 << 20;

// How many images of a step fit kBlockBytes; 0: it cannot be cut.
int64_t images_that_fit(const PlanStep& step) {
    if (step.by_image.empty()) return 0;
    int64_t floats = step.output.shape.size();
    for (size_t i = 0; i < step.inputs.size(); i++)
        if (step.by_image[i]) floats += step.inputs[i].shape.size();
    return std::max<int64_t>(1, kBlockBytes * step.output.shape.n / (floats * int64_t(sizeof(float))));
}

// Blocks of at most `most` images; none where threads would be idle for long at the end.
int64_t block_of(int64_t most, int64_t batch, int64_t lanes) {
    const int64_t block = std::min(int64_t(std::bit_floor(uint64_t(most))), std::max<int64_t>(1, batch / lanes));
    if (lanes == 1) return block < batch ? block : 0;
    const int64_t rounds = divide_up(divide_up(batch, block), lanes);
    return 10 * batch >= 9 * rounds * lanes * block ? block : 0;
}

}  // namespace

std::vector<PlanSection> choose_sections(const std::vector<PlanStep>& steps, int lanes) {
    std::vector<PlanSection> sections;
    for (int i = 0; i < int(steps.size()); i++) {
        const int64_t fit = lanes > 0 ? images_that_fit(steps[size_t(i)]) : 0;
        const int64_t batch = fit ? steps[size_t(i)].output.shape.n : 0;
        if (sections.empty() || sections.back().batch != batch) sections.push_back({i, i, batch, fit});
        sections.back().end++;
        sections.back().block = std::min(sections.back().block, fit);
    }
    for (PlanSection& section : sections) {
        if (section.batch) section.block = block_of(section.block, section.batch, lanes);
        if (section.block == 0) section.batch = 0;
    }
    return sections;
}

}  // namespace limpid
