// Copies between host and device: the host's memory may be reused at once, whatever the size and however many are on
// their way.
#include "kernels/buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// None, one, just under and over a MiB (copies to a GPU are staged by the MiB), more than are staged at once.
constexpr int64_t kCounts[] = {0, 1, (1 << 18) - 1, (1 << 18) + 1, (5 << 18) + 3};

TEST(Copies, ComeBackWhateverTheirSize) {
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        for (const int64_t count : kCounts) {
            const std::string where = to_string(device) + ", " + std::to_string(count) + " floats";
            const HostTensor values = random_tensor({1, 1, 1, count});
            HostTensor given = values, back(values.shape);
            const DeviceTensor there(stream, HostTensor(values.shape, -1.0f));
            upload(stream, given.values.data(), there.buffer.floats(), count);
            std::fill(given.values.begin(), given.values.end(), -2.0f);
            download(stream, there.buffer.floats(), back.values.data(), count);
            EXPECT_EQ(values.values, back.values) << where;
        }
    }
}

TEST(Copies, ManyOnTheirWayKeepTheirOrder) {
    for (const Device& device : devices_under_test()) {
        Stream stream(device, 1);
        constexpr int kMany = 11;
        const DeviceTensor there(device, {1, 1, 1, kMany});
        float value = 0;
        for (int i = 0; i < kMany; i++) {
            value = float(i);
            upload(stream, &value, there.buffer.floats() + i, 1);
            value = 100;
            upload(stream, &value, there.buffer.floats(), 1);  // the last of these stays
            value = -1;
        }
        const HostTensor back = download(stream, there.view());
        EXPECT_EQ(back.values[0], 100) << to_string(device);
        for (int i = 1; i < kMany; i++) EXPECT_EQ(back.values[size_t(i)], float(i)) << to_string(device);
    }
}

}  // namespace
}  // namespace limpid::testing
