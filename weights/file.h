// Whole files in and out of memory, and the folders they lie in; writing is atomic.
#pragma once

#include <string>
#include <vector>

#include "weights/bytes.h"

namespace limpid {

// Throws Error where the path is no readable regular file of at most 2 GiB (the limit of protocol buffers, and far
// above any use).
std::vector<std::byte> read_file(const std::string& path);

// Writes a temporary file beside `path`, syncs it, renames it: on any failure the old file, or none, is left.
void write_file_atomically(const std::string& path, Bytes bytes);

// Makes a folder, and those above it; one that is there is fine. Error when it cannot be made, as where a file has its
// name or the disk is read-only.
void create_folder(const std::string& path);

// The part after the last slash.
std::string file_name_of(const std::string& path);

}  // namespace limpid
