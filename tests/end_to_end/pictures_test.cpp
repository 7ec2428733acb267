// render and classify as a user runs them: files, records, same bits again, interruption.
#include <gmock/gmock.h>
#include <signal.h>

#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"
#include "tests/harness/unprofiled_photo.h"
#include "viz/image/image.h"
#include "weights/npy.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

// A render of the built-in network in well under a second.
std::vector<std::string> quick_render(const std::string& out, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"render", "gabor:4", "--net",   "tiny", "--steps", "6",
                                   "--size", "32",      "--quiet", "-o",   out};
    words.insert(words.end(), more.begin(), more.end());
    return words;
}

// A record's command, "limpid render ...", as a shell takes it.
int run_in_shell(const std::string& command, const std::string& out) {
    EXPECT_TRUE(command.starts_with("limpid ")) << command;
    return std::system((LIMPID_PROGRAM + command.substr(6) + " --quiet -o " + out + " > /dev/null").c_str());
}

TEST(Render, WritesPictureAndRecord) {
    const TemporaryFolder folder;
    const Finished run = run_limpid(quick_render(folder / "a.png"));
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(run.err, "") << "--quiet";
    EXPECT_EQ(load_image(folder / "a.png").rgb.shape, (Shape{1, 32, 32, 3}));
    const nlohmann::json record = nlohmann::json::parse(read_text(folder / "a.json"));
    EXPECT_EQ(record.at("updates"), 7);
    EXPECT_EQ(record.at("scores").size(), 7u);
    EXPECT_EQ(record.at("complete"), true);
    EXPECT_EQ(folder.names().size(), 2u);
}

TEST(Render, TheSameCommandWritesTheSameBytesOnAnyNumberOfThreads) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_render(folder / "a.png", {"--threads", "1"})).status, 0);
    ASSERT_EQ(run_limpid(quick_render(folder / "b.png", {"--threads", "2"})).status, 0);
    ASSERT_EQ(run_limpid(quick_render(folder / "c.png", {"--seed", "1"})).status, 0);
    EXPECT_EQ(read_text(folder / "a.png"), read_text(folder / "b.png"));
    EXPECT_NE(read_text(folder / "a.png"), read_text(folder / "c.png"));
}

TEST(Render, TheCommandOfTheRecordMakesThePictureAgain) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_render(folder / "a.png", {"--seed", "7", "--batch", "2", "--no-decorrelate"})).status,
              0);
    const std::string command = nlohmann::json::parse(read_text(folder / "a-1.json")).at("command");
    ASSERT_EQ(run_in_shell(command, folder / "again.png"), 0) << command;
    EXPECT_EQ(read_text(folder / "a-1.png"), read_text(folder / "again.png")) << command;
}

TEST(Render, ExpressionsAndTheirRecords) {
    const TemporaryFolder folder;
    const Finished run = run_limpid({"render", "texture:3 - 0.5*diversity(texture)", "--net", "tiny", "--batch", "2",
                                     "--steps", "3", "--size", "32", "--quiet", "-o", folder / "a.png"});
    ASSERT_EQ(run.status, 0) << run.err;
    const nlohmann::json record = nlohmann::json::parse(read_text(folder / "a-1.json"));
    EXPECT_EQ(record.at("objective"), "texture:3 - 0.5*diversity(texture)");
    EXPECT_THAT(record.at("command").get<std::string>(),
                ::testing::AllOf(HasSubstr("render 'texture:3 - 0.5*diversity(texture)' "), HasSubstr(" --batch 2")));
    EXPECT_TRUE(fails_with(2, "column 17: \"divrsity\" is not a term; did you mean diversity",
                           run_limpid({"render", "texture:3 - 0.5*divrsity(texture)", "--net", "tiny"})));
}

