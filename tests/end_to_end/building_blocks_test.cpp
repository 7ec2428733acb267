// activations, dictionary, attribute and groups as a user runs them: files, numbers that agree with each other, errors.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "tests/end_to_end/program.h"
#include "tests/harness/golden.h"
#include "viz/image/image.h"

namespace limpid::testing {
namespace {

using nlohmann::json;

// A photo of the built-in network's size: a grating beside a flat half.
std::string photo_in(const TemporaryFolder& folder) {
    HostTensor photo({1, 64, 64, 3}, 0.5f);
    for (int64_t y = 0; y < 64; y++)
        for (int64_t x = 0; x < 32; x++)
            for (int64_t c = 0; c < 3; c++) photo.at(0, y, x, c) = 0.5f + 0.5f * float(std::sin(1.4 * double(x)));
    write_png(folder / "photo.png", photo.view());
    return folder / "photo.png";
}

Finished run_tiny(const std::string& command, const std::string& photo, std::vector<std::string> more) {
    more.insert(more.begin(), {command, photo, "--net", "tiny"});
    return run_limpid(more);
}

json json_of(const std::string& path) { return json::parse(read_text(path)); }

TEST(Activations, AreWrittenAsArrays) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    const Finished one = run_tiny("activations", photo, {"--layer", "texture", "-o", folder / "a.npy"});
    ASSERT_EQ(one.status, 0) << one.err;
    EXPECT_EQ(read_npy(folder / "a.npy").shape, (Shape{1, 32, 32, 16}));
    const Finished two =
        run_tiny("activations", photo, {"--layer", "texture", "--layer", "gabor", "-o", folder / "a.h5"});
    ASSERT_EQ(two.status, 0) << two.err;
    EXPECT_TRUE(read_text(folder / "a.h5").starts_with("\x89HDF"));
    EXPECT_TRUE(fails_with(2, ".npy", run_tiny("activations", photo, {"--layer", "gabor", "-o", folder / "b.txt"})));
    EXPECT_TRUE(fails_with(
        2, ".h5", run_tiny("activations", photo, {"--layer", "gabor", "--layer", "pool", "-o", folder / "b.npy"})));
    EXPECT_TRUE(
        fails_with(2, "texture", run_tiny("activations", photo, {"--layer", "textures", "-o", folder / "b.npy"})));
    EXPECT_TRUE(
        fails_with(1, "nowhere", run_tiny("activations", photo, {"--layer", "gabor", "-o", folder / "nowhere/b.npy"})));
    EXPECT_EQ(folder.names().size(), 3u);
}

TEST(Dictionary, AgreesWithTheActivations) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    ASSERT_EQ(run_tiny("activations", photo, {"--layer", "texture", "-o", folder / "a.npy"}).status, 0);
    const Finished run = run_tiny("dictionary", photo, {"--layer", "texture", "--top", "3", "-o", folder / "d.png"});
    ASSERT_EQ(run.status, 0) << run.err;
    const HostTensor a = read_npy(folder / "a.npy");
    const json d = json_of(folder / "d.json");
    EXPECT_EQ(d.at("shape"), json({32, 32, 16}));
    const json entries = d.at("top").at(5).at(20);
    ASSERT_EQ(entries.size(), 3u);
    for (const json& entry : entries) EXPECT_EQ(entry.at(1).get<float>(), a.at(0, 5, 20, entry.at(0).get<int64_t>()));
    const json initial = d.at("initial_pos_xy");
    EXPECT_EQ(d.at("top").at(initial.at(1).get<size_t>()).at(initial.at(0).get<size_t>()).at(0).at(1), d.at("max"));
    EXPECT_EQ(load_image(folder / "d.png").rgb.shape.h, 64 + 8);
    EXPECT_TRUE(fails_with(2, ".png", run_tiny("dictionary", photo, {"-o", folder / "d.jpg"})));
    EXPECT_TRUE(
        fails_with(2, "mixed4d", run_tiny("dictionary", photo, {"--layer", "mixed4d", "-o", folder / "e.png"})));
    // The network's own layer, where none is named.
    EXPECT_THAT(run_tiny("dictionary", photo, {"-o", folder / "f.png"}).out, ::testing::HasSubstr("texture:"));
}

