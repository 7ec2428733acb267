// What every kernel test stands on: devices to test, random data with a printed seed, and device arrays with guard
// bands and poison.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/backend.h"
#include "kernels/buffer.h"
#include "kernels/tensor.h"
#include "tests/harness/compare.h"

namespace limpid::testing {

// Every device that this machine and build can run, except the reference: each CPU instruction set, emulated and real
// GPUs.
std::vector<Device> devices_under_test();

// Values uniform in [low, high], rounded to multiples of 2^-12 (so a product of two is exact in float). The seed is
// that of the running test: a hash of its full name, or the number given by --seed; it is printed when the test fails.
HostTensor random_tensor(Shape shape, float low = -1.0f, float high = 1.0f, uint32_t salt = 0);
// For masks, of which what is above zero passes: uniform in [-1, 1), and a quarter of it zero exactly, as after a
// ReLU.
HostTensor random_mask(Shape shape, uint32_t salt);
HostArray<double> widen(const HostTensor& tensor);

// An array on a device: pitched on request, guard bands before and after, poison (a NaN with a recognisable pattern)
// everywhere else.
class GuardedTensor {
  public:
    // Poisoned: for outputs.
    GuardedTensor(Stream& stream, Shape shape, int64_t pitch = 0);
    // Filled: for inputs.
    GuardedTensor(Stream& stream, const HostTensor& values, int64_t pitch = 0);

    MutView view() const;
    // What the kernel wrote. Fails the test when a guard or a gap between pixels was overwritten.
    HostTensor read() const;

  private:
    GuardedTensor(Stream& stream, Shape shape, int64_t pitch, uint32_t guard);

    Stream* stream_;
    Shape shape_;
    int64_t pitch_;
    uint32_t guard_;  // the word in the guard bands and between pixels
    Buffer buffer_;
};

// Scratch with guards: `size_bytes` usable bytes full of poison. check() fails the test when the kernel wrote outside.
class GuardedScratch {
  public:
    GuardedScratch(Stream& stream, size_t size_bytes);
    Scratch scratch() const;
    void check() const;

  private:
    Stream* stream_;
    size_t size_bytes_;
    Buffer buffer_;
};

// The sources' folder: LIMPID_SOURCE_DIR of the environment, for programs that were taken to another machine, or where
// they were built.
std::string source_dir();

// One row of a file in bench/shapes: a name and named numbers. Files: '#' comments; the first other line names the
// columns.
struct ShapeRow {
    std::string name;
    std::vector<std::pair<std::string, int64_t>> fields;
    int64_t operator[](const std::string& column) const;  // Error when the column is absent
};
// file is relative to bench/shapes, e.g. "conv2d.txt".
std::vector<ShapeRow> read_shapes(const std::string& file);
// "googlenet224/mixed3a_3x3" as a GoogleTest parameter name (letters, digits and underscores).
std::string test_name(const std::string& row_name);

}  // namespace limpid::testing
