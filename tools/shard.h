// What launchers tell the processes that they start: which share of the jobs is this one's, and its place among those
// of its machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace limpid {

struct Shard {
    int64_t index = 1, count = 1;  // 1/4 .. 4/4
    std::string reason;            // who said so, for people: "--shard", "Slurm array task 3 of 8"
    bool takes(int64_t job) const { return job % count == index - 1; }
    // "manifest.jsonl", or "manifest-3-of-8.jsonl".
    std::string manifest_name() const;
};

// One of several processes that a launcher has started on this machine, which share its GPUs.
struct LocalProcess {
    int64_t index = 0;     // from 0
    std::string launcher;  // for people
};
// Open MPI (OMPI_COMM_WORLD_LOCAL_RANK), Slurm steps of several tasks (SLURM_LOCALID), other MPIs (MPI_LOCALRANKID).
// Nothing where there is no launcher, or it does not tell.
std::optional<LocalProcess> find_local_process();

// given: "I/N" (1/8 .. 8/8), "auto/N" (the index comes from the launcher), "auto" (both do; a single process takes
// all). Launchers, the only readers of these variables: Slurm arrays (SLURM_ARRAY_TASK_ID, _MIN, _MAX, _STEP) and steps
// (SLURM_PROCID, SLURM_NTASKS), also together; Open MPI (OMPI_COMM_WORLD_RANK, _SIZE); other MPIs (PMI_RANK, PMI_SIZE);
// Kubernetes indexed jobs (JOB_COMPLETION_INDEX, which does not tell how many there are: "auto/N"). Throws UsageError
// on anything else.
Shard find_shard(const std::string& given);

}  // namespace limpid
