// Downloading with libcurl.
#include "weights/fetch.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <filesystem>
#include <memory>

#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {
namespace {

// A cut connection that brought something is continued at once, this often.
constexpr int kMostContinuations = 5;

[[noreturn]] void fail_to_keep(const std::string& path, const char* what) {
    const int code = errno;
    throw Error(
        concat(path, ": ", what, " (", std::strerror(code), "), expected a folder with room and write permission"));
}

// The unfinished file, locked against a second download of the same thing.
class PartFile {
  public:
    explicit PartFile(const std::string& path)
        : path_(path), fd_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
        if (fd_ < 0) fail_to_keep(path, "cannot be created");
        if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
            ::close(fd_);
            throw Error(
                concat(path, ": is being written by another process, expected it to be free; wait for that download"));
        }
        const off_t size = ::lseek(fd_, 0, SEEK_END);
        if (size < 0) fail_to_keep(path, "cannot be examined");
        size_ = size;
    }
    ~PartFile() {
        if (size_ == 0) ::unlink(path_.c_str());
        ::close(fd_);
    }
    PartFile(const PartFile&) = delete;
    PartFile& operator=(const PartFile&) = delete;

    const std::string& path() const { return path_; }
    int64_t size() const { return size_; }
    // Sets errno on failure.
    bool append(const char* data, size_t count) {
        while (count > 0) {
            const ssize_t put = ::write(fd_, data, count);
            if (put < 0 && errno == EINTR) continue;
            if (put < 0) return false;
            data += put;
            count -= static_cast<size_t>(put);
            size_ += put;
        }
        return true;
    }
    void clear() {
        if (::ftruncate(fd_, 0) != 0 || ::lseek(fd_, 0, SEEK_SET) != 0) fail_to_keep(path_, "cannot be emptied");
        size_ = 0;
    }
    void move_to(const std::string& target) {
        if (::fsync(fd_) != 0 || ::rename(path_.c_str(), target.c_str()) != 0)
            fail_to_keep(target, "cannot be finished");
    }

  private:
    std::string path_;
    int fd_;
    int64_t size_ = 0;
};

// What one transfer needs in libcurl's callbacks, which must not throw.
struct Transfer {
    PartFile& part;
    const FetchProgress& progress;
    int64_t most_bytes;
    int64_t start;  // size of the part before this transfer
    int write_error = 0;
    bool too_large = false;
    std::exception_ptr stopped;
};

size_t receive(char* data, size_t, size_t count, void* user) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    if (transfer.part.size() + int64_t(count) > transfer.most_bytes) {
        transfer.too_large = true;
        return 0;
    }
    if (!transfer.part.append(data, count)) {
        transfer.write_error = errno;
        return 0;
    }
    return count;
}

int report(void* user, curl_off_t total, curl_off_t, curl_off_t, curl_off_t) {
    Transfer& transfer = *static_cast<Transfer*>(user);
    if (!transfer.progress) return 0;
    try {
        transfer.progress(transfer.part.size(), total > 0 ? transfer.start + total : 0);
        return 0;
    } catch (...) {
        transfer.stopped = std::current_exception();
        return 1;
    }
}

struct Outcome {
    CURLcode code = CURLE_OK;
    long status = 0;      // of HTTP
    std::string problem;  // empty: complete
};

Outcome transfer_once(const std::string& url, PartFile& part, int64_t most_bytes, const FetchProgress& progress) {
    const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl(curl_easy_init(), &curl_easy_cleanup);
    CHECK(curl != nullptr);
    Transfer transfer{part, progress, most_bytes, part.size(), 0, false, nullptr};
    char detail[CURL_ERROR_SIZE] = "";
    const auto set = [&](CURLoption option, auto value) {
        CHECK(curl_easy_setopt(curl.get(), option, value) == CURLE_OK, "option ", option);
    };
    set(CURLOPT_URL, url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https,file");
    set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, 10L);
    set(CURLOPT_FAILONERROR, 1L);
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "limpid");
    set(CURLOPT_CONNECTTIMEOUT, 20L);
    // Less than 1 KB/s for a minute is a dead connection.
    set(CURLOPT_LOW_SPEED_LIMIT, 1000L);
    set(CURLOPT_LOW_SPEED_TIME, 60L);
    set(CURLOPT_RESUME_FROM_LARGE, curl_off_t(part.size()));
    set(CURLOPT_WRITEFUNCTION, &receive);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &report);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
    set(CURLOPT_ERRORBUFFER, static_cast<char*>(detail));
    Outcome outcome;
    outcome.code = curl_easy_perform(curl.get());
    curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &outcome.status);
    if (transfer.stopped) std::rethrow_exception(transfer.stopped);
    if (transfer.write_error != 0) {
        errno = transfer.write_error;
        fail_to_keep(part.path(), "cannot be written");
    }
    if (transfer.too_large) {
        outcome.problem = concat("has more than ", most_bytes, " bytes");
    } else if (outcome.code != CURLE_OK) {
        outcome.problem = detail[0] != '\0' ? detail : curl_easy_strerror(outcome.code);
    }
    return outcome;
}

