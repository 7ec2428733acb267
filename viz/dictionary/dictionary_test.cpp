// Top channels, ties, and where to start; against published numbers once Lucid's weights are at hand.
#include "viz/dictionary/dictionary.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

TEST(Dictionary, ListsTheLargestChannels) {
    HostTensor a({1, 2, 3, 5});
    const std::vector<float> pixel{3, 9, 1, 9, 4};
    std::copy(pixel.begin(), pixel.end(), a.view().pixel(0, 1, 2));
    a.at(0, 1, 0, 4) = 9;  // as large, but further left
    const Dictionary d = make_dictionary(a, 3);
    ASSERT_EQ(d.positions.size(), 6u);
    ASSERT_EQ(d.at(1, 2).size(), 3u);
    EXPECT_EQ(d.at(1, 2)[0].channel, 1) << "equal values by channel";
    EXPECT_EQ(d.at(1, 2)[1].channel, 3);
    EXPECT_EQ(d.at(1, 2)[2].channel, 4);
    EXPECT_EQ(d.at(1, 2)[2].value, 4.0f);
    EXPECT_EQ(d.initial_y, 1);
    EXPECT_EQ(d.initial_x, 0);
    EXPECT_EQ(d.most, 9.0f);
    EXPECT_EQ(make_dictionary(a, 99).at(0, 0).size(), 5u);
    EXPECT_THROW(make_dictionary(a, 0), Error);
}

TEST(Dictionary, StartsAtTheFirstRowOfTheLargestThenItsFirstColumn) {
    HostTensor a({1, 2, 2, 1}, {1, 5, 5, 5});
    const Dictionary d = make_dictionary(a, 1);
    EXPECT_EQ(d.initial_y, 0);
    EXPECT_EQ(d.initial_x, 1);
    const HostTensor b = testing::random_tensor({1, 7, 6, 11}, -3, -1);  // negative values too
    const Dictionary e = make_dictionary(b, 2);
    EXPECT_EQ(e.most, *std::max_element(b.values.begin(), b.values.end()));
    EXPECT_EQ(e.at(e.initial_y, e.initial_x)[0].value, e.most);
}

}  // namespace
}  // namespace limpid
