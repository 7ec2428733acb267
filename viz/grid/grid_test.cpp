// Grids of a small network: they climb, repeat to the bit, share through groups, and scale with magnitude.
#include "viz/grid/grid.h"

#include <gtest/gtest.h>

#include "kernels/error.h"
#include "nets/tiny.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::same_bits;

// Six positions of the tiny network's texture layer, each with a channel of its own.
HostTensor six_positions() {
    HostTensor a({1, 2, 3, 16});
    for (int64_t n = 0; n < 6; n++) a.at(0, n / 3, n % 3, 2 * n) = float(n + 1);
    return a;
}

GridOptions small(int64_t groups) {
    GridOptions options;
    options.groups = groups;
    options.size = 24;
    options.steps = 16;
    options.batch = 4;
    return options;
}

TEST(Grid, ClimbsAndRepeats) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2), one({DeviceKind::cpu, 0}, 1);
    for (const int64_t groups : {0, 2}) {
        const ActivationGrid grid = activation_grid(net, "texture", six_positions(), small(groups), stream);
        EXPECT_EQ(grid.icons.shape, (Shape{6, 20, 20, 3}));
        EXPECT_EQ(grid.rows, 2);
        EXPECT_EQ(grid.columns, 3);
        ASSERT_EQ(grid.scores.size(), 17u);
        EXPECT_GT(grid.scores.back(), 3 * grid.scores.front()) << groups;
        EXPECT_NEAR(grid.norms[4], 5, 1e-6);
        for (const float v : grid.icons.values) ASSERT_TRUE(v >= 0 && v <= 1);
        EXPECT_TRUE(same_bits(grid.icons, activation_grid(net, "texture", six_positions(), small(groups), one).icons));
        EXPECT_EQ(grid_picture(grid).shape, (Shape{1, 40, 60, 3}));
    }
}

TEST(Grid, VeryNaiveIconsDoNotKnowEachOther) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    GridOptions options = small(0);
    const HostTensor four = activation_grid(net, "texture", six_positions(), options, stream).icons;
    options.batch = 6;
    EXPECT_TRUE(same_bits(four, activation_grid(net, "texture", six_positions(), options, stream).icons));
    // The same position alone is the render of its direction.
    RenderOptions alone;
    alone.param.height = alone.param.width = options.size;
    alone.steps = options.steps;
    const HostTensor picture = render(net, parse_objective("texture:0"), alone, stream).images;
    double difference = 0;
    for (int64_t y = 0; y < 20; y++)
        for (int64_t x = 0; x < 20; x++)
            for (int64_t c = 0; c < 3; c++)
                difference =
                    std::max(difference, double(std::fabs(four.at(0, y, x, c) - picture.at(0, y + 2, x + 2, c))));
    // Adam divides by the size of the gradient, so that scores which differ by a factor give the same picture, but for
    // rounding on the way through 17 updates.
    EXPECT_LT(difference, 0.02);
}

TEST(Grid, GroupsMakeIconsAgree) {
    // Two positions with the same activations: by themselves they start from different noise; in a group they share.
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    HostTensor same({1, 1, 2, 16});
    same.at(0, 0, 0, 5) = same.at(0, 0, 1, 5) = 2;
    const auto apart = [&](int64_t groups) {
        const HostTensor icons = activation_grid(net, "texture", same, small(groups), stream).icons;
        double sum = 0;
        const size_t half = icons.values.size() / 2;
        for (size_t i = 0; i < half; i++) sum += std::pow(double(icons.values[i] - icons.values[half + i]), 2);
        return sum;
    };
    EXPECT_LT(apart(1), 0.8 * apart(0));
}

TEST(Grid, MagnitudeShrinksIcons) {
    ActivationGrid grid;
    grid.icons = HostTensor({2, 40, 40, 3}, 0.5f);
    grid.rows = 1, grid.columns = 2;
    grid.norms = {2, 1};
    const auto sides = [&](MagnitudeScale scale) {
        const HostTensor picture = magnitude_picture(grid, scale);
        EXPECT_EQ(picture.shape, (Shape{1, 40, 80, 4}));
        int64_t first = 0, second = 0;
        for (int64_t x = 0; x < 80; x++) (x < 40 ? first : second) += picture.at(0, 20, x, 3) > 0;
        return std::pair{first, second};
    };
    EXPECT_EQ(sides(MagnitudeScale::article), (std::pair<int64_t, int64_t>{37, 16}));  // 0.92 and 0.395 of 40
    EXPECT_EQ(sides(MagnitudeScale::area), (std::pair<int64_t, int64_t>{40, 28}));
}

TEST(Grid, RefusesWhatCannotBe) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    GridOptions options = small(0);
    options.margin = 12;
    EXPECT_THROW(activation_grid(net, "texture", six_positions(), options, stream), Error);
    EXPECT_THROW(activation_grid(net, "textures", six_positions(), small(0), stream), Error);
    EXPECT_THROW(activation_grid(net, "texture", six_positions(), small(7), stream), Error);
    int64_t seen = 0;
    const ActivationGrid stopped = activation_grid(net, "texture", six_positions(), small(2), stream,
                                                   [&](const RenderProgress& p) { return seen = p.done, p.done < 3; });
    EXPECT_EQ(seen, 3);
    EXPECT_EQ(stopped.scores.size(), 3u);
}

// Asked to stop in the first of six passes, it neither computes nor decodes the others.
TEST(Grid, StopsBeforeTheNextPass) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    GridOptions options = small(0);
    options.batch = 1;
    int64_t asked = 0, dumped = 0;
    RunOptions run_options;
    run_options.dump = [&](const std::string&, const HostTensor&) { dumped++; };
    const ActivationGrid grid = activation_grid(
        net, "texture", six_positions(), options, stream, [&](const RenderProgress&) { return ++asked < 3; },
        run_options);
    EXPECT_EQ(asked, 3);
    const size_t icon = grid.icons.values.size() / 6;
    for (size_t i = 0; i < grid.icons.values.size(); i++) ASSERT_EQ(grid.icons.values[i] > 0, i < icon) << i;
    // Its updates can be looked into, those that were made.
    const int64_t of_three = dumped;
    EXPECT_GT(of_three, 0);
    asked = dumped = 0;
    bool stop = false;
    stream.stop_when(Stop([&] { return stop; }));
    activation_grid(
        net, "texture", six_positions(), options, stream,
        [&](const RenderProgress&) {
            stop = ++asked == 3;
            return true;
        },
        run_options);
    EXPECT_EQ(asked, 4) << "once more, so that the watcher knows";
    EXPECT_EQ(dumped, of_three);
}

}  // namespace
}  // namespace limpid
