// The judge on planted cases: maps and pictures of which the verdict is known.
#include "viz/judge/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "kernels/error.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "nets/world/world.h"
#include "tests/harness/kernel_case.h"
#include "viz/judge/document.h"
#include "viz/judge/map_scores.h"

namespace limpid {
namespace {

using testing::random_tensor;

// 16 x 16: a square of a quarter of the picture in the left half, and its mirror image on the right.
HostTensor square(bool right) {
    HostTensor mask({1, 16, 16, 1});
    for (int64_t y = 4; y < 12; y++)
        for (int64_t x = 0; x < 8; x++) mask.at(0, y, x + (right ? 8 : 0), 0) = 1;
    return mask;
}

HostTensor complement(HostTensor map) {
    for (float& v : map.values) v = 1 - v;
    return map;
}

TEST(MapScores, EnergyOfTheMaskIsOneAndOfItsComplementZero) {
    const HostTensor mask = square(false);
    EXPECT_EQ(mask_area(mask), 0.25);
    EXPECT_EQ(energy_inside(mask, mask), 1);
    EXPECT_EQ(energy_inside(complement(mask), mask), 0);
    // 256 uniform numbers: the part of 64 of them deviates from a quarter by about 0.02.
    EXPECT_NEAR(energy_inside(random_tensor(mask.shape, 0, 1), mask), 0.25, 0.08);
    // What speaks against is not counted, and a map that says nothing is worth the area.
    HostTensor against = mask;
    against.at(0, 0, 0, 0) = -100;
    EXPECT_EQ(energy_inside(against, mask), 1);
    EXPECT_EQ(energy_inside(HostTensor(mask.shape, -1.0f), mask), 0.25);
}

TEST(MapScores, PointingAsksForTheLargestValue) {
    const HostTensor mask = square(false);
    EXPECT_EQ(pointing_game(mask, mask, 0), 1);
    EXPECT_EQ(pointing_game(complement(mask), mask, 0), 0);
    EXPECT_EQ(pointing_game(HostTensor(mask.shape), mask, 0), 0.25) << "all are the largest";
    HostTensor beside({1, 16, 16, 1});
    beside.at(0, 2, 3, 0) = 1;  // two rows above
    EXPECT_EQ(pointing_game(beside, mask, 1), 0);
    EXPECT_EQ(pointing_game(beside, mask, 2), 1);
}

TEST(MapScores, DiscriminationIsHalfForAMapThatKnowsNoClass) {
    const HostTensor a = square(false), b = square(true), noise = random_tensor(a.shape, 0, 1);
    EXPECT_EQ(class_discrimination(a, b, a, b), 1);
    EXPECT_EQ(class_discrimination(b, a, a, b), 0);
    EXPECT_DOUBLE_EQ(class_discrimination(noise, noise, a, b), 0.5);
    EXPECT_EQ(class_discrimination(HostTensor(a.shape), b, a, b), 0.75) << "one of the maps says nothing";
}

TEST(Estimate, IntervalsHoldTheMeanAndShrinkWithTheCount) {
    std::vector<double> values;
    for (int i = 0; i < 400; i++) values.push_back(i % 2);
    const Estimate many = estimate(values);
    EXPECT_DOUBLE_EQ(many.mean, 0.5);
    // Half a deviation over the root of 400, twice 1.96 of it; the bootstrap's own noise is a few percent.
    EXPECT_NEAR(many.high - many.low, 2 * 1.96 * 0.5 / 20, 0.012);
    values.resize(16);
    const Estimate few = estimate(values);
    EXPECT_GT(few.high - few.low, 3 * (many.high - many.low));
    EXPECT_EQ(few.low, estimate(values).low);
    const std::vector<double> one{3};
    EXPECT_EQ(estimate(one).high, 3);
}

// Stripes whose lines rise by `degrees`, of the given period in pixels.
HostTensor striped(double degrees, double period, int64_t size = 64) {
    HostTensor picture({1, size, size, 3});
    const double angle = degrees * std::numbers::pi / 180;
    for (int64_t y = 0; y < size; y++)
        for (int64_t x = 0; x < size; x++) {
            const double across = std::sin(angle) * double(x) + std::cos(angle) * double(y);  // y is down
            const double wave = 0.5 + 0.5 * std::sin(2 * std::numbers::pi * across / period);
            picture.at(0, y, x, 0) = float(wave);
            picture.at(0, y, x, 1) = float(0.2 * wave);
        }
    return picture;
}

TEST(PictureStatistics, AngleFrequencyAndHueAreThoseThatWerePainted) {
    for (const double degrees : {0.0, 20.0, 45.0, 90.0, 135.0, 170.0}) {
        const PictureStatistics m = measure(striped(degrees, 8));
        // Differences of two pixels measure sin(w) for a wave of w radians per pixel: up to 1.5 degrees at this period.
        EXPECT_LT(distance(Statistic::angle, m.angle_degrees, degrees), 1.6) << degrees;
        EXPECT_NEAR(m.frequency, 1.0 / 8, 0.5 / 64) << degrees;
    }
    EXPECT_NEAR(measure(striped(30, 5.5)).frequency, 1 / 5.5, 0.5 / 64);
    // Red with a fifth of green: atan2(sqrt(3)/2 * 0.2, 1 - 0.1).
    EXPECT_NEAR(measure(striped(0, 8)).hue_degrees, std::atan2(0.1732, 0.9) * 57.2958, 0.1);
    // Only what the mask shows is measured.
    HostTensor halves = striped(0, 8), mask({1, 64, 64, 1});
    const HostTensor other = striped(90, 5);
    for (int64_t y = 0; y < 64; y++)
        for (int64_t x = 0; x < 64; x++) {
            mask.at(0, y, x, 0) = x < 32;
            for (int64_t c = 0; c < 3 && x >= 32; c++) halves.at(0, y, x, c) = other.at(0, y, x, c);
        }
    EXPECT_LT(distance(Statistic::angle, measure(halves, mask).angle_degrees, 0), 1);
    EXPECT_NEAR(measure(halves, mask).frequency, 1.0 / 8, 0.5 / 64);
}

TEST(PictureStatistics, DistancesAndMeansGoRoundTheCircle) {
    EXPECT_NEAR(distance(Statistic::angle, 179, 3), 4, 1e-9);
    EXPECT_NEAR(distance(Statistic::hue, 350, 20), 30, 1e-9);
    EXPECT_NEAR(distance(Statistic::frequency, 0.05, 0.2), 2, 1e-9);
    const std::vector<double> angles{178, 4}, frequencies{0.05, 0.2};
    EXPECT_NEAR(mean_of(Statistic::angle, angles), 1, 1e-9);
    EXPECT_NEAR(mean_of(Statistic::frequency, frequencies), 0.1, 1e-9);
}

TEST(Norms, StripesDefineTheirAngleAndRefuseOneAnother) {
    const std::vector<Norms> norms = world_norms(3, 24, kWorldSize);
    const double degrees[] = {0, 90, 45, 135};  // of the first four patterns
    for (size_t k = 0; k < 4; k++) {
        const Norm& norm = norms[k][size_t(Statistic::angle)];
        EXPECT_TRUE(norm.defined);
        EXPECT_LT(distance(Statistic::angle, norm.mean, degrees[k]), 6) << kPatternNames[k];
        for (size_t other = 0; other < 4; other++)
            EXPECT_EQ(norm.accepts(Statistic::angle, measure(striped(degrees[other], 8)).angle_degrees), other == k)
                << kPatternNames[other] << " as " << kPatternNames[k];
    }
    // Colours are drawn at random.
    for (const Norms& norm : norms) EXPECT_FALSE(norm[size_t(Statistic::hue)].defined);
}

struct JudgeOfPatterns : ::testing::Test {
    Stream stream{{DeviceKind::cpu, 0}};
    Net net = make_net(trained_patterns());
    JudgeOptions options{.count = 3,
                         .methods = {&attribution_method("linear"), &attribution_method("gradient-x-input"),
                                     &attribution_method("occlusion")},
                         .curve_steps = 4};
};

TEST_F(JudgeOfPatterns, KnowsWhatReferencesAndMethodsAreWorth) {
    const Judgement j = judge_methods(net, options, stream);
    ASSERT_EQ(j.judged, 3);
    EXPECT_GE(j.painted, 3);
    ASSERT_EQ(j.rows.size(), 6u);
    const MethodScores &truth = j.rows[0], &middle = j.rows[1], &noise = j.rows[2], &linear = j.rows[3];
    EXPECT_EQ(truth.energy.mean, 1);
    EXPECT_EQ(truth.pointing.mean, 1);
    EXPECT_EQ(truth.discrimination.mean, 1);
    EXPECT_NEAR(truth.gain.mean * j.area, 1, 0.5);
    EXPECT_GT(truth.insertion.mean, noise.insertion.mean);
    EXPECT_NEAR(noise.gain.mean, 1, 0.05);
    EXPECT_NEAR(middle.discrimination.mean, 0.5, 1e-9);
    EXPECT_NEAR(noise.discrimination.mean, 0.5, 1e-9);
    EXPECT_EQ(linear.from, "mixed4c");
    EXPECT_GT(linear.gain.mean, 1.2) << "the network's evidence lies where the concept is";
    EXPECT_GT(linear.discrimination.mean, 0.6);
    for (const MethodScores& row : j.rows)
        for (const Estimate& e : {row.energy, row.pointing, row.discrimination, row.deletion, row.insertion}) {
            EXPECT_GE(e.mean, 0) << row.name;
            EXPECT_LE(e.mean, 1) << row.name;
            EXPECT_LE(e.low, e.mean) << row.name;
            EXPECT_GE(e.high, e.mean) << row.name;
        }
    // Again, and stopped in the second composite: the same bits, and the first one alone.
    const Judgement again = judge_methods(net, options, stream);
    for (size_t i = 0; i < j.rows.size(); i++) {
        EXPECT_EQ(again.rows[i].energy.low, j.rows[i].energy.low);
        EXPECT_EQ(again.rows[i].control.mean, j.rows[i].control.mean);
    }
    EXPECT_EQ(judge_methods(net, options, stream, [](int64_t done, int64_t) { return done < 8; }).judged, 1);
    options.count = 1;
    const Judgement first = judge_methods(net, options, stream);
    EXPECT_EQ(first.rows[3].energy.mean,
              judge_methods(net, options, stream, [](int64_t done, int64_t) { return done < 8; }).rows[3].energy.mean);
}

TEST_F(JudgeOfPatterns, RefusesANetworkOfAnotherWorld) {
    try {
        judge_methods(make_net(tiny_weights()), options, stream);
        ADD_FAILURE() << "tiny was judged";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), ::testing::HasSubstr("limpid train world"));
    }
}

