// Events through the device's own functions.
#include "kernels/event.h"

#include <utility>

#include "kernels/backend.h"
#include "kernels/error.h"

namespace limpid {

Event::Event(const Device& device) : backend_(&backend(device)) {
    if (backend_->memory.create_event) native_ = backend_->memory.create_event(device.index);
}

Event::Event(Event&& other) noexcept
    : backend_(other.backend_), native_(std::exchange(other.native_, nullptr)), time_(other.time_) {}

Event& Event::operator=(Event&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(native_, other.native_);
    std::swap(time_, other.time_);
    return *this;
}

Event::~Event() {
    if (native_) backend_->memory.destroy_event(native_);
}

void Event::record(Stream& stream) {
    CHECK(backend_ == &stream.backend());
    if (native_)
        backend_->memory.record_event(stream, native_);
    else
        time_ = std::chrono::steady_clock::now();
}

double Event::seconds_since(const Event& start) const {
    CHECK(backend_ == start.backend_);
    if (native_) return backend_->memory.seconds_between(start.native_, native_);
    return std::chrono::duration<double>(time_ - start.time_).count();
}

}  // namespace limpid
