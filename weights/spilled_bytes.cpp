// O_TMPFILE where the file system knows it, else a file that loses its name at once; read back through a mapping.
#include "weights/spilled_bytes.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "kernels/error.h"

namespace limpid {

namespace {

constexpr size_t kPiece = size_t(1) << 20;

[[noreturn]] void fail_to_spill(const std::string& folder, const char* what) {
    const int code = errno;
    throw Error(concat(folder, ": a large result ", what, " (", std::strerror(code),
                       "), expected a folder with room and write permission; make room, or name another place"));
}

int open_unnamed(const std::string& folder) {
    const int fd = ::open(folder.c_str(), O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
    std::string name = folder + "/.limpid-XXXXXX";
    const int named = ::mkostemp(name.data(), O_CLOEXEC);
    if (named >= 0) ::unlink(name.c_str());
    return named;
}

}  // namespace

SpilledBytes::SpilledBytes(const std::string& folder) : folder_(folder.empty() ? "." : folder) {
    waiting_.reserve(kPiece);
    fd_ = open_unnamed(folder_);
    if (fd_ < 0) fail_to_spill(folder_, "cannot be kept");
}

SpilledBytes::~SpilledBytes() {
    unmap();
    ::close(fd_);
}

void SpilledBytes::append(std::string_view text) {
    waiting_.append(text);
    if (waiting_.size() >= kPiece) flush();
}

void SpilledBytes::flush() {
    unmap();
    for (size_t done = 0; done < waiting_.size();) {
        const ssize_t put = ::write(fd_, waiting_.data() + done, waiting_.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail_to_spill(folder_, "cannot be written");
        done += size_t(put);
    }
    size_ += waiting_.size();
    waiting_.clear();
}

Bytes SpilledBytes::view() {
    flush();
    if (size_ == 0) return {};
    mapped_ = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0);
    if (mapped_ == MAP_FAILED) {
        mapped_ = nullptr;
        fail_to_spill(folder_, "cannot be read back");
    }
    return {static_cast<const std::byte*>(mapped_), size_};
}

void SpilledBytes::unmap() {
    if (mapped_) ::munmap(mapped_, size_);
    mapped_ = nullptr;
}

}  // namespace limpid
