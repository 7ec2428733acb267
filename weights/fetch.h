// Downloads one file: several mirrors, resumable, verified, atomic.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace limpid {

struct Download {
    std::vector<std::string> urls;  // of the same file, tried in this order: http, https or file
    std::string sha256, sha1;       // lower-case hexadecimal; empty: not published. At least one should be given
    int64_t most_bytes = int64_t(1) << 30;
};

// Bytes on disk so far and in all (0: not known). May throw to stop: what has arrived stays for the next attempt.
using FetchProgress = std::function<void(int64_t done, int64_t total)>;

// Downloads to `path` through "<path>.part", which an interrupted download leaves and the next one continues. Does
// nothing when `path` has the right digest already. Throws Error naming what happened at every mirror; a part with a
// wrong digest is removed.
void fetch(const Download& download, const std::string& path, const FetchProgress& progress = {});

}  // namespace limpid
