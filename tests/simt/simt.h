// What a test says to the emulator: how to run, what was found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace simt {

// In which order the threads of a block, the blocks of a grid and independent streams take their turns. A correct
// program gives the same results in every order.
enum class Order { forward, reverse, random };
// When a cp.async copies: at once, or only when it is waited for; until then its destination is poison.
enum class Async { eager, lazy };

struct Options {
    Order order = Order::forward;
    uint32_t seed = 1;  // of the random order
    Async async = Async::eager;
    // Follow every access: races, uninitialised and out-of-bounds reads, misalignment. Needs kernels that were
    // compiled for it, or the PTX interpreter.
    bool check = false;
    bool profile = false;                // count bank conflicts and sectors per source line; needs what check needs
    bool strict_exit = true;             // report barriers that complete only because some threads have exited
    int multiprocessors = 4;             // few, so that grids sized by the device stay small
    int devices = 1;                     // all with the same memory
    std::vector<std::string> ptx_files;  // kernels run from these instead of from their C++
};
Options& options();

// Applies one command-line option: --schedule forward|reverse|random[:SEED], --async eager|lazy, --check on|off,
// --profile on|off, --ptx DIR. False when it is none of these; throws std::invalid_argument for a bad value.
bool parse_option(std::string_view name, std::string_view value);
// The options as a command line that repeats them.
std::string describe_options();

// Everything reported since the last reset, each once per source line and launch.
const std::vector<std::string>& errors();
// Forgets errors and clears the error state of the device, which is sticky, as on a GPU.
void reset_errors();

struct Counts {
    uint64_t launches = 0, blocks = 0, threads = 0, switches = 0, barriers = 0, collectives = 0, accesses = 0;
};
Counts& counts();
// The mangled names of all kernels launched so far.
std::set<std::string> launched_kernels();

}  // namespace simt
