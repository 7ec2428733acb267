// Digests of bytes and files as lower-case hexadecimal text: SHA-256, and SHA-1 where an old publisher states nothing
// better.
#pragma once

#include <memory>
#include <string>

#include "weights/bytes.h"

namespace limpid {

// A digest fed piece by piece; text() ends it.
class Hasher {
  public:
    enum class Kind { sha256, sha1 };
    explicit Hasher(Kind kind = Kind::sha256);
    ~Hasher();
    void add(Bytes bytes);
    void add(std::string_view text) { add(as_bytes(text)); }
    std::string text();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

std::string sha256_of(Bytes bytes);
// Streams the file; throws Error where it cannot be read.
std::string digest_of_file(const std::string& path, Hasher::Kind kind = Hasher::Kind::sha256);

}  // namespace limpid
