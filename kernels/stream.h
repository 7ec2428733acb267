// An ordered queue of work on one device, and the devices there are.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "kernels/stop.h"

namespace limpid {

class ThreadPool;
struct Backend;

// cpu: the fast kernels. reference: the oracles (double arithmetic, plain loops), for --shadow and tests. cuda: an
// NVIDIA GPU.
enum class DeviceKind { cpu, reference, cuda };

// What a GPU may trade for speed in convolutions and matrix products. fp32: nothing. tf32x3: tensor cores on numbers
// split in two, with about the accuracy of fp32. tf32: tensor cores on numbers rounded to 10 bits of mantissa.
enum class Precision { fp32, tf32x3, tf32 };

struct Device {
    DeviceKind kind = DeviceKind::cpu;
    int index = 0;                          // cuda: which GPU. cpu: which instruction set (CpuLevel)
    Precision precision = Precision::fp32;  // anything else: cuda only
    bool operator==(const Device&) const = default;
};
// best: the widest that this processor has. The others pin the choice, so that a result can be reproduced on another
// machine.
enum CpuLevel { kCpuBest = 0, kCpuAvx512 = 1, kCpuAvx2 = 2, kCpuPortable = 3 };

// "cpu", "cpu:avx512", "cpu:avx2", "cpu:portable", "reference", "cuda", "cuda:1". Throws UsageError on anything else.
Device parse_device(std::string_view text);
std::string to_string(const Device& device);  // "cuda:1", "cuda:1 tf32"
// "fp32", "tf32x3", "tf32". Throws UsageError on anything else.
Precision parse_precision(std::string_view text);
std::string_view to_string(Precision precision);

// Work given to a stream is done in order. On the CPU it is done when the call returns, by `threads` threads that
// belong to the stream (two streams never share threads). Results do not depend on the number of threads.
class Stream {
  public:
    // threads = 0: one per physical core this process may run on. Where the system refuses to start so many, the stream
    // works with fewer.
    explicit Stream(const Device& device, int threads = 0);
    ~Stream();
    Stream(Stream&&) noexcept;
    Stream& operator=(Stream&&) noexcept;

    const Device& device() const;
    const Backend& backend() const;
    ThreadPool& threads();
    int thread_count() const;
    // How many were asked for.
    int threads_wanted() const;
    // Waits for all work. Throws Error when a GPU failed at some of it.
    void synchronize();
    // A stream of one thread for each worker of threads(): for tasks of that worker which call kernels.
    Stream& lane(int worker);
    // What the work from now on is for, e.g. a node's name: a GPU that fails names it. "": nothing in particular.
    void label(std::string_view purpose);
    // From now on all work on this stream ends with Stopped soon after a stop is asked for: plans ask before every
    // step, longer work on the host between its pieces.
    void stop_when(Stop stop);
    const Stop& stop() const;
    // What a piece of work on this stream may take of memory (memory_need.h): plans are refused before they are run.
    void allow_memory(size_t bytes);
    size_t allowed_memory() const;
    void* queue() const;   // what the device keeps for the stream (device/queue.h), or null
    void* native() const;  // cudaStream_t, or null

  private:
    struct State;
    std::unique_ptr<State> state_;
};

// While it lives, work on the stream is finished whether a stop is asked for or not: to keep what stopped work has
// made.
class FinishWork {
  public:
    explicit FinishWork(Stream& stream) : stream_(stream), stop_(stream.stop()) { stream.stop_when({}); }
    ~FinishWork() { stream_.stop_when(std::move(stop_)); }
    FinishWork(const FinishWork&) = delete;
    FinishWork& operator=(const FinishWork&) = delete;

  private:
    Stream& stream_;
    Stop stop_;
};

}  // namespace limpid
