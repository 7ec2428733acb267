// Owning memory of one device. The only place that allocates arrays for kernels.
#pragma once

#include <cstddef>

#include "kernels/stream.h"
#include "kernels/tensor.h"

namespace limpid {

// Move-only; 2 MiB-aligned with huge pages where large (CPU). Contents are undefined after construction.
// Throws Error when the device has not that much memory.
class Buffer {
  public:
    Buffer() = default;
    Buffer(const Device& device, size_t size_bytes);
    Buffer(Buffer&& other) noexcept;
    Buffer& operator=(Buffer&& other) noexcept;
    ~Buffer();

    std::byte* data() const { return data_; }
    float* floats() const { return reinterpret_cast<float*>(data_); }
    size_t size_bytes() const { return size_bytes_; }
    Scratch scratch() const { return {data_, size_bytes_}; }

  private:
    Device device_;
    std::byte* data_ = nullptr;
    size_t size_bytes_ = 0;
};

// Copies between host and device, in order with the stream's work. upload returns when `host` may be reused, download
// when the copy is done.
void upload(Stream& stream, const float* host, float* device, int64_t count);
void download(Stream& stream, const float* device, float* host, int64_t count);
// A pitched view of the stream's device as a dense host array.
HostTensor download(Stream& stream, ConstView view);

// A dense tensor that owns its memory on the stream's device.
struct DeviceTensor {
    Shape shape;
    Buffer buffer;

    DeviceTensor() = default;
    DeviceTensor(const Device& device, Shape s)
        : shape(s), buffer(device, static_cast<size_t>(s.size()) * sizeof(float)) {}
    DeviceTensor(Stream& stream, const HostTensor& host);
    MutView view() { return {buffer.floats(), shape}; }
    ConstView view() const { return {buffer.floats(), shape}; }
};

}  // namespace limpid
