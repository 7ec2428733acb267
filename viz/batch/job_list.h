// What a batch renders: from ranges, JSON lines and CSV to jobs, each with a name for its files and an identity.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "viz/batch/batch_renderer.h"

namespace limpid {

struct JobList {
    std::vector<Job> jobs;
    std::vector<std::string> errors;  // one line for each job that could not be read: "jobs.csv:7: ..."
};

// Each source is a file of jobs where its name ends in .jsonl, .ndjson, .csv or .txt, whether or not it exists; else it
// is jobs itself:
//   mixed4d:*  mixed3a:0-63  mixed3a:1,5,7-9    channels of a layer; such a list stands alone (channel_range.h)
//   all                                         every channel of the trunk: the layers that trunk_layers names
//   any other objective                         e.g. "class:espresso", "mixed4a:476 - 0.5*mixed4a:477"
// A file *.jsonl or *.ndjson has an object on each line, a *.csv a header and rows, with the fields
//   objective (needed; ranges too), name, size, param, transforms, steps, learning_rate, optimiser, seed, job, batch
// and what they leave out is taken from `defaults`. A file *.txt has one of the forms above on each line; '#' begins a
// comment. A mark of the byte order in front is passed over. Jobs and files that cannot be read are listed as errors,
// and the others are taken.
//
// A job without a name is called what its objective and settings say, whatever else is in the list: LAYER-0003 and
// class-LABEL where these can be read back (a layer's '/' becomes '-'); other objectives by their letters and 8 digits
// of the checksum of their text; where settings differ from `defaults`, 8 digits of the job's identity.
JobList read_jobs(const std::vector<std::string>& sources, const RenderOptions& defaults, const Net& net);

// What a layer is called in the names of files: '/', which some have, is '-', which none has.
std::string layer_file_name(std::string layer);
// "mixed4a-0003"
std::string unit_name(const std::string& layer, int64_t channel);

// Channels of a layer; Error with the nearest names.
int64_t channels_of(const Net& net, const std::string& layer);

// Path and SHA-256 of files that were read.
using FileDigests = std::map<std::string, std::string>;

// All that determines the bits of the job's picture on a given device, on one line of JSON; of files that the job
// names, what is in them. Throws Error where one cannot be read. read: files that need not be read again; those that
// were read are added.
std::string description(const Job& job, const Net& net, FileDigests* read = nullptr);
// SHA-256 of it: the same job of the same network, in whatever list.
std::string identity(const Job& job, const Net& net, FileDigests* read = nullptr);
std::string identity_of(const std::string& description);

}  // namespace limpid
