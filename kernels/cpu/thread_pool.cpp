// How workers wait: a thousand pauses, then they offer their core to others for about a millisecond (waking a sleeper
// costs more than the kernel it would help with), then a condition variable.
#include "kernels/cpu/thread_pool.h"

#include <new>
#include <system_error>
#include <utility>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace limpid {

namespace {

constexpr int kPauses = 1000, kYields = 2000;

void wait_a_moment(int turn) {
    if (turn >= kPauses) return std::this_thread::yield();
#if defined(__x86_64__)
    _mm_pause();
#else
    std::this_thread::yield();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int threads, const StartThread& start)
    : threads_(threads < 1 ? 1 : threads), shares_(size_t(threads_)) {
    workers_.reserve(size_t(threads_ - 1));
    try {
        for (int worker = 1; worker < threads_; worker++) {
            const auto work = [this, worker] { this->work(worker); };
            workers_.push_back(start ? start(work) : std::thread(work));
        }
    } catch (const std::system_error&) {  // no more threads
    } catch (const std::bad_alloc&) {
    }
    threads_ = int(workers_.size()) + 1;  // which workers do not look at before the first job
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
    try {
        for (int k = 0; k < threads_; k++) {
            Share& share = shares_[size_t((worker + k) % threads_)];
            for (int64_t i = share.next.fetch_add(1); i < share.end; i = share.next.fetch_add(1))
                call_(context_, i, worker);
        }
    } catch (...) {
        for (Share& share : shares_) share.next.store(share.end);  // nobody begins another
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
    }
}

void ThreadPool::run_shared(int64_t count, Call call, void* context) {
    call_ = call;
    context_ = context;
    for (int worker = 0; worker < threads_; worker++) {
        shares_[size_t(worker)].end = count * (worker + 1) / threads_;
        shares_[size_t(worker)].next.store(count * worker / threads_);
    }
    busy_.store(threads_ - 1);
    generation_.fetch_add(1);
    if (sleepers_.load() > 0) {
        std::lock_guard lock(mutex_);
        wake_.notify_all();
    }
    take_tasks(0);
    // The caller waits for every worker to leave, so that the job's fields can be written again.
    for (int turn = 0; busy_.load() > 0; turn++) wait_a_moment(turn);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::work(int worker) {
    uint64_t seen = 0;
    for (;;) {
        int turn = 0;
        while (generation_.load() == seen && !stop_.load()) {
            if (turn < kPauses + kYields) {
                wait_a_moment(turn++);
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
