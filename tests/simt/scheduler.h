// Runs grids: block after block, the threads of a block as fibers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simt/collectives.h"
#include "tests/simt/fiber.h"

namespace simt {

struct Grid {
    std::string name;  // of the kernel, for reports
    dim3 grid, block;
    size_t dynamic_shared_bytes = 0;
    void (*call)(const void* arguments) = nullptr;  // runs one thread
    const void* arguments = nullptr;
    size_t argument_bytes = 0;
};
// Runs all of it. Reports go to errors().
void run_grid(const Grid& grid);

// A copy of cp.async that has not happened yet.
struct PendingCopy {
    void* to;
    const void* from;
    int bytes, source_bytes;
    Place place;
};

struct Thread {
    enum class State : uint8_t { unstarted, ready, at_barrier, at_collective, done };
    State state = State::unstarted;
    uint3 index{};
    Context context;
    char* stack = nullptr;
    // What it waits for, for reports of deadlocks.
    const char* waiting_for = nullptr;
    Place place;
    unsigned mask = 0;
    std::vector<std::vector<PendingCopy>> copy_groups;
    std::vector<PendingCopy> open_copies;
};

// Lanes that have arrived at a collective. A warp may wait at several with disjoint masks.
struct Rendezvous {
    unsigned mask = 0, arrived = 0;
    Combine combine = nullptr;
    const char* what = nullptr;
    Place place;
    void* lanes[32] = {};
};
struct Warp {
    Rendezvous rendezvous[4];
    uint16_t epoch = 1;  // counts __syncwarp
};

// The one multiprocessor: the block that runs now.
struct Multiprocessor {
    const Grid* grid = nullptr;
    std::vector<Thread> threads;
    std::vector<Warp> warps;
    std::vector<uint32_t> order;  // threads take turns in this order
    StackPool stacks;
    Context host;

    uint32_t current = 0;   // the thread that runs
    uint32_t position = 0;  // of the current thread in `order`
    uint32_t live = 0;      // threads that have not exited

    uint32_t barrier_arrived = 0, barrier_epoch = 1;
    Place barrier_place;
    int barrier_count = 0, barrier_result = 0;

    uint32_t launch = 0;  // counts grids
    uint32_t block = 0;   // within the grid
    uint32_t serial = 0;  // counts blocks of all grids
    bool abandoned = false;

    Thread& thread() { return threads[current]; }
    Warp& warp() { return warps[current / 32]; }
};
// Null outside a kernel.
Multiprocessor* running();
// Leaves the running kernel for good, as a GPU does after an illegal access.
[[noreturn]] void abandon_grid();

std::string describe(const Place& place);      // "pool_cuda.cu:33"
std::string describe_thread(uint32_t thread);  // "thread (1,0,0) of block (2,0,0)"

}  // namespace simt
