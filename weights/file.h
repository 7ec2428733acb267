// Whole files in and out of memory, and the folders they lie in; writing is atomic.
#pragma once

#include <string>
#include <vector>

#include "weights/bytes.h"

namespace limpid {

// Throws Error where the path is no readable regular file of at most 2 GiB (the limit of protocol buffers, and far
// above any use).
std::vector<std::byte> read_file(const std::string& path);

// Nothing more can be written there: the disk is full, read-only or broken, the folder is not this user's to write to,
// or a limit of user or process is reached. Who has more to write there stops.
class VolumeError : public Error {
  public:
    using Error::Error;
};

// Throws VolumeError or Error for a failed system call; code: its errno. what: "cannot be written".
[[noreturn]] void fail_to_write(const std::string& path, const char* what, int code);

// Throws Error where the name is that of a folder, pipe, socket or device, also behind a symbolic link.
void check_may_be_written(const std::string& path);

// The file that is written in the name of `path`: the one that symbolic links lead to, whether it exists or not. Throws
// Error where they lead nowhere.
std::string end_of_links(const std::string& path);

// Writes a temporary file beside `path`, syncs it, renames it: on any failure the old file, or none, is left. A
// symbolic link stays; the file that it leads to is written so. What check_may_be_written refuses is left alone.
void write_file_atomically(const std::string& path, Bytes bytes);

// Makes a folder, and those above it; one that is there is fine. Error when it cannot be made, as where a file has its
// name or the disk is read-only.
void create_folder(const std::string& path);

// The part after the last slash.
std::string file_name_of(const std::string& path);

}  // namespace limpid
