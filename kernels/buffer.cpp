// Allocation through the device's own functions.
#include "kernels/buffer.h"

#include <utility>

#include "kernels/backend.h"
#include "kernels/error.h"

namespace limpid {

Buffer::Buffer(const Device& device, size_t size_bytes) : device_(device), size_bytes_(size_bytes) {
    if (size_bytes == 0) return;
    data_ = static_cast<std::byte*>(limpid::backend(device).memory.allocate(device.index, size_bytes));
    if (!data_) {
        throw Error(concat("device ", to_string(device), ": out of memory: ", size_bytes,
                           " bytes wanted; use a smaller batch or a smaller image"));
    }
}

Buffer::Buffer(Buffer&& other) noexcept
    : device_(other.device_),
      data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)) {}

Buffer& Buffer::operator=(Buffer&& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(data_, other.data_);
    std::swap(size_bytes_, other.size_bytes_);
    return *this;
}

Buffer::~Buffer() {
    if (data_) limpid::backend(device_).memory.release(device_.index, data_, size_bytes_);
}

void upload(Stream& stream, const float* host, float* device, int64_t count) {
    stream.backend().memory.upload(stream, host, device, size_t(count) * sizeof(float));
}

void download(Stream& stream, const float* device, float* host, int64_t count) {
    stream.backend().memory.download(stream, device, host, size_t(count) * sizeof(float));
}

HostTensor download(Stream& stream, ConstView view) {
    HostTensor result(view.shape);
    const int64_t pixels = view.shape.pixels();
    if (pixels == 0) return result;
    if (view.dense()) {
        download(stream, view.data, result.values.data(), view.shape.size());
        return result;
    }
    HostTensor pitched({1, 1, 1, (pixels - 1) * view.pitch + view.shape.c});
    download(stream, view.data, pitched.values.data(), pitched.shape.size());
    for (int64_t pixel = 0; pixel < pixels; pixel++)
        for (int64_t c = 0; c < view.shape.c; c++)
            result.values[size_t(pixel * view.shape.c + c)] = pitched.values[size_t(pixel * view.pitch + c)];
    return result;
}

DeviceTensor::DeviceTensor(Stream& stream, const HostTensor& host) : DeviceTensor(stream.device(), host.shape) {
    upload(stream, host.values.data(), buffer.floats(), host.shape.size());
}

}  // namespace limpid