TEST(Render, OptionsOfLucidAndTheirRecord) {
    const TemporaryFolder folder;
    const auto render = [&](std::vector<std::string> words) {
        words.insert(words.end(), {"--net", "tiny", "--size", "32", "--quiet"});
        return run_limpid(words);
    };
    // A photo to start from: a picture of our own.
    ASSERT_EQ(render({"render", "gabor:4", "--steps", "6", "-o", folder / "photo.png"}).status, 0);
    const Finished run =
        render({"render", "decay(100)*texture:3 - 1e-3*L1(constant=0.5)", "gabor:5", "--param", "fft(decay=1.5); rgb",
                "--transforms", "pad(4, mode=reflect); jitter(2); scale(0.9..1.1/3); rotate(-5..5)", "--start",
                folder / "photo.png", "--thresholds", "0,2,5", "--beta1", "0.8", "--no-redirect", "-o",
                folder / "a.png", "--sheet", folder / "sheet.png"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(load_image(folder / "a-0-history.png").rgb.shape, (Shape{1, 40, 3 * 36 + 4, 3}));
    EXPECT_EQ(load_image(folder / "sheet.png").rgb.shape, (Shape{1, 40, 2 * 36 + 4, 3}));
    const nlohmann::json record = nlohmann::json::parse(read_text(folder / "a-0.json"));
    EXPECT_EQ(record.at("updates"), 6);
    EXPECT_EQ(record.at("param"), "fft(decay=1.5); rgb");
    EXPECT_EQ(record.at("thresholds"), (std::vector<int>{0, 2, 5}));
    // The record's command, as a shell would run it, makes the same picture.
    const std::string command = record.at("command");
    ASSERT_EQ(run_in_shell(command, folder / "b.png"), 0) << command;
    EXPECT_EQ(read_text(folder / "a-0.png"), read_text(folder / "b.png"));
    EXPECT_TRUE(fails_with(2, "column 5: \"grye\"", render({"render", "gabor:4", "--param", "fft;grye"})));
    EXPECT_TRUE(fails_with(2, "\"jiter\" is not a transform; did you mean jitter",
                           render({"render", "gabor:4", "--transforms", "jiter(3)"})));
    EXPECT_TRUE(fails_with(2, "--each", render({"render", "gabor:4", "texture:3", "--each"})));
    EXPECT_TRUE(fails_with(2, "collapse_alpha", render({"render", "gabor:4", "--param", "fft; alpha"})));
}

TEST(Render, OptimisersAndTexturesAndTheirRecords) {
    const TemporaryFolder folder;
    HostTensor uv({2, 16, 16, 2});
    for (size_t i = 0; i < uv.values.size(); i++) uv.values[i] = float(i % 37) / 36;
    write_npy(folder / "uv.npy", uv);
    const std::vector<std::string> small{"--net", "tiny", "--steps", "3", "--size", "16", "--quiet"};
    for (std::vector<std::string> words :
         {std::vector<std::string>{"render", "texture:3", "--param", "pixel(sd=10); rgb; centred", "--optimiser",
                                   "ascent(rate=100); decay(0.1); blur(sigma=0.5, every=2)", "--transforms", "none"},
          {"render", "texture:3", "--batch", "2", "--transforms", "none", "--param",
           "fft(images=1); texture(uv=" + (folder / "uv.npy") + ", size=24)"}}) {
        const bool texture = words[2] == "--batch";
        words.insert(words.end(), small.begin(), small.end());
        words.insert(words.end(), {"-o", folder / "a.png"});
        const Finished run = run_limpid(words);
        ASSERT_EQ(run.status, 0) << run.err;
        const std::string name = texture ? "a-1" : "a";
        const nlohmann::json record = nlohmann::json::parse(read_text(folder / (name + ".json")));
        EXPECT_EQ(record.at("optimiser"), texture ? "adam" : "ascent(rate=100); decay(0.1); blur(sigma=0.5, every=2)");
        const std::string command = record.at("command");
        ASSERT_EQ(run_in_shell(command, folder / "again.png"), 0) << command;
        EXPECT_EQ(read_text(folder / (name + ".png")), read_text(folder / (texture ? "again-1.png" : "again.png")))
            << command;
        if (texture) {
            EXPECT_EQ(load_image(folder / "a-1-texture.png").rgb.shape, (Shape{1, 24, 24, 3}));
        }
    }
    EXPECT_TRUE(fails_with(2, "did you mean blur",
                           run_limpid({"render", "gabor:4", "--net", "tiny", "--optimiser", "ascent; blurr(1)"})));
    EXPECT_TRUE(fails_with(2, "pixel; rgb; centred",
                           run_limpid({"render", "gabor:4", "--net", "tiny", "--optimiser", "yosinski3"})));
}

TEST(Render, EachInOneBatchIsEachAlone) {
    const TemporaryFolder folder;
    const auto render = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "render");
        words.insert(words.end(), {"--net", "tiny", "--size", "32", "--steps", "5", "--quiet"});
        return run_limpid(words);
    };
    ASSERT_EQ(render({"texture:1", "texture:9", "texture:4", "--each", "-o", folder / "a.png"}).status, 0);
    ASSERT_EQ(render({"texture:9", "--job", "1", "-o", folder / "b.png"}).status, 0);
    EXPECT_EQ(read_text(folder / "a-1.png"), read_text(folder / "b.png"));
}

