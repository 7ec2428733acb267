// Networks of other programs through the command line: what they see in a photo, against outputs recorded elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/end_to_end/program.h"
#include "tests/harness/golden.h"
#include "viz/image/array_file.h"
#include "viz/image/image.h"
#include "weights/file.h"
#include "weights/npy.h"

namespace limpid::testing {
namespace {

// "Index,Value" lines.
std::vector<double> recorded(const std::string& path) {
    std::istringstream lines(read_text(path));
    std::vector<double> values;
    std::string line;
    for (std::getline(lines, line); std::getline(lines, line);)
        values.push_back(std::stod(line.substr(line.find(',') + 1)));
    return values;
}

// `key` of every class.
std::vector<double> classified(const std::vector<std::string>& arguments, const char* key, size_t classes) {
    std::vector<std::string> all{"classify", "--json", "--top", std::to_string(classes)};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished run = run_limpid(all);
    EXPECT_EQ(run.status, 0) << run.err;
    if (run.status != 0) return {};
    std::vector<double> values(classes, NAN);
    const nlohmann::json result = nlohmann::json::parse(run.out);
    for (const auto& entry : result.at("top")) values.at(entry.at("index").get<size_t>()) = entry.at(key).get<double>();
    return values;
}

void expect_near(const std::vector<double>& found, const std::vector<double>& expected, double tolerance) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); i++) EXPECT_NEAR(found[i], expected[i], tolerance) << i;
}

// Half-precision weights; the recorded engine computes in half precision.
TEST(Onnx, SqueezeNetSeesWhatWasRecorded) {
    SKIP_WITHOUT_SHARED();
    const std::string models = shared_file("onnx/models/");
    const std::vector<double> expected = recorded(models + "Squeezenet_fp16_fish_input_CPU.csv");
    ASSERT_EQ(expected.size(), 1000u);
    expect_near(classified({models + "fish.png", "--weights", models + "SqueezeNet_fp16.onnx", "--preprocess",
                            "order=2 1 0; scale=255"},
                           "probability", 1000),
                expected, 2e-3);
}

// One channel; and the same converted.
TEST(Onnx, DigitsAreReadInGrey) {
    SKIP_WITHOUT_SHARED();
    const std::string models = shared_file("onnx/models/");
    const TemporaryFolder folder;
    const std::vector<double> expected = recorded(models + "Mnist_8_input_CPU.csv");
    ASSERT_EQ(expected.size(), 10u);
    const double largest = std::abs(*std::ranges::max_element(expected, {}, [](double v) { return std::abs(v); }));
    const Finished convert = run_limpid({"convert", models + "mnist.onnx", folder / "mnist.h5"});
    ASSERT_EQ(convert.status, 0) << convert.err;
    for (const std::string& weights : {models + "mnist.onnx", folder / "mnist.h5"})
        expect_near(classified({models + "mnist_28.png", "--weights", weights}, "logit", 10), expected, 5e-4 * largest);
}

// Five channels, as satellites have: photos are arrays, pictures show three of the channels, arrays hold all.
TEST(Onnx, PicturesOfManyChannels) {
    const TemporaryFolder folder;
    const std::string weights = LIMPID_SOURCE_DIR "/nets/testdata/blocks/channels.onnx", photo = folder / "photo.npy";
    HostTensor values({1, 24, 20, 5});
    for (size_t i = 0; i < values.values.size(); i++) values.values[i] = float(i % 97) / 96;
    write_file_atomically(photo, npy_bytes(values));
    const std::vector<std::string> net{"--weights", weights, "--preprocess", "none", "--show", "4,2,0"};
    const auto run = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), net.begin(), net.end());
        return run_limpid(arguments);
    };
    const std::vector<std::string> small{"--steps", "4", "--size", "24"};
    std::vector<std::string> raw{"render", "features.3:1", "-o", folder / "r.npy"},
        seen{"render", "features.3:1", "-o", folder / "r.png"};
    for (auto* command : {&raw, &seen}) command->insert(command->end(), small.begin(), small.end());
    ASSERT_EQ(run(raw).status, 0);
    ASSERT_EQ(run(seen).status, 0);
    const HostTensor all = load_array(folder / "r.npy"), rgb = load_image(folder / "r.png").rgb;
    ASSERT_EQ(all.shape.c, 5);
    for (int64_t c = 0; c < 3; c++) EXPECT_NEAR(rgb.at(0, 7, 9, c), all.at(0, 7, 9, 4 - 2 * c), 1.0 / 255);
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"classify", photo},
          {"dictionary", photo, "-o", folder / "d.png"},
          {"grid", photo, "-o", folder / "g.png", "--steps", "2"},
          {"attribute", photo, "--to", "class:3", "-o", folder / "a.png"},
          {"groups", photo, "--count", "2", "-o", folder / "n.png", "--icon-steps", "2", "--overlay-steps", "2"}}) {
        const Finished done = run(command);
        EXPECT_EQ(done.status, 0) << command[0] << ": " << done.err;
    }
    const Finished batch = run({"batch", "features.3:1-3", "-o", folder / "b", "--steps", "2", "--size", "24"});
    EXPECT_EQ(batch.status, 0) << batch.err;
    int pictures = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder / "b"))
        if (entry.path().extension() == ".png") pictures++;
    EXPECT_EQ(pictures, 3);
    EXPECT_TRUE(
        fails_with(2, "leave --show out",
                   run_limpid({"info", LIMPID_SOURCE_DIR "/nets/testdata/blocks/residual.onnx", "--show", "2,1,0"})));
    write_png(folder / "photo.png", rgb.view());
    EXPECT_TRUE(fails_with(2, "takes 5", run({"classify", folder / "photo.png"})));
}

