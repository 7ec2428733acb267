// What a Stream of a GPU holds: CUDA's stream, the page-locked memory that its copies go through, and a log of what it
// was given, for messages.
#pragma once

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/stream.h"

namespace limpid::DEVICE_NS {

// "conv2d_pipelined<WideTile, 4>" without its namespaces and parameters; for people.
std::string name_of(const void* kernel);

// The launches since the host last waited for the stream. A kernel fails after its launch returned, and CUDA does not
// say which one it was.
class LaunchLog {
  public:
    // What the launches from now on are for: a node of a graph. "": nothing in particular.
    void set_label(std::string_view label) { label_ = label; }
    void add(const void* kernel);
    // Between these two, launches are recorded and not done; the text says what the recorded work consists of.
    void begin_recording();
    std::string end_recording();
    void add_replay(const std::string& recorded);
    void clear() { count_ = 0; }
    // E.g. "conv2d_pipelined (mixed3a/1x1), elementwise_map, 2 x recorded work of 143 launches (mixed3a/1x1, ...)".
    std::string print() const;

  private:
    struct Launch {
        const void* kernel = nullptr;  // null: a replay, and label says what was recorded
        std::string label;
        bool operator==(const Launch&) const = default;
    };
    static std::string describe(const Launch& launch);

    std::array<Launch, 16> last_;  // a ring: its strings keep their memory, so that nothing is allocated
    size_t count_ = 0;
    std::string label_;
    bool recording_ = false;
    std::vector<Launch> recorded_;
};

// Copies between pageable memory of the host and the device go through page-locked slots: from these the device copies
// while the host goes on. An event says when the device has read or filled a slot.
class StagedCopies {
  public:
    StagedCopies() = default;
    StagedCopies(const StagedCopies&) = delete;
    ~StagedCopies();

    // Returns when `host` may be reused; waits only where all slots are still on their way.
    cudaError_t upload(cudaStream_t stream, const void* host, void* device, size_t size_bytes);
    // Returns when the copy is done.
    cudaError_t download(cudaStream_t stream, const void* device, void* host, size_t size_bytes);

  private:
    struct Slot {
        void* memory = nullptr;
        cudaEvent_t copied = nullptr;
    };
    // 1 MiB is copied in 20 to 80 us, which hides the few that it takes to queue the next; knobs of an update fit in
    // one slot, and the updates that a render queues before it waits in few.
    static constexpr size_t kSlots = 4, kSlotBytes = size_t(1) << 20;

    cudaError_t allocate();

    std::array<Slot, kSlots> slots_{};
    size_t next_ = 0;
};

struct Queue {
    explicit Queue(int device_index);  // Throws Error.
    Queue(const Queue&) = delete;
    ~Queue();

    // Throws Error when a call failed.
    void check(cudaError_t error, const char* call) const {
        if (error != cudaSuccess) fail(error, call);
    }
    // Says that the call failed or, where work that was queued before is what failed, what was launched since the last
    // wait.
    [[noreturn]] void fail(cudaError_t error, const std::string& call) const;
    void synchronize();

    int device;
    cudaStream_t stream = nullptr;
    LaunchLog log;
    StagedCopies copies;
};

inline Queue& queue(const Stream& stream) { return *static_cast<Queue*>(stream.queue()); }

}  // namespace limpid::DEVICE_NS
