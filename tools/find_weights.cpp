// Looks for weights.
#include "tools/find_weights.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "kernels/error.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;

// Names given by `limpid fetch`; the first is the network that the papers look into.
constexpr const char* kPreferred[] = {"googlenet.h5", "bvlc.h5"};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
    return text;
}

// Files of a folder with one of the extensions, by name. A folder that does not exist has none.
std::vector<std::string> files_in(const std::string& folder, const std::vector<const char*>& extensions) {
    std::vector<std::string> names;
    std::error_code ignored;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
        for (const char* extension : extensions)
            if (entry->path().extension() == extension && !entry->path().filename().string().starts_with('.'))
                names.push_back(entry->path().string());
    std::ranges::sort(names);
    return names;
}

// What was converted is checked and quicker to read; the models of other programs serve where there is nothing else.
std::vector<std::string> weights_files() {
    std::vector<std::string> found;
    for (const auto& extensions : {std::vector<const char*>{".h5"}, {".onnx", ".caffemodel", ".pb"}})
        for (const std::string& folder : weights_folders())
            if (found.empty()) found = files_in(folder, extensions);
    return found;
}

}  // namespace

std::vector<std::string> weights_folders() {
    if (const std::string models = environment("LIMPID_MODELS"); !models.empty()) return {models};
    // XDG base directories: relative paths are invalid and ignored.
    if (const std::string data = environment("XDG_DATA_HOME"); data.starts_with('/')) return {data + "/limpid"};
    if (const std::string home = environment("HOME"); !home.empty()) return {home + "/.local/share/limpid"};
    return {};
}

std::string weights_home() {
    const std::vector<std::string> folders = weights_folders();
    if (folders.empty())
        throw Error("weights: none of LIMPID_MODELS, XDG_DATA_HOME and HOME is set; name the folder or file");
    return folders[0];
}

bool has_weights() { return !weights_files().empty(); }

std::string find_weights(const std::string& given) {
    const std::vector<std::string> folders = weights_folders();
    std::error_code ignored;
    if (!given.empty()) {
        const bool bare = given.find_first_of("/.") == std::string::npos;
        if (!bare || fs::exists(given, ignored)) return given;
        for (const std::string& folder : folders)
            if (const std::string path = folder + "/" + given + ".h5"; fs::exists(path, ignored)) return path;
        throw Error(concat("--weights ", given, ": no such file, and no ", given, ".h5 in ", joined(folders),
                           "; limpid fetch gets googlenet and bvlc"));
    }
    const std::vector<std::string> found = weights_files();
    if (found.empty())
        throw Error(concat("weights: none in ",
                           folders.empty() ? "any folder (LIMPID_MODELS and HOME are not set)" : joined(folders),
                           ", expected an .h5, .onnx, .caffemodel or .pb file; get some with limpid fetch googlenet or "
                           "limpid fetch bvlc, or "
                           "name a file: --weights FILE"));
    for (const char* name : kPreferred)
        for (const std::string& path : found)
            if (fs::path(path).filename() == name) return path;
    if (found.size() > 1)
        throw UsageError(concat("weights: ", found.size(), " files to choose from (", joined(found),
                                "); say which: --weights FILE"));
    return found[0];
}

}  // namespace limpid