TEST(Recipe, AreRendersThatMayBeChanged) {
    const TemporaryFolder folder;
    const Finished list = run_limpid({"recipe"});
    EXPECT_EQ(list.status, 0);
    EXPECT_THAT(list.out, ::testing::AllOf(HasSubstr("\nnegative "), HasSubstr("PHOTO LAYER...")));
    const std::vector<std::string> small{"--net", "tiny", "--size", "32", "--steps", "3", "--quiet"};
    const auto recipe = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "recipe");
        words.insert(words.end(), small.begin(), small.end());
        return run_limpid(words);
    };
    const Finished grid =
        recipe({"interaction", "texture:3", "texture:8", "-o", folder / "g.png", "--sheet", folder / "s.png"});
    ASSERT_EQ(grid.status, 0) << grid.err;
    EXPECT_EQ(load_image(folder / "s.png").rgb.shape, (Shape{1, 76, 76, 3}));
    const Finished caricature = recipe(
        {"caricature", folder / "g-0.png", "gabor", "texture", "-o", folder / "c.png", "--transforms", "jitter(2)"});
    ASSERT_EQ(caricature.status, 0) << caricature.err;
    EXPECT_EQ(nlohmann::json::parse(read_text(folder / "c-1.json")).at("transforms"), "jitter(2)");
    for (const std::vector<std::string>& words : {std::vector<std::string>{"pairs", "texture:3", "texture:8"},
                                                  {"cppn_interpolation", "texture:3", "gabor:8"},
                                                  {"regularised", "texture:3"}}) {
        std::vector<std::string> all = words;
        all.insert(all.end(), {"-o", folder / (words[0] + ".png")});
        const Finished run = recipe(all);
        ASSERT_EQ(run.status, 0) << run.err;
    }
    EXPECT_TRUE(std::filesystem::exists(folder / "pairs-19.png"));
    const Finished alpha = recipe({"alpha", "texture:3", "-o", folder / "alpha.png"});
    ASSERT_EQ(alpha.status, 0) << alpha.err;
    EXPECT_EQ(load_image(folder / "alpha.png").alpha.shape, (Shape{1, 32, 32, 1}));
    EXPECT_EQ(run_limpid({"recipe", "--show", "cppn", "texture:3"}).out,
              "limpid render texture:3 --param 'cppn; rgb' --transforms none --learning-rate 0.005 --size 224\n");
    EXPECT_TRUE(fails_with(2, "did you mean negative", run_limpid({"recipe", "negativ", "texture:3"})));
    EXPECT_TRUE(fails_with(2, "takes UNIT", run_limpid({"recipe", "negative"})));
    EXPECT_THAT(list.out, HasSubstr("UNIT: LAYER:CHANNEL or class:NAME"));
    const std::string shown = "limpid render 'class_logit(stars, batch=1) - class_logit(stars, batch=0)' --batch 2";
    EXPECT_EQ(run_limpid({"recipe", "negative", "class:stars", "--show", "--size", "48"}).out, shown + " --size 48\n");
    EXPECT_EQ(run_limpid({"recipe", "--show", "negative", "class:stars"}).out, shown + "\n");
    EXPECT_EQ(run_limpid({"recipe", "regularised", "gabor:1", "--thresholds", "1,5", "--show"}).out.find("--steps"),
              std::string::npos)
        << "thresholds say how many";
    EXPECT_TRUE(fails_with(2, "pictures of at least 267x267",
                           run_limpid({"recipe", "transparency", "texture:3", "--net", "tiny", "--size", "48"})));
}

TEST(Gradcheck, AgreesOrSaysNo) {
    const Finished good = run_limpid({"gradcheck", "texture:3 - 1e-3*total_variation()", "--net", "tiny"});
    EXPECT_EQ(good.status, 0) << good.err;
    EXPECT_THAT(good.out, HasSubstr("agrees"));
    const Finished bad = run_limpid({"gradcheck", "blur_input_each_step()", "--net", "tiny"});
    EXPECT_EQ(bad.status, 1) << "its gradient is stopped on purpose";
    EXPECT_THAT(bad.out, HasSubstr("DIFFERS"));
}

