// How far long work has come, on stderr: a bar on a terminal, JSON lines otherwise.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace limpid {

class Progress {
  public:
    // what: one word or two, e.g. "fetch". quiet: nothing is shown at all. pictures: how many the work will have made.
    Progress(std::string what, bool quiet, int64_t pictures = 0);
    // Ends the line of the bar.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // total = 0: not known. note: a few words or numbers, e.g. "loss 812.4". Cheap enough to call at every step: what
    // comes too soon after the last one is not shown, except the first and the last (done == total).
    void report(int64_t done, int64_t total, const std::string& note = {});

  private:
    void draw_bar(int64_t done, int64_t total, const std::string& note);
    void write_json(int64_t done, int64_t total, const std::string& note);

    using Clock = std::chrono::steady_clock;
    std::string what_;
    bool quiet_;
    int64_t pictures_;
    bool terminal_;
    bool colour_;
    bool shown_ = false;
    Clock::time_point start_ = Clock::now();
    Clock::time_point last_shown_ = start_;
};

}  // namespace limpid
