// What a folder of pictures holds: one JSON line for each finished job, appended when its files are safely there.
//
// Several processes write into one folder, each its own file (manifest.jsonl, manifest-2-of-8.jsonl); all of them are
// read. A line is written whole and synced; a torn one, left by a crash, is passed over by the reader and ended by the
// next writer. So after any interruption every line stands for complete files, and what has no line is made again.
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace limpid {

struct ManifestEntry {
    std::string identity;  // of the job: job_list.h
    std::string name, objective;
    std::string file, sha256;     // of the picture; the path is relative to the folder
    std::string raw, raw_sha256;  // of its floats; empty where none were asked for
    std::string device;           // that computed it: "cpu:avx2"; others give other bits
    std::string line;             // all of it, JSON
};

// The finished jobs of a folder, by identity; the last line wins. Jobs whose picture is missing or has other bytes than
// recorded are left out, and lines that are no JSON are counted. A raw file that is missing, has other bytes, or has no
// checksum (lines of old versions) is left out of its entry.
struct ManifestContents {
    std::map<std::string, ManifestEntry> finished;
    // Whose each file is: of the jobs that wrote it, the one whose bytes it has, or else the last.
    std::map<std::string, ManifestEntry> owners;
    int64_t torn_lines = 0, lost_files = 0, lost_raw_files = 0;
};
ManifestContents read_manifests(const std::string& folder);
// How many of the finished pictures each device has made. With more than one the folder's pictures are not those that
// any one machine would make.
std::map<std::string, int64_t> devices_of(const ManifestContents& contents);
// "12 on cpu:avx2, 4 on cpu:avx512"
std::string to_string(const std::map<std::string, int64_t>& devices);

// What a job of this description (job_list.h) would do differently from the recorded one: "steps 6, now 8".
std::string differences(const ManifestEntry& recorded, const std::string& description);
// Whether the folder has any manifest.
bool has_manifest(const std::string& folder);

// Appends to one file of the folder; holds a lock, so that two processes cannot take the same share of the work.
class ManifestWriter {
  public:
    // Error when the file cannot be opened or another process has it.
    ManifestWriter(const std::string& folder, const std::string& file_name);
    ~ManifestWriter();
    ManifestWriter(const ManifestWriter&) = delete;
    ManifestWriter& operator=(const ManifestWriter&) = delete;

    // Returns when the line is on the disk. On failure (a full disk) the file is as before, and Error says so.
    void append(const std::string& line);

  private:
    std::string path_;
    int file_ = -1;
};

}  // namespace limpid
