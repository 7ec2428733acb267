// A pool does all of its work with the threads it gets, and nothing that a task throws is lost.
#include "kernels/cpu/thread_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <new>
#include <system_error>

#include "kernels/stream.h"

namespace limpid {
namespace {

// The system refuses the k-th thread and all that follow.
ThreadPool::StartThread refuse_from(int k) {
    return [k, started = 0](std::function<void()> work) mutable {
        if (++started >= k) throw std::system_error(EAGAIN, std::generic_category());
        return std::thread(std::move(work));
    };
}

std::vector<int64_t> squares(ThreadPool& pool, int64_t count) {
    std::vector<int64_t> result(static_cast<size_t>(count), -1);
    pool.run(count, [&](int64_t i, int) { result[size_t(i)] = i * i; });
    return result;
}

TEST(ThreadPool, WorksWithTheThreadsThatCouldBeStarted) {
    ThreadPool whole(8);
    EXPECT_EQ(whole.size(), 8);
    const std::vector<int64_t> expected = squares(whole, 1000);
    EXPECT_EQ(expected[999], 999 * 999);
    for (int k = 1; k <= 8; k++) {
        ThreadPool pool(8, refuse_from(k));
        EXPECT_EQ(pool.size(), k) << "the caller works too";
        for (int again = 0; again < 3; again++) EXPECT_EQ(squares(pool, 1000), expected) << k;
        int64_t most = 0;
        std::mutex mutex;
        pool.run(1000, [&](int64_t, int worker) {
            const std::lock_guard lock(mutex);
            most = std::max<int64_t>(most, worker);
        });
        EXPECT_LT(most, k);
    }
}

TEST(ThreadPool, ThrowsInTheCallerWhatATaskThrows) {
    for (const int threads : {1, 2, 5}) {
        ThreadPool pool(threads);
        for (const int64_t bad : {0, 17, 99}) {
            const auto run = [&] {
                pool.run(100, [&](int64_t i, int) {
                    if (i == bad) throw std::bad_alloc();
                });
            };
            EXPECT_THROW(run(), std::bad_alloc) << threads;
            EXPECT_EQ(squares(pool, 50)[49], 49 * 49) << "the pool works on";
        }
    }
}

TEST(Stream, SaysHowManyThreadsWereWanted) {
    const Stream stream({DeviceKind::cpu, 0}, 3);
    EXPECT_EQ(stream.threads_wanted(), 3);
    EXPECT_EQ(stream.thread_count(), 3);
}

}  // namespace
}  // namespace limpid
