// Random numbers: the published vectors of Philox, the moments, and that a number depends on nothing but its name.
#include <cmath>
#include <set>

#include "kernels/random/random_oracle.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

// The reference device is the oracle in the coat of a kernel; the coat is tested here too.
std::vector<Device> devices_and_reference() {
    std::vector<Device> devices = devices_under_test();
    devices.push_back({DeviceKind::reference, 0});
    return devices;
}

const RandomKey kKey{0x0123456789abcdefu, 3, 17, 5};

HostTensor draw_uniform(Stream& stream, const RandomKey& key, int64_t first, int64_t count) {
    const GuardedTensor y(stream, {1, 1, 1, count});
    stream.backend().kernels.random.uniform(stream, key, first, count, y.view().data);
    return y.read();
}
HostTensor draw_normal(Stream& stream, const RandomKey& key, float mean, float deviation, int64_t first,
                       int64_t count) {
    const GuardedTensor y(stream, {1, 1, 1, count});
    stream.backend().kernels.random.normal(stream, key, mean, deviation, first, count, y.view().data);
    return y.read();
}

// philox4x32-10 of kat_vectors in Random123, the library of the paper's authors.
TEST(Random, PhiloxGivesThePublishedVectors) {
    struct Vector {
        PhiloxBlock counter;
        uint32_t k0, k1;
        PhiloxBlock expected;
    };
    const Vector vectors[] = {
        {{{0, 0, 0, 0}}, 0, 0, {{0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u}}},
        {{{~0u, ~0u, ~0u, ~0u}}, ~0u, ~0u, {{0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu}}},
        {{{0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u}},
         0xa4093822u,
         0x299f31d0u,
         {{0xd16cfe09u, 0x94fdccebu, 0x5001e420u, 0x24126ea1u}}},
    };
    for (const Vector& vector : vectors) {
        const PhiloxBlock found = philox4x32(vector.counter, vector.k0, vector.k1);
        for (int word = 0; word < 4; word++) EXPECT_EQ(found.x[word], vector.expected.x[word]);
    }
}

TEST(Random, ChunksAndThreadsDoNotMatter) {
    constexpr int64_t kCount = 20011;
    for (const Device& device : devices_and_reference()) {
        Stream single(device, 1), pair(device, 2);
        HostTensor uniform({1, 1, 1, kCount}), normal({1, 1, 1, kCount});
        oracle::uniform(kKey, 0, kCount, uniform.values.data());
        oracle::normal(kKey, 0.25f, 1.5f, 0, kCount, normal.values.data());
        for (Stream* stream : {&single, &pair})
            for (const int64_t first : {0, 1, 2, 3, 4, 1001, 20010, 20011}) {
                const int64_t count = kCount - first;
                const auto tail = [&](const HostTensor& all) {
                    return HostTensor({1, 1, 1, count},
                                      std::vector<float>(all.values.begin() + first, all.values.end()));
                };
                EXPECT_TRUE(same_bits(tail(uniform), draw_uniform(*stream, kKey, first, count)))
                    << first << " " << to_string(device);
                // A GPU has its own logarithm and cosine: to rounding there, bit for bit on the CPU.
                const HostTensor found = draw_normal(*stream, kKey, 0.25f, 1.5f, first, count);
                if (device.kind == DeviceKind::cpu) {
                    EXPECT_TRUE(same_bits(tail(normal), found)) << first << " " << to_string(device);
                } else {
                    EXPECT_TRUE(matches(tail(normal), found, {sum_tolerance(4).relative, count == 0}))
                        << first << " " << to_string(device);
                }
            }
    }
}

TEST(Random, EveryPartOfTheKeyMatters) {
    std::set<uint32_t> words;
    const RandomKey keys[] = {kKey,
                              {kKey.seed + 1, 3, 17, 5},
                              {kKey.seed + (uint64_t(1) << 32), 3, 17, 5},
                              {kKey.seed, 4, 17, 5},
                              {kKey.seed, 3, 18, 5},
                              {kKey.seed, 3, 17, 6}};
    for (const RandomKey& key : keys)
        for (uint32_t index = 0; index < 100; index++)
            for (const uint32_t word : random_block(key, index).x) words.insert(word);
    // 2400 words of 2^32: a pair of equal ones is expected 0.0007 times.
    EXPECT_EQ(words.size(), 2400u);
}

// Means of powers of n = 2^20 numbers, within 5 standard errors (the standard error is sqrt(variance of the power /
// n)).
TEST(Random, Moments) {
    constexpr int64_t kCount = 1 << 20;
    for (const Device& device : devices_under_test()) {
        Stream stream(device);
        const auto mean_of = [](const HostTensor& x, auto power) {
            double sum = 0;
            for (const float value : x.values) sum += power(double(value));
            return sum / double(x.values.size());
        };
        const double root = std::sqrt(double(kCount));
        const HostTensor uniform = draw_uniform(stream, kKey, 0, kCount);
        for (const float value : uniform.values) ASSERT_TRUE(value >= 0 && value < 1) << value;
        EXPECT_NEAR(mean_of(uniform, [](double x) { return x; }), 0.5, 5 * std::sqrt(1.0 / 12) / root);
        EXPECT_NEAR(mean_of(uniform, [](double x) { return x * x; }), 1.0 / 3, 5 * std::sqrt(4.0 / 45) / root);
        const HostTensor normal = draw_normal(stream, kKey, 0, 1, 0, kCount);
        for (const float value : normal.values) ASSERT_TRUE(std::isfinite(value));
        EXPECT_NEAR(mean_of(normal, [](double x) { return x; }), 0, 5 / root);
        EXPECT_NEAR(mean_of(normal, [](double x) { return x * x; }), 1, 5 * std::sqrt(2.0) / root);
        EXPECT_NEAR(mean_of(normal, [](double x) { return x * x * x; }), 0, 5 * std::sqrt(15.0) / root);
        EXPECT_NEAR(mean_of(normal, [](double x) { return x * x * x * x; }), 3, 5 * std::sqrt(96.0) / root);
        // Neighbours are uncorrelated.
        double product = 0;
        for (size_t i = 0; i + 1 < normal.values.size(); i++)
            product += double(normal.values[i]) * double(normal.values[i + 1]);
        EXPECT_NEAR(product / kCount, 0, 5 / root);
    }
}

TEST(Random, BelowIsUniform) {
    int counts[9] = {};
    for (int64_t i = 0; i < 9000; i++) {
        const int value = random_below(kKey, i, 9);
        ASSERT_TRUE(value >= 0 && value < 9);
        counts[value]++;
    }
    // Binomial: standard deviation sqrt(9000 * 1/9 * 8/9) = 30.
    for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace limpid::testing
