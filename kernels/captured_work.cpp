// Capture and replay through the device's own functions.
#include "kernels/captured_work.h"

#include <utility>

#include "kernels/backend.h"

namespace limpid {

bool CapturedWork::possible(const Stream& stream) { return stream.backend().memory.begin_capture != nullptr; }

CapturedWork::CapturedWork(Stream& stream, const std::function<void()>& work) : backend_(&stream.backend()) {
    CHECK(possible(stream));
    backend_->memory.begin_capture(stream);
    try {
        work();
    } catch (...) {
        backend_->memory.abandon_capture(stream);
        throw;
    }
    captured_ = backend_->memory.end_capture(stream);
}

CapturedWork::CapturedWork(CapturedWork&& other) noexcept
    : backend_(other.backend_), captured_(std::exchange(other.captured_, nullptr)) {}

CapturedWork& CapturedWork::operator=(CapturedWork&& other) noexcept {
    std::swap(backend_, other.backend_);
    std::swap(captured_, other.captured_);
    return *this;
}

CapturedWork::~CapturedWork() {
    if (captured_) backend_->memory.destroy_captured(captured_);
}

void CapturedWork::replay(Stream& stream) const {
    CHECK(captured_ && backend_ == &stream.backend());
    backend_->memory.replay(stream, captured_);
}

}  // namespace limpid