TEST(Render, WrongArgumentsAreOneLine) {
    const TemporaryFolder folder;
    const auto render = [&](const std::string& unit, const std::vector<std::string>& more) {
        std::vector<std::string> words{"render", unit, "--net", "tiny", "--quiet"};
        words.insert(words.end(), more.begin(), more.end());
        return run_limpid(words);
    };
    const std::string out = folder / "a.png";
    for (const char* unit : {"gabor", "gabor:", "gabor:-1", "gabor:x", "", ":3", "gabor:1:2:3"}) {
        const Finished run = render(unit, {"-o", out});
        EXPECT_TRUE(run.status == 1 || run.status == 2) << unit;
        EXPECT_TRUE(fails_with(run.status, "", run)) << unit;
    }
    EXPECT_TRUE(fails_with(2, "column 1: channel: layer \"gabbor\"", render("gabbor:3", {"-o", out})));
    EXPECT_TRUE(fails_with(2, "column 11: ", render("gabor:3 + gabor:24", {"-o", out}))) << "24 channels, 0 to 23";
    EXPECT_TRUE(fails_with(1, "column 11: direction: " + out,
                           render("gabor:3 + direction(gabor, file=" + out + ")", {"-o", out})))
        << "a file that is missing";
    EXPECT_TRUE(fails_with(2, "column 1: channel: layer \"gabbor\"", render("gabor:3", {"gabbor:3", "-o", out})))
        << "before the first is drawn";
    EXPECT_TRUE(fails_with(2, ".png", render("gabor:3", {"-o", folder / "a.jpg"})));
    EXPECT_TRUE(fails_with(2, "device", render("gabor:3", {"-o", out, "--device", "abacus"})));
    EXPECT_TRUE(fails_with(2, "--size", render("gabor:3", {"-o", out, "--size", "1"})));
    EXPECT_TRUE(fails_with(2, "--steps", render("gabor:3", {"-o", out, "--steps", "many"})));
    EXPECT_TRUE(fails_with(2, "--thresholds", render("gabor:3", {"-o", out, "--steps", "5", "--thresholds", "1,32"})));
    EXPECT_TRUE(fails_with(2, "--batch", render("gabor:3", {"-o", out, "--each", "--batch", "5"})));
    EXPECT_TRUE(fails_with(2, "colours", render("gabor:3", {"-o", out, "--param", "fft; grey", "--no-decorrelate"})));
    EXPECT_TRUE(fails_with(2, "takes 3: give it pictures of the channels",
                           render("gabor:3", {"-o", out, "--param", "fft; channels(5)"})));
    EXPECT_TRUE(fails_with(2, "the set alpha", render("gabor:3", {"-o", out, "--param", "fft; alpha"})));
    EXPECT_TRUE(fails_with(2, "not in patterns (built in)", run_limpid({"render", "mixed4d:100", "-o", out})));
    EXPECT_TRUE(folder.names().empty());
}

TEST(Render, ObjectivesMayBeginWithAMinus) {
    const TemporaryFolder folder;
    const auto render = [&](std::vector<std::string> words, const std::string& name) {
        words.insert(words.begin(), "render");
        words.insert(words.end(), {"--net", "tiny", "--steps", "2", "--size", "32", "--quiet", "-o", folder / name});
        return run_limpid(words);
    };
    const Finished run = render({"-gabor:3", "gabor:1", "-(gabor:1 + gabor:2)", "-2*gabor:1"}, "a.png");
    ASSERT_EQ(run.status, 0) << run.err;
    const auto objective = [&](const std::string& name) {
        return nlohmann::json::parse(read_text(folder / name)).at("objective").get<std::string>();
    };
    EXPECT_EQ(objective("a-0.json"), "-gabor:3");
    EXPECT_EQ(objective("a-1.json"), "gabor:1");
    EXPECT_EQ(objective("a-2.json"), "-(gabor:1 + gabor:2)");
    ASSERT_EQ(render({"--", "-gabor:3"}, "b.png").status, 2) << "after --, all is UNIT";
    EXPECT_TRUE(fails_with(2, "\"-gabbor:3\": column 2: ", render({"-gabbor:3"}, "c.png")));
    EXPECT_TRUE(fails_with(2, "-x", render({"gabor:3", "-x"}, "d.png")));
    // What a record says may be run.
    EXPECT_EQ(run_in_shell(nlohmann::json::parse(read_text(folder / "a-0.json")).at("command"), folder / "e.png"), 0);
    EXPECT_EQ(run_limpid({"batch", "-(gabor:3)", "--net", "tiny", "--steps", "2", "--size", "32", "--no-sprites", "-o",
                          folder / "batch", "--quiet"})
                  .status,
              0);
}

