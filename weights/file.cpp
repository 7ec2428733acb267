// File reading and atomic writing with POSIX calls, whose failures (full disk, quota) are all seen.
#include "weights/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace limpid {
namespace {

constexpr int64_t kLargestFile = int64_t(1) << 31;

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() { close(); }
    Descriptor(Descriptor&& other) : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) {
        std::swap(fd_, other.fd_);
        return *this;
    }
    int get() const { return fd_; }
    // 0, or -1 with errno: some file systems report a full disk only here.
    int close() { return fd_ < 0 ? 0 : ::close(std::exchange(fd_, -1)); }

  private:
    int fd_;
};

// Removes the temporary file unless it has become the real one.
struct TemporaryFile {
    std::string path;
    ~TemporaryFile() {
        if (!path.empty()) ::unlink(path.c_str());
    }
};

[[noreturn]] void fail(const std::string& path, const char* what, const char* advice) {
    const int code = errno;
    throw Error(concat(path, ": ", what, " (", std::strerror(code), "), ", advice));
}

constexpr char kPermission[] = "expected a folder with write permission; name another place";

// Failures that the next file meets too, and what helps.
constexpr struct {
    int code;
    const char* advice;
} kVolumeFailures[] = {
    {ENOSPC, "expected a disk with room; make some"},
    {EDQUOT, "expected room within the quota; make some"},
    {EROFS, "expected a disk that may be written; name a place on another"},
    {EFBIG, "expected files of that size to be allowed; raise the limit (ulimit -f)"},
    {EIO, "expected a disk that works; look at the system's log"},
    {EMFILE, "expected more files to be allowed; raise the limit (ulimit -n)"},
    {ENFILE, "expected fewer open files on this machine; try again later"},
    {EACCES, kPermission},
};

const char* kind_of(mode_t mode) {
    if (S_ISDIR(mode)) return "a folder";
    if (S_ISFIFO(mode)) return "a pipe";
    if (S_ISSOCK(mode)) return "a socket";
    return "a device";
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path) {
    // A pipe that nobody writes to would be waited for: it is opened, and refused below.
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (file.get() < 0) fail(path, "cannot be opened", "expected a readable file; check the path");
    struct stat status {};
    if (::fstat(file.get(), &status) != 0) fail(path, "cannot be examined", "expected a readable file; check the path");
    if (!S_ISREG(status.st_mode))
        throw Error(concat(path, ": is ", kind_of(status.st_mode), ", expected a file; check the path"));
    if (status.st_size > kLargestFile) {
        throw Error(concat(path, ": has ", status.st_size, " bytes, expected at most ", kLargestFile,
                           "; no weight file is that large"));
    }
    std::vector<std::byte> bytes(static_cast<size_t>(status.st_size));
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + done, bytes.size() - done);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) fail(path, "reading fails", "expected a readable file; check the disk");
        if (got == 0) throw Error(concat(path, ": shrank while it was read, expected a finished file; try again"));
        done += static_cast<size_t>(got);
    }
    return bytes;
}

void fail_to_write(const std::string& path, const char* what, int code) {
    const std::string found = concat(path, ": ", what, " (", std::strerror(code), "), ");
    for (const auto& failure : kVolumeFailures)
        if (failure.code == code) throw VolumeError(concat(found, failure.advice));
    throw Error(concat(found, kPermission));
}

void check_may_be_written(const std::string& path) {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
        throw Error(concat(path, ": is ", kind_of(status.st_mode), ", expected the name of a file; name another one"));
}

std::string end_of_links(const std::string& path) {
    std::filesystem::path target = path;
    for (int links = 0; links < 40; ++links) {  // 40: as Linux does
        struct stat status {};
        if (::lstat(target.c_str(), &status) != 0 || !S_ISLNK(status.st_mode)) return target.string();
        std::error_code problem;
        const std::filesystem::path next = std::filesystem::read_symlink(target, problem);
        if (problem) break;
        target = target.parent_path() / next;
    }
    throw Error(concat(path, ": is a symbolic link that leads nowhere, expected a file; name another one"));
}

void write_file_atomically(const std::string& path, Bytes bytes) {
    check_may_be_written(path);
    const std::string target = end_of_links(path);
    // Unique among processes by number, and among the threads of this one because O_EXCL refuses an existing name.
    TemporaryFile temporary;
    Descriptor file(-1);
    for (int attempt = 0; attempt < 100 && file.get() < 0; ++attempt) {
        const std::string name = concat(target, ".tmp-", ::getpid(), "-", attempt);
        file = Descriptor(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
        if (file.get() >= 0) temporary.path = name;
        if (file.get() < 0 && errno != EEXIST) break;
    }
    if (file.get() < 0) fail_to_write(path, "cannot be created", errno);
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t put = ::write(file.get(), bytes.data() + done, bytes.size() - done);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) fail_to_write(path, "cannot be written", errno);
        done += static_cast<size_t>(put);
    }
    if (::fsync(file.get()) != 0 || file.close() != 0 || ::rename(temporary.path.c_str(), target.c_str()) != 0)
        fail_to_write(path, "cannot be finished", errno);
    temporary.path.clear();
    // The rename itself is durable once the folder is synced; not every file system can, so a failure is not an error.
    const std::string folder = std::filesystem::path(target).parent_path().string();
    Descriptor directory(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() >= 0) ::fsync(directory.get());
}

void create_folder(const std::string& path) {
    std::error_code problem;
    std::filesystem::create_directories(path, problem);
    if (problem)
        throw Error(concat(path.empty() ? "\"\"" : path, ": the folder cannot be made (", problem.message(),
                           "); name another one"));
}

std::string file_name_of(const std::string& path) { return std::filesystem::path(path).filename().string(); }

}  // namespace limpid
