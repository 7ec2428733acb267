// Pictures of channels, kept on disk and shared by photos and runs.
//
// A picture's name is the digest of all that determines its bits: objective, size, parameterisation, transforms, steps,
// the checksum of the weights, the device. So other weights or options never meet.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "viz/batch/batch_renderer.h"
#include "viz/report/figure.h"
#include "viz/report/kept.h"

namespace limpid {

struct IconOptions {
    int64_t size = 80, steps = 128, batch = 16;
};

// The picture of a channel alone.
Job icon_job(const Unit& unit, const IconOptions& options);

// Whether the picture is there already.
bool has_picture(const Net& net, const Job& job, const Stream& stream, Kept& kept);

// Pictures of the jobs by name: read where they are kept, otherwise rendered, `batch` at a time, and kept one by one.
// {1, images*size, size, 3}: those of a job below each other. The watcher is told after each update how many of the
// missing ones' updates are done, as a share; false stops: then an empty map.
std::map<std::string, HostTensor> kept_pictures(const Net& net, const std::vector<Job>& jobs, int64_t batch,
                                                Stream& stream, Kept& kept, const PartWatcher& watcher = {});

}  // namespace limpid
