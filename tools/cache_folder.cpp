// The XDG base directory of caches.
#include "tools/cache_folder.h"

#include <cstdlib>

namespace limpid {

std::string cache_home() {
    const auto environment = [](const char* name) {
        const char* value = std::getenv(name);
        return std::string(value ? value : "");
    };
    // Relative paths are invalid and ignored.
    if (const std::string cache = environment("XDG_CACHE_HOME"); cache.starts_with('/')) return cache + "/limpid";
    if (const std::string home = environment("HOME"); !home.empty()) return home + "/.cache/limpid";
    return "";
}

}  // namespace limpid