TEST_F(JudgeOfPatterns, PicturesOfTheWorldAreTakenForThemselvesAndOthersNot) {
    // Rising stripes handed in as picture 0, horizontal stripes.
    HostTensor pictures({1, kWorldSize, kWorldSize, 3});
    paint_pattern(11, 2, 2, pictures.view());
    const JudgedVisualisation wrong = judge_pictures(net, pictures, stream)[0];
    EXPECT_FALSE(wrong.right());
    EXPECT_EQ(wrong.taken_for, 2);
    EXPECT_LT(wrong.probability, 0.5);
    paint_pattern(11, 2, 0, pictures.view());
    EXPECT_TRUE(judge_pictures(net, pictures, stream)[0].right());
}

TEST(Tables, AreAlignedAndSayWhatMissed) {
    VisualisationJudgement j;
    j.norms.resize(size_t(kPatterns));
    j.norms[0][size_t(Statistic::angle)] = {.mean = 1, .tolerance = 10, .defined = true};
    j.norms[1][size_t(Statistic::angle)] = {.mean = 90, .tolerance = 10, .defined = true};
    j.rows = {{0, 0, 0.99, {178, 0.1, 0}}, {1, 4, 0.2, {2, 0.1, 0}}};
    const Cells cells = visualisation_cells(j);
    EXPECT_EQ(cells[1][3], "178 (world 1 ±10)");
    EXPECT_EQ(cells[2][1], "checkers");
    EXPECT_EQ(cells[2][3], "2 (world 90 ±10) MISSED");
    EXPECT_THAT(visualisation_summary(j), ::testing::HasSubstr("1 of 2 rendered classes"));
    EXPECT_THAT(visualisation_summary(j), ::testing::HasSubstr("angle: 1 of 2"));
    EXPECT_EQ(text_table({{"a", "b"}, {"±1", "x"}}), "a   b\n±1  x\n");
    EXPECT_EQ(markdown_table({{"a", "b"}, {"1", "2"}}), "| a | b |\n|---|---|\n| 1 | 2 |\n");
}

}  // namespace
}  // namespace limpid