// Written as a model, and read back: the same text, logits and picture, to the bit; and an .h5 of it, of the same
// parameters.
TEST(Onnx, WhatIsWrittenIsReadAsItWas) {
    const TemporaryFolder folder;
    const std::string patterns = LIMPID_SOURCE_DIR "/nets/patterns/patterns.h5", model = folder / "patterns.onnx",
                      again = folder / "again.h5", photo = folder / "photo.png";
    HostTensor picture({1, 64, 64, 3});
    for (size_t i = 0; i < picture.values.size(); i++) picture.values[i] = float(i * i % 251) / 250;
    write_png(photo, picture.view());
    const Finished written = run_limpid({"convert", patterns, model});
    ASSERT_EQ(written.status, 0) << written.err;
    const Finished read = run_limpid({"convert", model, again});
    ASSERT_EQ(read.status, 0) << read.err;
    EXPECT_EQ(read.err, "");  // nothing is guessed
    const auto checksum = [](const std::string& text) { return text.substr(text.find("checksum ")); };
    EXPECT_EQ(checksum(read.out), checksum(written.out));
    const auto out = [&](std::vector<std::string> arguments, const std::string& weights) {
        arguments.insert(arguments.end(), {"--weights", weights});
        const Finished run = run_limpid(arguments);
        EXPECT_EQ(run.status, 0) << run.err;
        return run.out;
    };
    const auto top = [&](const std::string& weights) {
        return nlohmann::json::parse(out({"classify", "--json", "--top", "25", photo}, weights)).at("top");
    };
    const std::string text = run_limpid({"info", patterns, "--text"}).out;
    for (const std::string& weights : {model, again}) {
        EXPECT_EQ(run_limpid({"info", weights, "--text"}).out, text);
        EXPECT_EQ(top(weights), top(patterns));
    }
    const auto rendered = [&](const std::string& weights) {
        const std::string png = folder / "r.png";
        out({"render", "mixed4a:1", "--steps", "3", "--size", "32", "-o", png}, weights);
        return read_file(png);
    };
    const std::vector<std::byte> picture_of_patterns = rendered(patterns), picture_of_model = rendered(model);
    EXPECT_EQ(picture_of_model, picture_of_patterns);
}

TEST(Onnx, WritingRefusesWhatItCannotKeep) {
    const TemporaryFolder folder;
    const std::string patterns = LIMPID_SOURCE_DIR "/nets/patterns/patterns.h5", model = folder / "p.onnx";
    EXPECT_TRUE(fails_with(2, "ends in .h5 or .onnx", run_limpid({"convert", patterns, folder / "p.pb"})));
    EXPECT_TRUE(fails_with(2, "float16", run_limpid({"convert", patterns, model, "--storage", "float16"})));
    EXPECT_FALSE(std::filesystem::exists(model));
    ASSERT_EQ(run_limpid({"convert", patterns, model}).status, 0);
    EXPECT_TRUE(fails_with(2, "p.onnx", run_limpid({"convert", model, model})));
    EXPECT_TRUE(fails_with(2, "leave --preprocess out", run_limpid({"info", model, "--preprocess", "none"})));
}

// A tree by the dots of names, with sums.
TEST(Onnx, InfoListsLayersAsATree) {
    const Finished run =
        run_limpid({"info", LIMPID_SOURCE_DIR "/nets/testdata/blocks/channels.onnx", "--preprocess", "none"});
    ASSERT_EQ(run.status, 0) << run.err;
    std::map<std::string, std::vector<std::string>> rows;
    std::istringstream lines(run.out);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::vector<std::string> row;
        for (std::string word; words >> word;) row.push_back(word);
        if (!row.empty()) rows[line.substr(0, line.find_first_of(' ', line.find_first_not_of(' ')))] = row;
    }
    // 3*3*5*8 + 8, on 24x20; 3*3*8*6 + 6, on 10x8 after pooling.
    using Row = std::vector<std::string>;
    EXPECT_EQ(rows["features"], (Row{"features", "806", "10x8x6", "207360"}));
    EXPECT_EQ(rows["  features.0"], (Row{"features.0", "conv", "3x3x5x8", "368", "24x20x8", "172800"}));
    EXPECT_EQ(rows["  features.1"], (Row{"features.1", "relu", "24x20x8"}));
    EXPECT_EQ(rows["  features.3"], (Row{"features.3", "conv", "3x3x8x6", "438", "10x8x6", "34560"}));
    EXPECT_EQ(rows["total"], (Row{"total", "834", "207384"}));
}

// One channel: photos and pictures are grey.
TEST(Onnx, PicturesOfOneChannelAreGrey) {
    const TemporaryFolder folder;
    const std::string weights = LIMPID_SOURCE_DIR "/nets/testdata/blocks/head.onnx";
    const Finished run = run_limpid({"render", "features.0:1", "--weights", weights, "--preprocess", "none", "--steps",
                                     "4", "--size", "24", "-o", folder / "r.png"});
    ASSERT_EQ(run.status, 0) << run.err;
    const HostTensor rgb = load_image(folder / "r.png").rgb;
    for (size_t i = 0; i < rgb.values.size(); i += 3) {
        ASSERT_EQ(rgb.values[i], rgb.values[i + 1]);
        ASSERT_EQ(rgb.values[i], rgb.values[i + 2]);
    }
}

}  // namespace
}  // namespace limpid::testing
