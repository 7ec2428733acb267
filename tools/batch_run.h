// Many pictures into a folder: what the commands batch and appendix share.
#pragma once

#include <string>

#include "tools/command.h"
#include "tools/run_options.h"
#include "tools/shard.h"
#include "viz/batch/job_list.h"

namespace limpid {

struct BatchArguments {
    RunArguments run;
    std::string command = "batch";    // before what is said
    std::vector<std::string> inputs;  // files that the jobs were read from
    std::string folder, param = "fft", transforms = "standard", optimiser = "adam", shard = "auto";
    RenderOptions options;
    int64_t size = 128, batch = 16, streams = 1, cell = 110;
    bool resume = false, raw = false, sprites = true, plan = false, quiet = false;
};

// The options that all such commands have; the JOBS are theirs.
void declare_batch_options(CLI::App& app, BatchArguments& arguments);
// What a job is rendered with where it says nothing else.
RenderOptions batch_options(const BatchArguments& arguments);

// Renders this share of the jobs that are not in the folder yet. Failures of single jobs are said and recorded, and the
// others go on: kPartlyDone. Interrupted: kPartlyDone; what is finished is kept.
ExitStatus run_batch(const BatchArguments& arguments, const Net& net, Stream& stream, const JobList& list,
                     const Shard& shard);

}  // namespace limpid
