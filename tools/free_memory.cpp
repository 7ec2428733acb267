// Asks Linux: /proc/meminfo, the process's control groups from its own up to the root, its resource limits.
#include "tools/free_memory.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>

namespace limpid {

namespace {

constexpr size_t kNoLimit = std::numeric_limits<size_t>::max();

// The number that a file begins with; nothing where there is no file, or it says "max".
std::optional<size_t> number_in(const std::string& path) {
    std::ifstream file(path);
    size_t value = 0;
    if (file >> value) return value;
    return std::nullopt;
}

// The number after a word that begins a line: "MemAvailable:  22018632 kB".
std::optional<size_t> number_behind(const std::string& path, const std::string& word) {
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        std::istringstream words(line);
        std::string first;
        size_t value = 0;
        if (words >> first >> value && first == word) return value;
    }
    return std::nullopt;
}

// What a control group has left. Cached files count as used, but give way.
size_t left_in_group(const std::string& folder, const char* limit, const char* usage, const char* cached) {
    const std::optional<size_t> most = number_in(folder + "/" + limit), used = number_in(folder + "/" + usage);
    if (!most || !used) return kNoLimit;
    const size_t gives_way = number_behind(folder + "/memory.stat", cached).value_or(0);
    const size_t taken = *used - std::min(*used, gives_way);
    return *most - std::min(*most, taken);
}

// Each group is within the limits of those above it. In a container the path may be that of the machine, whose folders
// are not seen here: the group's own is then the root.
size_t left_in_groups(const std::string& root) {
    size_t left = kNoLimit;
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {  // "0::/path" of v2, "9:memory:/path" of v1
        const size_t first = line.find(':'), second = first == line.npos ? first : line.find(':', first + 1);
        if (second == line.npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1);
        const bool v2 = controllers.empty();
        if (!v2 && ("," + controllers + ",").find(",memory,") == std::string::npos) continue;
        const std::string mount = root + (v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory");
        for (std::filesystem::path path = line.substr(second + 1);; path = path.parent_path()) {
            const std::string folder = mount + (path == "/" ? "" : path.string());
            left = std::min(left, v2 ? left_in_group(folder, "memory.max", "memory.current", "inactive_file")
                                     : left_in_group(folder, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                                     "total_inactive_file"));
            if (!path.has_relative_path()) break;
        }
    }
    return left;
}

// What a resource limit leaves beside the pages that count towards it, number `field` of /proc/self/statm.
size_t left_of_limit(int resource, int field, const std::string& root) {
    rlimit limit{};
    if (getrlimit(__rlimit_resource_t(resource), &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return kNoLimit;
    std::ifstream file(root + "/proc/self/statm");
    size_t pages = 0;
    for (int i = 0; i <= field; i++) file >> pages;
    const size_t taken = pages * size_t(sysconf(_SC_PAGESIZE));
    return size_t(limit.rlim_cur) - std::min(size_t(limit.rlim_cur), taken);
}

}  // namespace

size_t free_memory(const std::string& root) {
    constexpr int kAllPages = 0, kDataPages = 5;
    size_t left = left_in_groups(root);
    if (const auto available = number_behind(root + "/proc/meminfo", "MemAvailable:"))
        left = std::min(left, *available * 1024);
    left = std::min(left, left_of_limit(RLIMIT_AS, kAllPages, root));
    return std::min(left, left_of_limit(RLIMIT_DATA, kDataPages, root));
}

}  // namespace limpid
