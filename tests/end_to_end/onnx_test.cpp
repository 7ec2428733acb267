// Networks of other programs through the command line: what they see in a photo, against outputs recorded elsewhere.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/end_to_end/program.h"
#include "tests/harness/golden.h"

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

}  // namespace
}  // namespace limpid::testing
