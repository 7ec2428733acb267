// Sums of A*G in several layers at once are those of one section for each layer.
#include "viz/attribution/layer_shares.h"

#include <gtest/gtest.h>

#include "graph/vjp_overrides.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "tests/harness/random_net.h"
#include "viz/attribution/attribution.h"

namespace limpid {
namespace {

using testing::matches;
using testing::random_tensor;
using testing::same_bits;
using testing::sum_tolerance;

const Net& random_net() {
    static const Net net = make_net(testing::random_weights(kGoogLeNetVariants[0]));
    return net;
}

const std::vector<std::string> kLayers{"mixed4a", "mixed4c", "mixed4d"};

void write_class(int64_t i, MutView seed) { seed.at(0, 0, 0, 11 * i) = 1; }

HostTensor image_of(const HostTensor& all, int64_t n) {
    const ConstView view = all.view().image(n);
    return {view.shape, std::vector<float>(view.data, view.data + view.shape.size())};
}

TEST(LayerShares, AreThoseOfEachLayerAlone) {
    Stream stream({DeviceKind::cpu, 0});
    const std::vector<HostTensor> a = activations(random_net(), kLayers, random_tensor({1, 64, 64, 3}, 0, 1), stream);
    for (const VjpOverrides& overrides : {VjpOverrides{}, smoothed_and_blurred_max_pool()}) {
        const auto shares = layer_shares(random_net(), kLayers, a[0], random_net().logits, 5, write_class, stream,
                                         {.overrides = overrides, .batch = 2});
        ASSERT_TRUE(shares && shares->size() == 3);
        for (size_t l = 0; l < kLayers.size(); l++) {
            Section section(random_net(), kLayers[l], a[l].shape, random_net().logits, stream,
                            {.overrides = overrides});
            for (int64_t i = 0; i < 5; i++) {
                const HostTensor one = linear_attribution(section, a[l], class_target(random_net(), 11 * i));
                EXPECT_TRUE(matches(sum_channels(one), image_of((*shares)[l].by_position, i), sum_tolerance(9 * 1600)))
                    << kLayers[l] << " " << i;
                EXPECT_TRUE(matches(sum_positions(one), image_of((*shares)[l].by_channel, i), sum_tolerance(9 * 1600)))
                    << kLayers[l] << " " << i;
            }
        }
    }
}

TEST(LayerShares, DoNotDependOnTheBatchAndCanBeStopped) {
    Stream stream({DeviceKind::cpu, 0});
    const HostTensor a = activations(random_net(), {"mixed4d"}, random_tensor({1, 64, 64, 3}, 0, 1), stream)[0];
    const auto shares = [&](int64_t batch, const std::function<bool(int64_t, int64_t)>& watcher) {
        return layer_shares(
            random_net(), {"mixed4d"}, a, "mixed5a", 5, [](int64_t i, MutView seed) { seed.at(0, 0, 0, i) = 1; },
            stream, {.batch = batch}, watcher);
    };
    const auto one = shares(1, {}), three = shares(3, {});
    ASSERT_TRUE(one && three);
    EXPECT_TRUE(same_bits((*one)[0].by_channel, (*three)[0].by_channel));
    EXPECT_TRUE(same_bits((*one)[0].by_position, (*three)[0].by_position));
    int calls = 0;
    EXPECT_FALSE(shares(2, [&](int64_t done, int64_t total) {
        calls++;
        EXPECT_EQ(total, 5);
        return done < 4;
    }));
    EXPECT_EQ(calls, 2);
}

}  // namespace
}  // namespace limpid
