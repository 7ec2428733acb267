// A moment in the work of a stream, to measure the time that the device takes.
#pragma once

#include <chrono>

#include "kernels/stream.h"

namespace limpid {

// Move-only. On a GPU the device notes the time when it gets there; on a CPU work is done when the call returns, so the
// host's clock tells.
class Event {
  public:
    explicit Event(const Device& device);
    Event(Event&& other) noexcept;
    Event& operator=(Event&& other) noexcept;
    ~Event();

    // The moment at which all that the stream, one of the event's device, was given so far is done.
    void record(Stream& stream);
    // Both moments recorded in streams of one device, and waited for: otherwise throws Error. A GPU that waits for the
    // next launch counts as busy.
    double seconds_since(const Event& start) const;

  private:
    const Backend* backend_;
    void* native_ = nullptr;  // null: time_ tells
    std::chrono::steady_clock::time_point time_;
};

}  // namespace limpid