TEST(Render, InterruptionKeepsWhatThereIs) {
    for (const int signal : {SIGINT, SIGTERM}) {
        const TemporaryFolder folder;
        const Finished run = run_limpid(
            {"render", "gabor:4", "--net", "tiny", "--steps", "1000000", "--size", "32", "-o", folder / "a.png"}, {},
            60, "", {signal});
        EXPECT_EQ(run.status, 3) << run.err;
        EXPECT_EQ(load_image(folder / "a.png").rgb.shape, (Shape{1, 32, 32, 3}));
        EXPECT_EQ(nlohmann::json::parse(read_text(folder / "a.json")).at("complete"), false);
    }
}

TEST(Sheet, LaysPicturesOutInRows) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid(quick_render(folder / "a.png")).status, 0);
    const std::string a = folder / "a.png";
    const Finished run = run_limpid({"sheet", a, a, a, "--columns", "2", "--cell", "16", "-o", folder / "s.png"});
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_EQ(load_image(folder / "s.png").rgb.shape, (Shape{1, 2 * 20 + 4, 2 * 20 + 4, 3}));
    // As JPEG: nearly the same picture in fewer bytes.
    ASSERT_EQ(run_limpid({"sheet", a, a, a, "--columns", "2", "-o", folder / "s.jpg", "--quality", "95"}).status, 0);
    ASSERT_EQ(run_limpid({"sheet", a, a, a, "--columns", "2", "-o", folder / "l.png"}).status, 0);
    const HostTensor lossy = load_image(folder / "s.jpg").rgb, exact = load_image(folder / "l.png").rgb;
    ASSERT_EQ(lossy.shape, exact.shape);
    double apart = 0;
    for (size_t i = 0; i < exact.values.size(); i++)
        apart += std::fabs(double(lossy.values[i]) - double(exact.values[i]));
    EXPECT_LT(apart / double(exact.values.size()), 0.03);
    ASSERT_EQ(run_limpid({"sheet", a, a, a, "--columns", "2", "-o", folder / "r.jpg", "--quality", "30"}).status, 0);
    EXPECT_LT(read_text(folder / "r.jpg").size(), read_text(folder / "s.jpg").size());
    EXPECT_TRUE(fails_with(2, ".png or .jpg", run_limpid({"sheet", a, "-o", folder / "s.gif"})));
    EXPECT_TRUE(fails_with(1, "absent.png", run_limpid({"sheet", folder / "absent.png", "-o", folder / "t.png"})));
}

TEST(Classify, PhotosAreWhatTheGoldenOutputsSay) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (!shared) GTEST_SKIP() << "LIMPID_SHARED is not set: no weights, no photos";
    const std::string folder = shared;
    const TemporaryFolder copies;
    const nlohmann::json golden = nlohmann::json::parse(read_text(folder + "/golden/bvlc_googlenet/golden.json"));
    for (const auto& [name, item] : golden.at("items").items()) {
        const std::string photo = item.at("photo");
        const Finished run = run_limpid({"classify", unprofiled(folder + "/photos/" + photo, copies / photo),
                                         "--weights", folder + "/models/bvlc_googlenet.caffemodel", "--json"});
        ASSERT_EQ(run.status, 0) << run.err;
        const nlohmann::json found = nlohmann::json::parse(run.out).at("top"), &expected = item.at("top5");
        ASSERT_EQ(found.size(), 5u);
        EXPECT_EQ(found[0].at("index"), expected[0].at("index")) << name;
        // Our photo is not rounded to 8 bits after resizing, the golden one is: a fraction of a grey level everywhere.
        EXPECT_NEAR(found[0].at("probability").get<double>(), expected[0].at("prob").get<double>(), 0.02) << name;
    }
}

TEST(Classify, WrongFilesAreOneLine) {
    const TemporaryFolder folder;
    write_text(folder / "letter.png", "Dear network,\n");
    EXPECT_TRUE(fails_with(1, "", run_limpid({"classify", folder / "letter.png", "--net", "tiny"})));
    EXPECT_TRUE(fails_with(2, "PHOTO", run_limpid({"classify"})));
}

}  // namespace
}  // namespace limpid::testing
