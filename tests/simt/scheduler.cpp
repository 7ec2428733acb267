// Fibers take turns: a thread runs until it must wait. A thread that ends hands its stack to the next one without a
// switch, so kernels without barriers run as plain loops.
#include "tests/simt/scheduler.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <utility>

#include "tests/simt/checker.h"
#include "tests/simt/profile.h"
#include "tests/simt/simt.h"

constinit thread_local uint3 threadIdx = {}, blockIdx = {};
constinit thread_local dim3 blockDim = {}, gridDim = {};

namespace simt {

namespace {

using State = Thread::State;

constexpr uint32_t kNobody = ~0u;

Multiprocessor g_multiprocessor;
Multiprocessor* g_running = nullptr;
std::mt19937 g_random;

void become(uint32_t thread) {
    g_multiprocessor.current = thread;
    threadIdx = g_multiprocessor.threads[thread].index;
}

// The next thread after the current one that can run, or kNobody.
uint32_t next_runnable() {
    Multiprocessor& m = g_multiprocessor;
    const uint32_t count = uint32_t(m.order.size());
    uint32_t position = m.position;
    for (uint32_t tried = 0; tried < count; tried++) {
        if (++position >= count) position = 0;
        const State state = m.threads[m.order[position]].state;
        if (state == State::ready || state == State::unstarted) {
            m.position = position;
            return m.order[position];
        }
    }
    return kNobody;
}

void fiber_main();

// Leaves `from` for a thread, or for the host when nobody can run.
void go_to(uint32_t thread, Context& from, bool dying) {
    Multiprocessor& m = g_multiprocessor;
    counts().switches++;
    if (thread == kNobody) return switch_context(from, m.host, nullptr, dying);
    Thread& next = m.threads[thread];
    if (next.state == State::unstarted) {
        next.stack = m.stacks.take();
        prepare(next.context, next.stack, fiber_main);
    }
    next.state = State::ready;
    become(thread);
    switch_context(from, next.context, next.stack, dying);
}

// Lets others run until somebody makes the current thread ready again.
void wait() {
    const uint32_t me = g_multiprocessor.current, next = next_runnable();
    if (next != me) go_to(next, g_multiprocessor.threads[me].context, false);
    become(me);
}

void complete_barrier() {
    Multiprocessor& m = g_multiprocessor;
    if (options().strict_exit && m.live < m.threads.size())
        error("__syncthreads at %s completed by %u threads although %zu have exited (block (%u,%u,%u))",
              describe(m.barrier_place).c_str(), m.live, m.threads.size() - m.live, blockIdx.x, blockIdx.y, blockIdx.z);
    m.barrier_epoch++;
    m.barrier_result = m.barrier_count;
    m.barrier_arrived = 0;
    m.barrier_count = 0;
    counts().barriers++;
    for (Thread& thread : m.threads)
        if (thread.state == State::at_barrier) thread.state = State::ready;
    if (options().order == Order::random) std::shuffle(m.order.begin(), m.order.end(), g_random);
}

void finish_thread() {
    Multiprocessor& m = g_multiprocessor;
    Thread& thread = m.thread();
    if (!thread.open_copies.empty() || !thread.copy_groups.empty())
        error("%s exits with cp.async copies that it never waited for", describe_thread(m.current).c_str());
    thread.open_copies.clear();
    thread.copy_groups.clear();
    thread.state = State::done;
    m.live--;
    if (m.live > 0 && m.barrier_arrived == m.live) complete_barrier();
}

void fiber_main() {
    entered_fiber();
    Multiprocessor& m = g_multiprocessor;
    for (;;) {
        counts().threads++;
        m.grid->call(m.grid->arguments);
        finish_thread();
        Thread& thread = m.thread();
        const uint32_t next = next_runnable();
        if (next != kNobody && m.threads[next].state == State::unstarted) {
            m.threads[next].stack = std::exchange(thread.stack, nullptr);
            m.threads[next].state = State::ready;
            become(next);
            continue;
        }
        m.stacks.give_back(std::exchange(thread.stack, nullptr));
        Context dead;
        go_to(next, dead, true);
        std::abort();
    }
}

// Gives back what the threads of an unfinished block hold.
void drop_block() {
    Multiprocessor& m = g_multiprocessor;
    for (Thread& thread : m.threads) {
        if (thread.stack) m.stacks.give_back(std::exchange(thread.stack, nullptr));
        thread.open_copies.clear();
        thread.copy_groups.clear();
    }
}

// Every thread waits and nobody can run: says who waits where.
void report_deadlock() {
    Multiprocessor& m = g_multiprocessor;
    uint32_t waiting = 0, first = kNobody;
    for (uint32_t i = 0; i < m.threads.size(); i++) {
        if (m.threads[i].state == State::done) continue;
        if (first == kNobody) first = i;
        waiting++;
    }
    if (waiting == 0) return;
    const Thread& thread = m.threads[first];
    error("deadlock: %u threads of block (%u,%u,%u) wait, e.g. %s in %s (mask %08x) at %s; %zu have exited", waiting,
          blockIdx.x, blockIdx.y, blockIdx.z, describe_thread(first).c_str(), thread.waiting_for, thread.mask,
          describe(thread.place).c_str(), m.threads.size() - waiting);
}

void run_block(uint32_t block) {
    Multiprocessor& m = g_multiprocessor;
    const dim3 grid = m.grid->grid;
    m.block = block;
    m.serial++;
    blockIdx = {block % grid.x, block / grid.x % grid.y, block / grid.x / grid.y};
    m.live = uint32_t(m.threads.size());
    m.barrier_arrived = 0, m.barrier_count = 0, m.barrier_epoch = 1;
    for (Thread& thread : m.threads) thread.state = State::unstarted;
    for (Warp& warp : m.warps) warp = Warp{};
    if (options().order == Order::random) std::shuffle(m.order.begin(), m.order.end(), g_random);
    counts().blocks++;
    checker_begin_block();
    m.position = uint32_t(m.order.size()) - 1;
    go_to(next_runnable(), m.host, false);
    if (!m.abandoned) report_deadlock();
    drop_block();
    profile_end_block();
}

}  // namespace

Multiprocessor* running() { return g_running; }

int lane() { return int(g_multiprocessor.current % 32); }

std::string describe(const Place& place) {
    const char* slash = std::strrchr(place.file_name(), '/');
    return std::string(slash ? slash + 1 : place.file_name()) + ":" + std::to_string(place.line());
}

std::string describe_thread(uint32_t thread) {
    const uint3 i = g_multiprocessor.threads[thread].index;
    char text[96];
    std::snprintf(text, sizeof text, "thread (%u,%u,%u) of block (%u,%u,%u)", i.x, i.y, i.z, blockIdx.x, blockIdx.y,
                  blockIdx.z);
    return text;
}

void run_grid(const Grid& grid) {
    Multiprocessor& m = g_multiprocessor;
    m.grid = &grid;
    m.launch++;
    const uint32_t threads = grid.block.x * grid.block.y * grid.block.z;
    const uint32_t blocks = grid.grid.x * grid.grid.y * grid.grid.z;
    blockDim = grid.block, gridDim = grid.grid;
    if (m.threads.size() != threads) {
        m.threads = std::vector<Thread>(threads);
        m.warps.resize((threads + 31) / 32);
    }
    m.order.resize(threads);
    const Order order = options().order;
    for (uint32_t i = 0; i < threads; i++) {
        m.threads[i].index = {i % grid.block.x, i / grid.block.x % grid.block.y, i / grid.block.x / grid.block.y};
        m.order[i] = order == Order::reverse ? threads - 1 - i : i;
    }
    g_random.seed(options().seed + m.launch * 7919u);
    std::vector<uint32_t> block_order;
    if (order == Order::random) {
        block_order.resize(blocks);
        for (uint32_t i = 0; i < blocks; i++) block_order[i] = i;
        std::shuffle(block_order.begin(), block_order.end(), g_random);
    }
    counts().launches++;
    g_running = &m;
    m.abandoned = false;
    for (uint32_t i = 0; i < blocks && !m.abandoned; i++)
        run_block(order == Order::random ? block_order[i] : order == Order::reverse ? blocks - 1 - i : i);
    checker_end_grid();
    g_running = nullptr;
}

void abandon_grid() {
    g_multiprocessor.abandoned = true;
    Context dead;
    go_to(kNobody, dead, true);
    std::abort();
}

int sync_block(bool predicate, Place place) {
    Multiprocessor& m = g_multiprocessor;
    Thread& thread = m.thread();
    if (m.barrier_arrived == 0) {
        m.barrier_place = place;
    } else if (m.barrier_place.line() != place.line() ||
               std::strcmp(m.barrier_place.file_name(), place.file_name()) != 0) {
        error("divergent barrier: %s is at %s, others are at %s", describe_thread(m.current).c_str(),
              describe(place).c_str(), describe(m.barrier_place).c_str());
    }
    m.barrier_arrived++;
    m.barrier_count += predicate;
    if (m.barrier_arrived == m.live) {
        complete_barrier();
        // The last to arrive must not always be the first to go on.
        if (options().order != Order::forward) {
            thread.state = State::ready;
            wait();
        }
        return m.barrier_result;
    }
    thread.state = State::at_barrier;
    thread.waiting_for = "__syncthreads";
    thread.place = place;
    wait();
    return m.barrier_result;
}

void collective(unsigned mask, void* mine, Combine combine, const char* what, Place place) {
    Multiprocessor& m = g_multiprocessor;
    Thread& thread = m.thread();
    Warp& warp = m.warp();
    const uint32_t first = m.current / 32 * 32, my_lane = m.current % 32;
    const unsigned me = 1u << my_lane;
    counts().collectives++;
    if (!(mask & me))
        error("%s at %s: lane %u calls with mask %08x, which does not name it", what, describe(place).c_str(), my_lane,
              mask);
    const uint32_t lanes = std::min<uint32_t>(32, uint32_t(m.threads.size()) - first);
    if (lanes < 32) mask &= (1u << lanes) - 1;

    Rendezvous *joined = nullptr, *unused = nullptr;
    for (Rendezvous& candidate : warp.rendezvous) {
        if (candidate.arrived == 0) {
            if (!unused) unused = &candidate;
        } else if (candidate.mask == mask && candidate.place.line() == place.line() &&
                   std::strcmp(candidate.what, what) == 0 && !(candidate.arrived & me)) {
            joined = &candidate;
            break;
        } else if (candidate.mask & mask) {
            error(
                "divergent warp: lane %u of warp %u is in %s at %s with mask %08x, lanes %08x wait in %s at %s with "
                "mask %08x",
                my_lane, m.current / 32, what, describe(place).c_str(), mask, candidate.arrived, candidate.what,
                describe(candidate.place).c_str(), candidate.mask);
        }
    }
    if (!joined) {
        if (!unused) {
            error("warp %u waits in more than four collectives at once", m.current / 32);
            thread.state = State::at_collective;
            return wait();
        }
        joined = unused;
        *joined = {mask, 0, combine, what, place, {}};
    }
    joined->lanes[my_lane] = mine;
    joined->arrived |= me;
    if (joined->arrived == mask) {
        if (joined->combine) joined->combine(joined->lanes, mask);
        joined->arrived = 0;
        for (uint32_t i = 0; i < lanes; i++) {
            Thread& other = m.threads[first + i];
            if ((mask >> i & 1) && other.state == State::at_collective) other.state = State::ready;
        }
        if (options().order != Order::forward) {
            thread.state = State::ready;
            wait();
        }
        return;
    }
    thread.state = State::at_collective;
    thread.waiting_for = what;
    thread.place = place;
    thread.mask = mask;
    wait();
}

}  // namespace simt