TEST(Attribute, ChannelsPositionsAndPixels) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    const Finished run =
        run_tiny("attribute", photo,
                 {"--from", "gabor", "--to", "texture:0", "-o", folder / "a.png", "--array", folder / "a.npy"});
    ASSERT_EQ(run.status, 0) << run.err;
    const json result = json_of(folder / "a.json");
    double by_channel = 0, by_position = 0, by_element = 0;
    for (const json& entry : result.at("channels")) by_channel += entry.at(1).get<double>();
    for (const json& row : result.at("spatial"))
        for (const json& v : row) by_position += v.get<double>();
    for (const float v : read_npy(folder / "a.npy").values) by_element += double(v);
    const double sum = result.at("sum"), value = result.at("value");
    EXPECT_NEAR(by_channel, sum, 1e-3 * std::fabs(sum));
    EXPECT_NEAR(by_position, sum, 1e-3 * std::fabs(sum));
    EXPECT_NEAR(by_element, sum, 1e-3 * std::fabs(sum));
    // From gabor to texture are a pool, a convolution without bias and a ReLU: homogeneous, so what is owed adds up.
    EXPECT_NEAR(sum, value, 1e-3 * value);
    EXPECT_EQ(load_image(folder / "a.png").rgb.shape, (Shape{1, 64, 64, 3}));

    for (const char* method : {"saliency", "gradient-x-input", "integrated-gradients", "smoothgrad", "guided-backprop",
                               "deconvolution", "occlusion", "lime", "path", "stochastic-path"}) {
        const bool pixels = std::string(method).find("path") == std::string::npos;
        const Finished one = run_tiny("attribute", photo,
                                      {"--from", pixels ? "input" : "gabor", "--to", "texture:0", "--method", method,
                                       "--steps", "20", "--quiet", "-o", folder / "m.png"});
        EXPECT_EQ(one.status, 0) << method << one.err;
        EXPECT_EQ(json_of(folder / "m.json").at("method"), method);
    }
    const double complete =
        (run_tiny("attribute", photo,
                  {"--to", "texture:0", "--method", "integrated-gradients", "-o", folder / "i.png"}),
         json_of(folder / "i.json").at("completeness").at("relative_error"));
    EXPECT_LT(complete, 0.05);
}

TEST(Attribute, EveryPositionOfALayer) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    const Finished run =
        run_tiny("attribute", photo, {"--from", "pool", "--to", "texture", "-o", folder / "p.png", "--pool", "smooth"});
    ASSERT_EQ(run.status, 0) << run.err;
    const json all = json_of(folder / "p.json").at("attribution");
    ASSERT_EQ(all.size(), 32u);
    const Finished one =
        run_tiny("attribute", photo, {"--from", "pool", "--to", "texture:9,7", "-o", folder / "o.png"});
    ASSERT_EQ(one.status, 0) << one.err;
    const json spatial = json_of(folder / "o.json").at("spatial"), same = all.at(9).at(7);
    double difference = 0, size = 0;
    for (size_t y = 0; y < 32; y++)
        for (size_t x = 0; x < 32; x++) {
            difference += std::fabs(spatial[y][x].get<double>() - same[y][x].get<double>());
            size += std::fabs(same[y][x].get<double>());
        }
    EXPECT_GT(size, 0);
    EXPECT_LT(difference, 1e-4 * size);
    EXPECT_EQ(load_image(folder / "p.png").rgb.shape, (Shape{1, 32 * 32, 32 * 32, 3}));
}

TEST(Attribute, WrongArgumentsAreOneLine) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder), out = folder / "a.png";
    const auto run = [&](std::vector<std::string> more) {
        more.insert(more.end(), {"-o", out});
        return run_tiny("attribute", photo, more);
    };
    EXPECT_TRUE(fails_with(2, "--to", run({})));
    EXPECT_TRUE(fails_with(2, "saliency", run({"--to", "texture:0", "--method", "salience"})));
    EXPECT_TRUE(fails_with(2, "0 to 15", run({"--from", "gabor", "--to", "texture:16"})));
    EXPECT_TRUE(fails_with(2, "classes", run({"--from", "gabor", "--to", "class:cat"})));
    EXPECT_TRUE(fails_with(2, "texture", run({"--from", "gabor", "--to", "textur"})));
    EXPECT_TRUE(fails_with(1, "follow", run({"--from", "texture", "--to", "gabor:1"})));
    EXPECT_TRUE(fails_with(2, "input", run({"--from", "gabor", "--to", "texture:0", "--method", "occlusion"})));
    EXPECT_TRUE(fails_with(2, "class:", run({"--to", "texture:0", "--method", "prediction-difference"})));
    EXPECT_TRUE(fails_with(2, "--pool", run({"--to", "texture:0", "--pool", "rough"})));
    EXPECT_TRUE(
        fails_with(1, "nothing.png", run_tiny("attribute", folder / "nothing.png", {"--to", "texture:0", "-o", out})));
    EXPECT_EQ(folder.names().size(), 1u) << "only the photo";
}

