// The only threads of the CPU backend: a pool that spins briefly, then sleeps. One pool belongs to one Stream.
//
// Why not OpenMP: its pool is per process, so two streams would share (or oversubscribe) threads, and its waiting
// policy is an environment variable. A render step enters about 200 parallel regions of 10 to 500 us: hand-over must
// cost about 1 us.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

namespace limpid {

class ThreadPool {
  public:
    using StartThread = std::function<std::thread(std::function<void()> work)>;

    // Where the system refuses to start so many (a limit of processes or of memory), the pool has those that it started
    // before. `start` is the system's own but in tests.
    explicit ThreadPool(int threads, const StartThread& start = {});
    ~ThreadPool();
    ThreadPool(const ThreadPool&) = delete;
    ThreadPool& operator=(const ThreadPool&) = delete;

    int size() const { return threads_; }

    // Calls task(index, worker) once for every index in [0, count), in any order, on any worker in [0, size()); returns
    // when all are done. Tasks are handed out one at a time, so make each worth a few microseconds. Must not be called
    // from a task. What a task throws (memory can run out in any) is thrown here, once no task is running any more; of
    // several that throw one is chosen, and some tasks are then never called.
    template <class Task>
    void run(int64_t count, Task&& task) {
        if (count <= 0) return;
        if (threads_ == 1 || count == 1) {
            for (int64_t i = 0; i < count; i++) task(i, 0);
            return;
        }
        using Plain = std::remove_reference_t<Task>;
        run_shared(
            count, [](void* context, int64_t index, int worker) { (*static_cast<Plain*>(context))(index, worker); },
            const_cast<void*>(static_cast<const void*>(&task)));
    }

    // Splits [0, count) into ranges of at least `grain` and calls body(begin, end, worker) for each. The ranges depend
    // on size(), so use it only where each element is computed independently of the others.
    template <class Body>
    void for_ranges(int64_t count, int64_t grain, Body&& body) {
        if (count <= 0) return;
        const int64_t most = 4 * int64_t(threads_);
        int64_t pieces = grain > 0 ? (count + grain - 1) / grain : count;
        if (pieces > most) pieces = most;
        if (threads_ == 1 || pieces < 2) {
            body(int64_t(0), count, 0);
            return;
        }
        run(pieces, [&](int64_t i, int worker) { body(count * i / pieces, count * (i + 1) / pieces, worker); });
    }

  private:
    using Call = void (*)(void* context, int64_t index, int worker);
    void run_shared(int64_t count, Call call, void* context);
    void work(int worker);
    void take_tasks(int worker);

    int threads_;  // of which the caller's is one
    std::vector<std::thread> workers_;
    // The job: written before generation_ is advanced, read after it is seen to advance.
    Call call_ = nullptr;
    void* context_ = nullptr;
    // Each worker begins with its own share of the indices, the same share of every job, so that what it wrote in the
    // last kernel is still in its cache; then it helps the others.
    struct alignas(64) Share {
        std::atomic<int64_t> next{0};
        int64_t end = 0;
    };
    std::vector<Share> shares_;
    alignas(64) std::atomic<uint64_t> generation_{0};
    alignas(64) std::atomic<int> busy_{0};
    alignas(64) std::atomic<int> sleepers_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;  // also of failure_
    std::condition_variable wake_;
    std::exception_ptr failure_;
};

}  // namespace limpid
