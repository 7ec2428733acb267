// How far long work has come, on stderr: a bar on a terminal, JSON lines otherwise (kProgressLines).
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace limpid {

// What the lines say, for the manual.
extern const char* const kProgressLines;

class Progress {
  public:
    // what: one word or two, e.g. "fetch". quiet: nothing is shown but what say() says.
    Progress(std::string what, bool quiet);
    // Ends the line of the bar.
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // total = 0: not known. note: a few words or numbers, e.g. "loss 812.4". pictures: how many the whole work makes.
    // Cheap enough to call at every step: what comes too soon after the last one is not shown, except the first and the
    // last (done == total).
    void report(int64_t done, int64_t total, const std::string& note = {}, int64_t pictures = 0);
    // A line of its own, also when quiet; the bar goes on beneath it.
    void say(const std::string& line);
    double elapsed_s() const;

  private:
    void draw_bar(int64_t done, int64_t total, const std::string& note, int64_t pictures);
    void write_json(int64_t done, int64_t total, const std::string& note, int64_t pictures);
    // At the speed so far; 0 where it is not known.
    int64_t pictures_per_hour(int64_t done, int64_t total, int64_t pictures) const;

    using Clock = std::chrono::steady_clock;
    std::string what_;
    bool quiet_;
    bool terminal_;
    bool colour_;
    bool shown_ = false;
    Clock::time_point start_ = Clock::now();
    Clock::time_point last_shown_ = start_;
};

}  // namespace limpid
