// Crash-safe lines: appended, synced, and believed only when the picture they name is there.
#include "viz/batch/manifest.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "kernels/error.h"
#include "viz/json_text.h"
#include "viz/objective/objective.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;

std::vector<std::string> manifest_files(const std::string& folder) {
    std::vector<std::string> result;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
        const std::string name = entry.path().filename().string();
        if (name.starts_with("manifest") && name.ends_with(".jsonl")) result.push_back(entry.path().string());
    }
    std::sort(result.begin(), result.end());
    return result;
}

// A path from a manifest is a hostile one: only files of the folder itself are looked at.
bool stays_inside(const std::string& file) {
    const fs::path path(file);
    return !file.empty() && path.is_relative() &&
           std::none_of(path.begin(), path.end(), [](const fs::path& part) { return part == ".."; });
}

// A line whose objective was written with former names of arguments, as it would be written today: identity and
// parameters are those of the same job. A line that was changed by others, or cannot be read, is left.
void bring_up_to_date(ordered_json& record) {
    try {
        ordered_json parameters = record.at("parameters");  // a copy: a new field moves the others
        if (sha256_of(as_bytes(to_json_text(parameters))) != record.at("identity")) return;
        const Objective objective = parse_objective(parameters.at("objective").get<std::string>());
        if (old_form_note({&objective, 1}).empty()) return;
        parameters["objective"] = to_string(objective);
        record["identity"] = sha256_of(as_bytes(to_json_text(parameters)));
        record["objective"] = parameters["objective"];
        record["parameters"] = std::move(parameters);
    } catch (const nlohmann::json::exception&) {
    } catch (const Error&) {
    }
}

bool is_there(const std::string& folder, const std::string& file, const std::string& sha256) {
    if (!stays_inside(file)) return false;
    try {
        return digest_of_file(folder + "/" + file) == sha256;
    } catch (const Error&) {
        return false;  // missing or not readable: it is made again
    }
}

}  // namespace

bool has_manifest(const std::string& folder) { return !manifest_files(folder).empty(); }

ManifestContents read_manifests(const std::string& folder) {
    ManifestContents result;
    const auto give_files_to = [&](const ManifestEntry& entry) {
        result.owners[entry.file] = entry;
        if (!entry.raw.empty()) result.owners[entry.raw] = entry;
    };
    for (const std::string& path : manifest_files(folder)) {
        const std::vector<std::byte> bytes = read_file(path);
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
        for (size_t begin = 0; begin < text.size();) {
            const size_t end = std::min(text.find('\n', begin), text.size());
            const std::string line(text.substr(begin, end - begin));
            begin = end + 1;
            if (line.empty()) continue;
            ordered_json record = from_json_text(line);
            if (line.find("x=") != line.npos || line.find("y=") != line.npos) bring_up_to_date(record);
            const auto field = [&](const char* name) {
                const auto found = record.find(name);
                return found != record.end() && found->is_string() ? found->get<std::string>() : std::string();
            };
            if (!record.is_object() || field("identity").empty()) {
                result.torn_lines++;
                continue;
            }
            if (field("status") != "done") continue;
            const ManifestEntry entry{field("identity"),   field("name"),   field("objective"),
                                      field("file"),       field("sha256"), field("raw"),
                                      field("raw_sha256"), field("device"), to_json_text(record)};
            give_files_to(entry);
            result.finished[entry.identity] = entry;
        }
    }
    result.lost_files = int64_t(std::erase_if(
        result.finished, [&](const auto& item) { return !is_there(folder, item.second.file, item.second.sha256); }));
    for (auto& [identity, entry] : result.finished) {
        if (!entry.raw.empty() && !is_there(folder, entry.raw, entry.raw_sha256)) {
            result.lost_raw_files += !entry.raw_sha256.empty();
            entry.raw.clear();
        }
        give_files_to(entry);
    }
    return result;
}

std::map<std::string, int64_t> devices_of(const ManifestContents& contents) {
    std::map<std::string, int64_t> devices;
    for (const auto& [identity, entry] : contents.finished) devices[entry.device]++;
    return devices;
}

std::string to_string(const std::map<std::string, int64_t>& devices) {
    std::string text;
    for (const auto& [device, pictures] : devices)
        text += concat(text.empty() ? "" : ", ", pictures, " on ", device.empty() ? "an unknown device" : device);
    return text;
}

std::string differences(const ManifestEntry& recorded, const std::string& description) {
    const ordered_json record = from_json_text(recorded.line), now = from_json_text(description);
    const ordered_json was =
        record.is_object() ? record.value("parameters", ordered_json::object()) : ordered_json::object();
    const auto text = [](const ordered_json& parameters, const std::string& name) {
        const auto found = parameters.find(name);
        if (found == parameters.end()) return std::string("none");
        return found->is_string() ? found->get<std::string>() : to_json_text(*found);
    };
    std::set<std::string> names;
    for (const ordered_json* parameters : {&was, &now})
        for (const auto& [name, value] : parameters->items()) names.insert(name);
    std::string result;
    for (const std::string& name : names)
        if (const std::string before = text(was, name), after = text(now, name); before != after)
            result += concat(result.empty() ? "" : ", ", name, " ", before, ", now ", after);
    return result.empty() ? "it was recorded by another version of limpid" : result;
}

ManifestWriter::ManifestWriter(const std::string& folder, const std::string& file_name)
    : path_(folder + "/" + file_name) {
    check_may_be_written(path_);
    file_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (file_ < 0) fail_to_write(path_, "cannot be opened for writing", errno);
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
        ::close(file_);
        throw Error(concat(path_,
                           ": another process is rendering this share of the jobs into the folder; wait for it, ",
                           "or take another folder"));
    }
    // A line torn by a crash is ended, so that the next one stands alone.
    const off_t size = ::lseek(file_, 0, SEEK_END);
    char last = '\n';
    if (size > 0 && ::pread(file_, &last, 1, size - 1) == 1 && last != '\n') append("");
}

ManifestWriter::~ManifestWriter() { ::close(file_); }

void ManifestWriter::append(const std::string& line) {
    const off_t before = ::lseek(file_, 0, SEEK_END);
    const std::string text = line + "\n";
    size_t written = 0;
    while (written < text.size()) {
        const ssize_t now = ::write(file_, text.data() + written, text.size() - written);
        if (now > 0) {
            written += size_t(now);
        } else if (errno != EINTR) {
            const int reason = errno;
            if (written > 0 && ::ftruncate(file_, before) != 0) ::close(std::exchange(file_, -1));
            fail_to_write(path_, "a line cannot be appended", reason);
        }
    }
    if (::fdatasync(file_) != 0) fail_to_write(path_, "the line may not have reached the disk", errno);
}

}  // namespace limpid