TEST(Groups, AreWritten) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    const Finished run = run_tiny(
        "groups", photo,
        {"--layer", "texture", "-n", "3", "--to", "texture:0", "--earlier", "gabor", "--earlier-count", "2", "--align",
         "--icon-steps", "1", "--icon-size", "32", "-o", folder / "g.png", "--arrays", folder / "g.h5"});
    ASSERT_EQ(run.status, 0) << run.err;
    const json result = json_of(folder / "g.json");
    // The structure of the article's info.json.
    EXPECT_EQ(result.at("texture").at("n_groups"), 3);
    EXPECT_EQ(result.at("texture").at("each_group").size(), 3u);
    EXPECT_EQ(result.at("gabor").at("each_group").size(), 2u);
    EXPECT_EQ(result.at("gabor").at("aligned"), true);
    const json group = result.at("texture").at("each_group").at(0);
    EXPECT_EQ(group.at("attribution").at("gabor").size(), 2u);
    EXPECT_EQ(group.at("spatial").size(), 32u);
    const json shares = result.at("output").at("texture:0").at("attribution");
    EXPECT_EQ(shares.at("texture").size(), 3u);
    EXPECT_EQ(shares.at("gabor").size(), 2u);
    EXPECT_EQ(load_image(folder / "g-icons.png").rgb.shape, (Shape{1, 32, 3 * 32, 3}));
    EXPECT_EQ(load_image(folder / "g-earlier-icons.png").rgb.shape, (Shape{1, 32, 2 * 32, 3}));
    EXPECT_EQ(folder.names().size(), 6u);
    // What is below 0 is no part of a group, and that is said.
    const Finished below =
        run_tiny("groups", photo, {"--layer", "texture_pre_relu", "--icon-steps", "0", "-o", folder / "h.png"});
    EXPECT_EQ(below.status, 0) << below.err;
    EXPECT_THAT(below.err,
                ::testing::ContainsRegex("texture_pre_relu has values down to -.*; what is below 0 counts as 0"));
    EXPECT_TRUE(fails_with(1, "1 to 16",
                           run_tiny("groups", photo, {"--layer", "texture", "-n", "17", "-o", folder / "h.png"})));
    EXPECT_TRUE(fails_with(2, "--earlier",
                           run_tiny("groups", photo, {"--layer", "texture", "--align", "-o", folder / "h.png"})));
}

TEST(Grid, IsWrittenWithItsMagnitudes) {
    const TemporaryFolder folder;
    const std::string photo = photo_in(folder);
    const auto grid = [&](const std::string& out, const std::string& groups) {
        return run_tiny("grid", photo,
                        {"--layer", "texture", "--groups", groups, "--size", "12", "--steps", "1", "--batch", "32",
                         "--quiet", "-o", folder / out});
    };
    const Finished run = grid("g.png", "3");
    ASSERT_EQ(run.status, 0) << run.err;
    const json result = json_of(folder / "g.json");
    EXPECT_EQ(result.at("norms").size(), 32u);
    EXPECT_EQ(result.at("scores").size(), 2u);
    EXPECT_EQ(load_image(folder / "g.png").rgb.shape, (Shape{1, 32 * 8, 32 * 8, 3}));
    EXPECT_FALSE(load_image(folder / "g-magnitude.png").alpha.values.empty());
    EXPECT_TRUE(fails_with(2, ".png", grid("g.jpg", "3")));
    EXPECT_TRUE(fails_with(1, "1 to 16", grid("h.png", "17")));
    EXPECT_EQ(folder.names().size(), 4u);
}

}  // namespace
}  // namespace limpid::testing
