// A file is an input when device and inode are the input's. Two outputs are one when their paths lead to one place.
#include "weights/outputs.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "weights/file.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;
using FileId = std::pair<dev_t, ino_t>;

std::optional<FileId> id_of(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return std::nullopt;
    return FileId{status.st_dev, status.st_ino};
}

// Without "./" and links, as far as the path exists.
std::string resolved(const fs::path& path) {
    std::error_code problem;
    const fs::path result = fs::weakly_canonical(fs::absolute(path, problem), problem);
    return problem ? path.string() : result.string();
}

class Places {
  public:
    std::string of(const std::string& path) {
        const fs::path file(path);
        std::error_code ignored;
        if (fs::is_symlink(file, ignored)) return resolved(file);
        // Thousands of pictures of a batch share a folder, which may be on a slow disk.
        const std::string given = file.parent_path().string();
        auto found = folders_.find(given);
        if (found == folders_.end()) found = folders_.emplace(given, resolved(given.empty() ? "." : given)).first;
        return found->second + "/" + file.filename().string();
    }

  private:
    std::map<std::string, std::string> folders_;  // as they were given, and canonical
};

// The folder that `target`, which is written in the name of `output`, would lie in.
void check_folder(const std::string& output, const fs::path& target) {
    const std::string folder = target.has_parent_path() ? target.parent_path().string() : ".";
    struct stat status {};
    if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        throw Error(
            concat(output, ": cannot be written, for ", folder, " is no folder; make it first, or name another place"));
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) != 0)
        throw Error(concat(output, ": cannot be written in ", folder, " (", std::strerror(errno),
                           "), expected a folder with write permission; name another place"));
}

}  // namespace

void check_outputs(const std::vector<std::string>& outputs, const std::vector<std::string>& inputs) {
    std::map<FileId, std::string> read;
    for (const std::string& input : inputs)
        if (const std::optional<FileId> id = id_of(input)) read.emplace(*id, input);
    std::map<std::string, std::string> written;
    Places places;
    std::set<fs::path> folders;
    for (const std::string& output : outputs) {
        if (output.empty()) continue;
        check_may_be_written(output);
        const fs::path target = end_of_links(output);
        if (folders.insert(target.parent_path()).second) check_folder(output, target);
        const std::optional<FileId> id = id_of(output);
        if (const auto input = id ? read.find(*id) : read.end(); input != read.end())
            throw UsageError(concat(output, ": is ",
                                    input->second == output ? "read by this command"
                                                            : concat("the file ", input->second, ", which is read"),
                                    " and would be written over; name another file for the result"));
        if (const auto [other, added] = written.emplace(places.of(output), output); !added)
            throw UsageError(concat(output, ": two results would be written there",
                                    other->second == output ? "" : concat(" (it is also ", other->second, ")"),
                                    "; name different files"));
    }
}

}  // namespace limpid
