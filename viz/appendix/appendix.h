// A page for browsing every channel of chosen layers: a grid for each layer, a page for each unit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "viz/batch/job_list.h"
#include "viz/batch/manifest.h"

namespace limpid {

struct AppendixOptions {
    std::vector<std::string> layers;  // empty: the trunk; one that is named twice is one
    bool negative = true, diversity = true;
    int64_t diverse_pictures = 4;
};

// The jobs: each channel, its negative, and pictures of it that differ (Olah et al. 2017).
JobList appendix_jobs(const AppendixOptions& options, const RenderOptions& defaults, const Net& net);

// Writes FOLDER/index.html and FOLDER/units.js from what the folder's manifests say is there: the layers of the
// options, and what else has been rendered of the network with these settings. Opens without a server.
void write_appendix(const std::string& folder, const AppendixOptions& options, const RenderOptions& defaults,
                    const Net& net, const std::string& command_options);

}  // namespace limpid
