// Pictures of channels, kept on disk and shared by photos and runs.
//
// An icon's name is the digest of all that determines its bits: objective, size, parameterisation, transforms, steps,
// the checksum of the weights, the device. So other weights or options never meet.
#pragma once

#include <functional>
#include <map>
#include <vector>

#include "viz/report/figure.h"
#include "viz/report/kept.h"

namespace limpid {

struct IconOptions {
    int64_t size = 80, steps = 128, batch = 16;
};

// Whether the icon is there already.
bool has_icon(const Net& net, const Unit& unit, const IconOptions& options, const Stream& stream, Kept& kept);

// Icons {1,size,size,3} of the units: read where they are kept, otherwise rendered, and kept one by one. The watcher is
// told after each update how many of the missing ones' updates are done, as a share; false stops: then an empty map.
std::map<Unit, HostTensor> channel_icons(const Net& net, const std::vector<Unit>& units, const IconOptions& options,
                                         Stream& stream, Kept& kept, const PartWatcher& watcher = {});

}  // namespace limpid
