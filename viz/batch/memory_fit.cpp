// Planning one job of each kind, with more and more pictures.
#include "viz/batch/memory_fit.h"

#include <algorithm>
#include <tuple>

#include "kernels/error.h"

namespace limpid {

namespace {

// The largest batch within the limit, and what it takes; one picture fits. A batch is not always full, and on a CPU
// some smaller numbers take more than larger ones (graph/sections.h), so there each counts.
std::pair<int64_t, size_t> largest_batch(BatchRenderer& renderer, const KindOfJobs& kind, bool on_cpu,
                                         size_t limit_bytes, int64_t most, const Stop& stop) {
    const Job& job = *kind.jobs[0];
    const int64_t no_more = std::min(most, int64_t(kind.jobs.size()));
    int64_t low = 1, high = no_more;
    size_t taken = kind.bytes;
    while (low < high) {
        const int64_t count = on_cpu ? low + 1 : (low + high + 1) / 2;
        stop.check();
        const size_t bytes = renderer.device_bytes(job, count);
        if (bytes <= limit_bytes) {
            low = count;
            taken = std::max(taken, bytes);
        } else {
            high = count - 1;
        }
    }
    return {low == no_more ? most : low, taken};
}

}  // namespace

MemoryFit fit_memory(const Net& net, Stream& stream, const std::vector<const Job*>& jobs, size_t limit_bytes,
                     int64_t most) {
    MemoryFit fit;
    std::map<std::string, size_t> places;
    for (const Job* job : jobs) {
        const size_t place = places.emplace(job_kind(*job), fit.kinds.size()).first->second;
        if (place == fit.kinds.size()) fit.kinds.emplace_back();
        fit.kinds[place].jobs.push_back(job);
    }
    BatchRenderer renderer(net, stream, most);
    const auto fail = [&](const Job* job, const std::string& why) { fit.failed.push_back({job, why, {}, {}, 0}); };
    for (KindOfJobs& one : fit.kinds) {
        const auto can_be_built = [&](const Job* job) {
            stream.stop().check();
            try {
                one.bytes = renderer.device_bytes(*job, 1);
                return true;
            } catch (const std::exception& error) {
                fail(job, error.what());
                return false;
            }
        };
        one.jobs.erase(one.jobs.begin(), std::ranges::find_if(one.jobs, can_be_built));
        if (one.bytes > limit_bytes) {
            for (const Job* job : one.jobs)
                fail(job, concat("takes ", one.bytes, " bytes by itself, more than the ", limit_bytes,
                                 " allowed; raise --max-memory or render a smaller picture"));
            one.jobs.clear();
        }
        if (one.jobs.empty() || is_joint(*one.jobs[0])) continue;
        std::tie(one.batch, one.bytes) =
            largest_batch(renderer, one, stream.device().kind == DeviceKind::cpu, limit_bytes, most, stream.stop());
    }
    std::erase_if(fit.kinds, [](const KindOfJobs& one) { return one.jobs.empty(); });
    return fit;
}

}  // namespace limpid
