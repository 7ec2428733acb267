// Bytes that grow on disk instead of in memory: a result that is larger than what it is made from.
#pragma once

#include <string>
#include <string_view>

#include "weights/bytes.h"

namespace limpid {

// In a file without a name: whatever ends the program, nothing is left of it.
class SpilledBytes {
  public:
    // folder: of the file that the bytes are for, so that both are on one disk; "" is the current one.
    explicit SpilledBytes(const std::string& folder);
    ~SpilledBytes();
    SpilledBytes(const SpilledBytes&) = delete;
    SpilledBytes& operator=(const SpilledBytes&) = delete;

    // Throws Error where the disk is full.
    void append(std::string_view text);
    // All of them, until more are appended or this ends.
    Bytes view();

  private:
    void flush();
    void unmap();

    std::string folder_, waiting_;
    int fd_ = -1;
    size_t size_ = 0;  // on disk
    void* mapped_ = nullptr;
};

}  // namespace limpid
