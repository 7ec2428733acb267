// A step: what it feeds, that slots do not know each other, what it needs.
#include "viz/render/ascent.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "graph/ops.h"
#include "kernels/error.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::same_bits;

// Minus the squared distance of jittered pixels from a colour that each slot is fed with.
Ascent::Form colour_form() {
    Ascent::Form form;
    form.param = parse_param("pixel; rgb; raw");
    form.param.height = form.param.width = 6;
    form.transforms = {Jitter{2}};
    const ImageParam param = form.param;
    form.build = [param](StepGraph& g) {
        const NodeId view = g.view(decode(g.graph, param, g.theta, nullptr, g.count));
        const NodeId colour = g.graph.input("colour", {g.count, 1, 1, 3});
        g.inputs.nodes = {colour};
        const NodeId squares =
            ops::reduce(g.graph, Reduce::sum_squares, {false, true, true, true}, ops::sub(g.graph, view, colour));
        return ops::unary(g.graph, Unary::neg, squares);
    };
    form.pictures = {[param](Graph& graph, NodeId theta) { return decode(graph, param, theta, nullptr, 1); }};
    form.what = "colours";
    return form;
}

struct Colours {
    Stream stream{Device{DeviceKind::cpu, 0}, 2};
    Workspace work{stream};
    Ascent ascent{work, colour_form()};

    Ascent::Slot start(uint64_t seed, float colour) {
        Ascent::Slot slot;
        slot.options.seed = seed;
        slot.options.adam.rate = 0.02 * double(seed + 1);
        slot.fed = {HostTensor({1, 1, 1, 3}, colour)};
        ascent.start(slot, colour_form().param.initial(seed, 0));
        return slot;
    }
};

TEST(Ascent, SlotsTogetherHaveTheBitsOfEachAlone) {
    Colours colours;
    std::vector<Ascent::Slot> alone, together;
    for (uint64_t seed = 0; seed < 3; seed++) {
        alone.push_back(colours.start(seed, 0.3f + 0.2f * float(seed)));
        together.push_back(colours.start(seed, 0.3f + 0.2f * float(seed)));
        // Slots at different updates may be taken together.
        for (uint64_t i = 0; i < seed; i++) colours.ascent.step(together.back());
    }
    Ascent::Slot* const all[] = {&together[0], &together[1], &together[2]};
    std::vector<std::vector<float>> scores(3);
    for (int i = 0; i < 20; i++) {
        colours.ascent.step(all);
        const HostTensor some = download(colours.stream, colours.ascent.scores());
        ASSERT_EQ(some.shape, (Shape{3, 1, 1, 1}));
        for (size_t k = 0; k < 3; k++) scores[k].push_back(some.values[k]);
    }
    for (size_t k = 0; k < 3; k++) {
        std::vector<float> own;
        while (alone[k].step < together[k].step) {
            colours.ascent.step(alone[k]);
            own.push_back(download(colours.stream, colours.ascent.scores()).values[0]);
        }
        EXPECT_TRUE(same_bits(colours.ascent.decode(alone[k]), colours.ascent.decode(together[k]))) << k;
        EXPECT_TRUE(std::equal(scores[k].begin(), scores[k].end(), own.end() - 20)) << k;
        EXPECT_GT(*std::ranges::max_element(own), own.front()) << k;
    }
}

TEST(Ascent, SaysWhatItNeeds) {
    Colours colours;
    const Ascent::Need one = colours.ascent.plan_all(1, false), three = colours.ascent.plan_all(3, false);
    EXPECT_EQ(one.fed, (2 + 3) * sizeof(float));  // the jitter's two, the colour
    EXPECT_EQ(three.fed, 3 * one.fed);
    EXPECT_EQ(one.block, (16 + 16 + 1) * sizeof(float));
    EXPECT_EQ(one.memory, 0u);
    EXPECT_EQ(one.pictures, 6 * 6 * 3 * sizeof(float));
    EXPECT_EQ(colours.ascent.theta(3), (Shape{3, 6, 6, 3}));
    colours.stream.allow_memory(100);
    try {
        colours.ascent.reserve();
        FAIL();
    } catch (const Error& error) {
        EXPECT_NE(std::string(error.what()).find("colours: needs"), std::string::npos) << error.what();
    }
}

}  // namespace
}  // namespace limpid
