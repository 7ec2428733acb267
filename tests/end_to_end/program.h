// Runs the real program as a user's shell would, and keeps what it printed. For tests only: failures are GoogleTest
// failures.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace limpid::testing {

// A new empty folder, removed at the end with all that is in it.
class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (std::filesystem::temp_directory_path() / "limpid-test-XXXXXX").string();
        if (!mkdtemp(name.data())) ADD_FAILURE() << "no temporary folder " << name;
        path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;

    const std::string& path() const { return path_; }
    // The path of a file in it.
    std::string operator/(const std::string& name) const { return path_ + "/" + name; }
    std::vector<std::string> names() const {
        std::vector<std::string> result;
        for (const auto& entry : std::filesystem::directory_iterator(path_)) result.push_back(entry.path().filename());
        return result;
    }

  private:
    std::string path_;
};

inline std::string read_text(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(const std::string& path, const std::string& text) {
    std::ofstream file(path, std::ios::binary);
    file << text;
    EXPECT_TRUE(file.flush()) << path;
}

struct Finished {
    int status = -1;  // exit status; 128 + signal when it was killed
    std::string out;
    std::string err;
    double after_signal_s = 0;  // from the signal to the end
};

// A signal sent to the program once it reports progress, that is, once it is at work; or after a given time.
struct SendSignal {
    int number = 0;  // 0: none
    int after_ms = -1;
};

// environment: variables set (or, with an empty value, removed) for this run. LIMPID_MODELS, XDG_DATA_HOME and HOME of
// the machine are never seen. Killed after timeout_s. out_file: where stdout goes instead of being read back, e.g.
// "/dev/full".
inline Finished run_program(const std::string& program, const std::vector<std::string>& arguments,
                            std::map<std::string, std::string> environment = {}, unsigned timeout_s = 120,
                            const std::string& out_file = "", SendSignal send = {}) {
    const TemporaryFolder folder;
    const std::string out = out_file.empty() ? folder / "out" : out_file, err = folder / "err";
    for (const char* name : {"LIMPID_MODELS", "XDG_DATA_HOME", "HOME"}) environment.emplace(name, "");
    std::vector<std::string> words{program};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);

    const pid_t child = fork();
    if (child == 0) {
        for (const auto& [name, value] : environment)
            value.empty() ? unsetenv(name.c_str()) : setenv(name.c_str(), value.c_str(), 1);
        const int out_fd = open(out.c_str(), O_WRONLY | O_CREAT, 0600),
                  err_fd = open(err.c_str(), O_WRONLY | O_CREAT, 0600);
        const int in_fd = open("/dev/null", O_RDONLY);
        if (in_fd < 0 || out_fd < 0 || err_fd < 0 || dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0)
            _exit(126);
        alarm(timeout_s);
        execv(argv[0], argv.data());
        _exit(127);
    }
    if (child > 0 && send.number != 0) {
        if (send.after_ms >= 0) usleep(unsigned(send.after_ms) * 1000);
        for (int waited_ms = 0;
             send.after_ms < 0 && waited_ms < 30000 && read_text(err).find("progress") == std::string::npos;
             waited_ms += 10)
            usleep(10000);
        kill(child, send.number);
    }
    Finished finished;
    const auto sent = std::chrono::steady_clock::now();
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        ADD_FAILURE() << "could not run " << program;
        return finished;
    }
    finished.after_signal_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - sent).count();
    finished.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (out_file.empty()) finished.out = read_text(out);
    finished.err = read_text(err);
    return finished;
}

inline Finished run_limpid(const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& environment = {}, unsigned timeout_s = 120,
                           const std::string& out_file = "", SendSignal send = {}) {
    return run_program(LIMPID_PROGRAM, arguments, environment, timeout_s, out_file, send);
}

// The contract of every failure: this status, nothing on stdout, exactly one line on stderr that starts with "limpid: "
// and contains `words`.
inline ::testing::AssertionResult fails_with(int status, const std::string& words, const Finished& run) {
    const auto wrong = [&](const std::string& what) {
        return ::testing::AssertionFailure()
               << what << "\nstatus " << run.status << "\nstdout: " << run.out << "\nstderr: " << run.err;
    };
    if (run.status != status) return wrong("expected exit status " + std::to_string(status));
    if (!run.out.empty()) return wrong("expected nothing on stdout");
    if (!run.err.starts_with("limpid: ") || run.err.find('\n') + 1 != run.err.size())
        return wrong("expected one line \"limpid: ...\" on stderr");
    if (run.err.find(words) == std::string::npos) return wrong("expected \"" + words + "\" on stderr");
    return ::testing::AssertionSuccess();
}

}  // namespace limpid::testing
