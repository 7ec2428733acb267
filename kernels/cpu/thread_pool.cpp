// How workers wait: a few thousand pauses (about 50 us: longer than the gap between two kernels), then a condition
// variable.
#include "kernels/cpu/thread_pool.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace limpid {

namespace {

constexpr int kSpins = 4000;

void pause() {
#if defined(__x86_64__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads) : threads_(threads < 1 ? 1 : threads) {
    for (int worker = 1; worker < threads_; worker++) workers_.emplace_back([this, worker] { work(worker); });
}

ThreadPool::~ThreadPool() {
    {
        std::lock_guard lock(mutex_);
        stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::take_tasks(int worker) {
    for (int64_t i = next_.fetch_add(1); i < count_; i = next_.fetch_add(1)) call_(context_, i, worker);
}

void ThreadPool::run_shared(int64_t count, Call call, void* context) {
    call_ = call;
    context_ = context;
    count_ = count;
    next_.store(0);
    busy_.store(threads_ - 1);
    generation_.fetch_add(1);
    if (sleepers_.load() > 0) {
        std::lock_guard lock(mutex_);
        wake_.notify_all();
    }
    take_tasks(0);
    // The caller waits for every worker to leave, so that the job's fields can be written again. Waits are short: tasks
    // are small. After many pauses it yields, for machines where a worker has lost its core.
    for (int spins = 0; busy_.load() > 0; spins++) {
        if (spins < kSpins) {
            pause();
        } else {
            std::this_thread::yield();
        }
    }
}

void ThreadPool::work(int worker) {
    uint64_t seen = 0;
    for (;;) {
        int spins = 0;
        while (generation_.load() == seen && !stop_.load()) {
            if (++spins < kSpins) {
                pause();
                continue;
            }
            std::unique_lock lock(mutex_);
            sleepers_.fetch_add(1);
            wake_.wait(lock, [&] { return generation_.load() != seen || stop_.load(); });
            sleepers_.fetch_sub(1);
        }
        if (stop_.load()) return;
        seen++;
        take_tasks(worker);
        busy_.fetch_sub(1);
    }
}

}  // namespace limpid
