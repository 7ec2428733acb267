// Tests of the batch that follows the memory.
#include "viz/batch/memory_fit.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "kernels/error.h"
#include "nets/patterns.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

std::vector<Job> jobs_of(int64_t count, const std::string& layer, int64_t size) {
    RenderOptions options;
    options.param.height = options.param.width = size;
    options.transforms = parse_transforms("none");
    std::vector<Job> jobs;
    for (int64_t i = 0; i < count; i++)
        jobs.push_back({concat(layer, i), parse_objective(concat(layer, ":", i)), options});
    return jobs;
}

std::vector<const Job*> pointers(const std::vector<Job>& jobs) {
    std::vector<const Job*> result;
    for (const Job& job : jobs) result.push_back(&job);
    return result;
}

// With two threads, seven pictures take more than eight do.
TEST(MemoryFit, EveryNumberOfPicturesFits) {
    const Net net = make_net(trained_patterns());
    Stream stream({DeviceKind::cpu, 0}, 2);
    const std::vector<Job> jobs = jobs_of(8, "mixed4a", 128);
    size_t most_bytes = 0, eight_bytes = 0;
    BatchRenderer renderer(net, stream, 8);
    for (int64_t count = 1; count <= 8; count++) {
        eight_bytes = renderer.device_bytes(jobs[0], count);
        most_bytes = std::max(most_bytes, eight_bytes);
    }
    ASSERT_GT(most_bytes, eight_bytes) << "this tests nothing any more";
    EXPECT_EQ(fit_memory(net, stream, pointers(jobs), kNoLimit, 8).kinds.at(0).bytes, most_bytes);
    const MemoryFit fit = fit_memory(net, stream, pointers(jobs), eight_bytes, 8);
    ASSERT_EQ(fit.kinds.size(), 1u);
    EXPECT_LE(fit.kinds[0].bytes, eight_bytes);
    EXPECT_LT(fit.kinds[0].batch, 7);
}

// What an objective remembers from update to update, here a Gram matrix, is there twice: before and after.
TEST(MemoryFit, CountsWhatAnObjectiveRemembers) {
    const Net net = make_net(trained_patterns());
    Stream stream({DeviceKind::cpu, 0}, 1);
    Job job = jobs_of(1, "mixed3a", 32)[0];
    job.options.batch = 2;
    job.objective = parse_objective("style_difference(mixed3a, batch=1, reference=0, ema=0.9)");
    Workspace work(stream);
    Ascent ascent(work, render_form(
                            net, job.options, [&](int64_t) { return std::vector{job.objective}; }, false));
    const Ascent::Need need = ascent.plan_all(1, true);
    const size_t variables = 14 * size_t(ascent.theta().size()) * sizeof(float);
    ASSERT_GT(need.memory, 2 * need.pictures) << "pictures and scores would hide it";
    EXPECT_GE(BatchRenderer(net, stream, 1).device_bytes(job, 1),
              need.arena + need.fed + variables + work.constants.size_bytes() + 2 * need.memory);
}

TEST(MemoryFit, OneKindDoesNotDecideAboutAnother) {
    const Net net = make_net(trained_patterns());
    Stream stream({DeviceKind::cpu, 0}, 1);
    const std::vector<Job> small = jobs_of(3, "mixed3a", 32), large = jobs_of(2, "mixed3a", 96);
    std::vector<const Job*> both = pointers(large);
    for (const Job& job : small) both.push_back(&job);
    Job bad = small[0];
    bad.objective = parse_objective("class:nosuch");
    both.push_back(&bad);
    const size_t limit = fit_memory(net, stream, pointers(large), kNoLimit, 1).kinds.at(0).bytes - 1;
    const MemoryFit fit = fit_memory(net, stream, both, limit, 2);
    ASSERT_EQ(fit.kinds.size(), 1u);
    EXPECT_EQ(fit.kinds[0].jobs, pointers(small));
    EXPECT_EQ(fit.kinds[0].batch, 2);
    ASSERT_EQ(fit.failed.size(), 3u);
    EXPECT_THAT(fit.failed[0].error, HasSubstr("by itself"));
    EXPECT_THAT(fit.failed[2].error, HasSubstr("nosuch"));
}

}  // namespace
}  // namespace limpid::testing
