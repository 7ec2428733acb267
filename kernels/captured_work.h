// Work of a stream, recorded once and replayed: one launch of a CUDA graph instead of hundreds of kernels.
#pragma once

#include <functional>

#include "kernels/stream.h"

namespace limpid {

// Move-only. Replays the same kernels on the same memory, so what changes between replays must lie in that memory, put
// there by uploads before each replay.
class CapturedWork {
  public:
    // Whether the device can: GPUs can; on a CPU there is nothing to win.
    static bool possible(const Stream& stream);

    CapturedWork() = default;
    // Records what `work` gives to the stream; nothing of it is done. It must not synchronise, upload, download or
    // allocate, and must have been run once before: a kernel's first use loads it, which cannot be recorded.
    CapturedWork(Stream& stream, const std::function<void()>& work);
    CapturedWork(CapturedWork&& other) noexcept;
    CapturedWork& operator=(CapturedWork&& other) noexcept;
    ~CapturedWork();

    explicit operator bool() const { return captured_ != nullptr; }
    // Queues the work; the stream must be of the device that recorded it.
    void replay(Stream& stream) const;

  private:
    const Backend* backend_ = nullptr;
    void* captured_ = nullptr;
};

}  // namespace limpid
