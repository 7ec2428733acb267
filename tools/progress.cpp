// Draws the bar, or writes the lines.
#include "tools/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "tools/command.h"
#include "viz/json_text.h"

namespace limpid {

namespace {

using namespace std::chrono_literals;

// A person sees ten updates per second as motion; a log needs no more than one.
constexpr auto kBarInterval = 100ms, kLineInterval = 1000ms;
constexpr int kBarCells = 30;

// no-color.org: set and not empty.
bool colours_wanted() {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return !(no_colour && *no_colour) && !(terminal && std::string(terminal) == "dumb");
}

int terminal_columns() {
    winsize size{};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

const char* const kProgressLines =
    "How far long work has come is shown on stderr: a bar on a terminal; otherwise lines of JSON, at most one a "
    "second, "
    "among which other lines begin with \"limpid \". Their fields: progress, the name of the work; done and total, in "
    "the "
    "work's own unit (bytes, photos, updates; image-steps in batches, that is the updates of a picture times its "
    "images), "
    "total being left out where it is not known and smaller once a part has failed, so that the last line of work that "
    "was "
    "not interrupted has done = total; elapsed_s, seconds since the work began; left_s, what the rest takes at the "
    "speed "
    "so far; images_per_hour, pictures at the speed so far, where many are made; note, words for people.";

Progress::Progress(std::string what, bool quiet)
    : what_(std::move(what)), quiet_(quiet), terminal_(isatty(STDERR_FILENO)), colour_(colours_wanted()) {}

Progress::~Progress() {
    if (terminal_ && shown_) std::fputs("\n", stderr);
}

void Progress::report(int64_t done, int64_t total, const std::string& note, int64_t pictures) {
    if (quiet_) return;
    const Clock::time_point now = Clock::now();
    const bool last = total > 0 && done >= total;
    if (shown_ && !last && now - last_shown_ < (terminal_ ? kBarInterval : kLineInterval)) return;
    last_shown_ = now;
    shown_ = true;
    terminal_ ? draw_bar(done, total, note, pictures) : write_json(done, total, note, pictures);
}

void Progress::say(const std::string& line) {
    std::fprintf(stderr, terminal_ && shown_ ? "\r\033[K%s\n" : "%s\n", one_line(line).c_str());
    // The next report draws the bar at once; the rhythm of the lines of a log is not disturbed.
    if (terminal_) shown_ = false;
}

double Progress::elapsed_s() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

int64_t Progress::pictures_per_hour(int64_t done, int64_t total, int64_t pictures) const {
    const double seconds = elapsed_s();
    return total > 0 && seconds > 0 ? int64_t(double(done) / double(total) * double(pictures) / seconds * 3600) : 0;
}

void Progress::draw_bar(int64_t done, int64_t total, const std::string& note, int64_t pictures) {
    const double part = total > 0 ? std::clamp(double(done) / double(total), 0.0, 1.0) : 0.0;
    const int full = int(part * kBarCells);
    std::string text = what_;
    if (total > 0) {
        char percent[16];
        std::snprintf(percent, sizeof percent, "] %3d %%", int(part * 100));
        text += " [" + std::string(size_t(full), '#') + std::string(size_t(kBarCells - full), '.') + percent;
    } else {
        text += concat(' ', done);
    }
    if (part > 0.0 && part < 1.0) text += concat("  ", int64_t(elapsed_s() * (1 - part) / part + 0.5), " s left");
    if (pictures > 0) text += concat("  ", pictures_per_hour(done, total, pictures), " per hour");
    if (!note.empty()) text += "  " + one_line(note);
    // A line that wraps could not be drawn over.
    text.resize(std::min(text.size(), size_t(terminal_columns() - 1)));
    std::fprintf(stderr, colour_ ? "\r\033[36m%s\033[0m\033[K" : "\r%s\033[K", text.c_str());
    std::fflush(stderr);
}

void Progress::write_json(int64_t done, int64_t total, const std::string& note, int64_t pictures) {
    nlohmann::ordered_json line{{"progress", what_}, {"done", done}};
    if (total > 0) line["total"] = total;
    const auto rounded = [](double seconds) { return std::round(seconds * 1000) / 1000; };
    const double seconds = elapsed_s();
    line["elapsed_s"] = rounded(seconds);
    if (total > 0 && done > 0) line["left_s"] = rounded(seconds * double(total - done) / double(done));
    if (pictures > 0) line["images_per_hour"] = pictures_per_hour(done, total, pictures);
    if (!note.empty()) line["note"] = one_line(note);
    const std::string text = to_json_text(line) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
}

}  // namespace limpid
