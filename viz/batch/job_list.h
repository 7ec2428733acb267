// What a batch renders: from ranges, JSON lines and CSV to jobs, each with a name for its files and an identity.
#pragma once

#include <string>
#include <vector>

#include "viz/batch/batch_renderer.h"

namespace limpid {

struct JobList {
    std::vector<Job> jobs;
    std::vector<std::string> errors;  // one line for each job that could not be read: "jobs.csv:7: ..."
};

// Each source is the name of a file, or jobs themselves:
//   mixed4d:*  mixed3a:0-63  mixed3a:1,5,7-9    channels of a layer
//   all                                         every channel of the trunk: the layers that trunk_layers names
//   any other objective                         e.g. "class:espresso", "mixed4a:476 - 0.5*mixed4a:477"
// A file *.jsonl has an object on each line, a *.csv a header and rows, with the fields
//   objective (needed; ranges too), name, size, param, transforms, steps, learning_rate, seed, job, batch
// and what they leave out is taken from `defaults`. Any other file has one of the forms above on each line; '#' begins
// a comment. Jobs that cannot be read are listed, and the others are taken; a source that is neither is an error of the
// caller's: UsageError.
JobList read_jobs(const std::vector<std::string>& sources, const RenderOptions& defaults, const Net& net);

// Convolutions and blocks between image and logits, without the branches inside a block: conv2d0, mixed3a, ...
std::vector<std::string> trunk_layers(const Net& net);
// Channels of a layer; Error with the nearest names.
int64_t channels_of(const Net& net, const std::string& layer);

// All that determines the bits of the job's picture on a given device, on one line of JSON.
std::string description(const Job& job, const Net& net);
// SHA-256 of it: the same job of the same network, in whatever list.
std::string identity(const Job& job, const Net& net);

}  // namespace limpid
