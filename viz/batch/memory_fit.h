// How many pictures at once fit into memory, for each kind of job.
#pragma once

#include <vector>

#include "viz/batch/batch_renderer.h"

namespace limpid {

// Jobs that take the same memory: batch_renderer.h, job_kind.
struct KindOfJobs {
    std::vector<const Job*> jobs;
    int64_t batch = 1;  // the most pictures per update that fit; 1 where an update is of one job alone
    size_t bytes = 0;   // what they take, or fewer of them
};

struct MemoryFit {
    std::vector<KindOfJobs> kinds;    // in the order of their first jobs
    std::vector<FinishedJob> failed;  // those that do not fit by themselves, or that cannot be built
};
// With batches of at most `most` pictures, each kind within `limit_bytes`. One job stands for all of its kind, so
// others that cannot be built may be among `kinds` still: rendering finds them.
MemoryFit fit_memory(const Net& net, Stream& stream, const std::vector<const Job*>& jobs, size_t limit_bytes,
                     int64_t most);

}  // namespace limpid
