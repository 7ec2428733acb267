// The signal handler and its flag: the one piece of global state a process cannot avoid.
#include "tools/interrupt.h"

#include <csignal>

#include "kernels/error.h"

namespace limpid {

namespace {

volatile std::sig_atomic_t g_interrupted = 0;

extern "C" void note_interrupt(int) {
    g_interrupted = 1;
    // Either signal restores both, so that SIGTERM after SIGINT also kills.
    std::signal(SIGINT, SIG_DFL);
    std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void watch_interrupts() {
    struct sigaction action = {};
    action.sa_handler = note_interrupt;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;  // a read or write that was under way goes on: the work decides when to stop
    for (const int signal : {SIGINT, SIGTERM}) {
        struct sigaction before = {};
        CHECK(sigaction(signal, nullptr, &before) == 0);
        // nohup and shells' background jobs ignore SIGINT on purpose.
        if (before.sa_handler != SIG_IGN) CHECK(sigaction(signal, &action, nullptr) == 0);
    }
}

bool interrupted() { return g_interrupted != 0; }

}  // namespace limpid
