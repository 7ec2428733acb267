// The signal handlers and their flags: the one piece of global state a process cannot avoid.
#include "tools/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "kernels/error.h"
#include "tools/command.h"

namespace limpid {

namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr unsigned kGraceSeconds = 1;

volatile std::sig_atomic_t g_keeping = 0;
std::atomic<bool> g_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // as handlers need it

// Nothing has been written, so there is nothing to clean up.
extern "C" void end_now(int) {
    if (g_keeping) return;
    constexpr char kLine[] = "limpid: interrupted; nothing was written\n";
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
    _exit(kPartlyDone);
}

extern "C" void note_interrupt(int number) {
    // The second of two that came at once, which another thread has taken.
    if (g_interrupted.exchange(true)) {
        std::signal(number, SIG_DFL);
        ::kill(::getpid(), number);
        return;
    }
    // Each restores all that are not ignored, so that SIGTERM after SIGINT also kills.
    for (const int signal : kSignals) {
        struct sigaction now = {};
        if (sigaction(signal, nullptr, &now) == 0 && now.sa_handler == note_interrupt) std::signal(signal, SIG_DFL);
    }
    if (g_keeping) return;
    std::signal(SIGALRM, end_now);
    alarm(kGraceSeconds);
}

}  // namespace

void watch_interrupts() {
    struct sigaction action = {};
    action.sa_handler = note_interrupt;
    sigemptyset(&action.sa_mask);
    for (const int signal : kSignals) sigaddset(&action.sa_mask, signal);
    action.sa_flags = SA_RESTART;  // a read or write that was under way goes on: the work decides when to stop
    for (const int signal : kSignals) {
        struct sigaction before = {};
        CHECK(sigaction(signal, nullptr, &before) == 0);
        // nohup and shells' background jobs ignore signals on purpose.
        if (before.sa_handler != SIG_IGN) CHECK(sigaction(signal, &action, nullptr) == 0);
    }
}

bool interrupted() { return g_interrupted; }

Stop interrupt_stop() { return Stop(interrupted); }

const char* interrupted_words() {
    return g_keeping ? "interrupted; what was finished is kept" : "interrupted; nothing was written";
}

void keep_results() {
    interrupt_stop().check();
    g_keeping = 1;
}

}  // namespace limpid