// Empty, or what is wrong with the file.
std::string digest_problem(const Download& download, const std::string& path) {
    std::string problem;
    const auto compare = [&](const std::string& expected, Hasher::Kind kind, const char* name) {
        if (expected.empty() || !problem.empty()) return;
        const std::string found = digest_of_file(path, kind);
        if (found != expected) problem = concat(name, " is ", found, ", expected ", expected);
    };
    compare(download.sha256, Hasher::Kind::sha256, "SHA-256");
    compare(download.sha1, Hasher::Kind::sha1, "SHA-1");
    return problem;
}

// A server that has no ranges, or nothing behind our last byte: the part is of no use to it.
bool cannot_continue(const Outcome& outcome) {
    return outcome.code == CURLE_RANGE_ERROR || outcome.code == CURLE_BAD_DOWNLOAD_RESUME || outcome.status == 416;
}

bool was_cut(const Outcome& outcome) {
    return outcome.code == CURLE_PARTIAL_FILE || outcome.code == CURLE_RECV_ERROR ||
           outcome.code == CURLE_OPERATION_TIMEDOUT || outcome.code == CURLE_GOT_NOTHING;
}

// Brings the whole file from one mirror into `part`. Empty, or why not.
std::string fetch_from(const std::string& url, const Download& download, PartFile& part,
                       const FetchProgress& progress) {
    bool continued = part.size() > 0;  // holds bytes of an earlier attempt, perhaps of another mirror
    for (int cuts = 0;;) {
        const int64_t before = part.size();
        const Outcome outcome = transfer_once(url, part, download.most_bytes, progress);
        if (before > 0 && cannot_continue(outcome)) {
            // Perhaps the part was complete already, and only its rename was missing.
            if (!(download.sha256.empty() && download.sha1.empty()) && digest_problem(download, part.path()).empty())
                return {};
            part.clear();
            continued = false;
            continue;
        }
        if (!outcome.problem.empty()) {
            if (was_cut(outcome) && part.size() > before && ++cuts <= kMostContinuations) continue;
            return outcome.problem;
        }
        const std::string problem = digest_problem(download, part.path());
        if (problem.empty()) return {};
        part.clear();
        if (!continued) return problem + ", so what it sent was removed";
        continued = false;
    }
}

}  // namespace

void fetch(const Download& download, const std::string& path, const FetchProgress& progress) {
    CHECK(!download.urls.empty());
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    CHECK(ready == CURLE_OK);
    const bool verifiable = !download.sha256.empty() || !download.sha1.empty();
    if (verifiable && std::filesystem::is_regular_file(path) && digest_problem(download, path).empty()) return;

    check_may_be_written(path);
    const std::string target = end_of_links(path);
    PartFile part(target + ".part");
    // Without a digest nobody could tell whether an old part belongs to the same file.
    if (!verifiable) part.clear();
    std::string problems;
    for (const std::string& url : download.urls) {
        const std::string problem = fetch_from(url, download, part, progress);
        if (problem.empty()) {
            part.move_to(target);
            return;
        }
        problems += concat(url, ": ", problem, "; ");
    }
    throw Error(concat(file_name_of(path), " could not be fetched: ", problems,
                       "expected one of these addresses to answer with the right file; check the network, or copy the "
                       "file yourself and run "
                       "`limpid convert` on it"));
}

}  // namespace limpid
