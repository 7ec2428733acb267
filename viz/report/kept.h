// Results that outlive a run: bytes by name in a folder, each file with its checksum.
//
// A file is "limpid kept 1 SHA256\n" and the bytes. It is written beside its place and renamed, so it is whole or not
// there. What does not match its checksum is removed, and made again.
#pragma once

#include <optional>
#include <string>

#include "weights/bytes.h"

namespace limpid {

class Kept {
  public:
    // The folder is made when something is first kept.
    explicit Kept(std::string folder) : folder_(std::move(folder)) {}

    const std::string& folder() const { return folder_; }
    // name: a file name, e.g. a digest.
    std::optional<std::string> find(const std::string& name);
    // Throws Error where it cannot be written, e.g. on a full disk.
    void keep(const std::string& name, Bytes bytes);
    // How many files were there but damaged.
    int64_t damaged() const { return damaged_; }

  private:
    std::string folder_;
    int64_t damaged_ = 0;
};

}  // namespace limpid
