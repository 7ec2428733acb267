// The world and training as a user runs them, and the network that comes with the program.
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "nets/world/world.h"
#include "tests/end_to_end/program.h"
#include "viz/image/image.h"

namespace limpid::testing {
namespace {

std::string idx_file(const std::vector<int>& sizes, int value) {
    std::string file{0, 0, 8, char(sizes.size())};
    int64_t count = 1;
    for (const int size : sizes) {
        file += std::string{0, 0, char(size >> 8), char(size)};
        count *= size;
    }
    for (int64_t i = 0; i < count; i++) file += char(value >= 0 ? (i * value) % 251 : i % 3);
    return file;
}

void write_idx_folder(const std::string& folder) {
    std::filesystem::create_directories(folder);
    for (const std::string part : {"train", "t10k"}) {
        write_text(folder + "/" + part + "-images-idx3-ubyte", idx_file({9, 28, 28}, 7));
        write_text(folder + "/" + part + "-labels-idx1-ubyte", idx_file({9}, -1));
    }
}

TEST(World, WritesPicturesMasksAndLabels) {
    const TemporaryFolder folder;
    ASSERT_EQ(
        run_limpid({"world", "--composite", "3", "--size", "48", "-n", "2", "--seed", "4", "-o", folder / "w"}).status,
        0);
    const nlohmann::json labels = nlohmann::json::parse(read_text(folder / "w/labels.json"));
    ASSERT_EQ(labels.at("pictures").size(), 2u);
    const Composite expected = paint_composite(4, 1, 3, 48);
    const nlohmann::json& second = labels.at("pictures")[1];
    ASSERT_EQ(second.at("patterns").size(), 3u);
    for (size_t i = 0; i < 3; i++) {
        const nlohmann::json& part = second.at("patterns")[i];
        EXPECT_EQ(part.at("label"), std::string(kPatternNames[size_t(expected.patterns[i])]));
        const Image mask = load_image(folder / "w/" + part.at("mask").get<std::string>());
        for (int64_t k = 0; k < 48 * 48; k++)
            ASSERT_EQ(mask.rgb.values[size_t(3 * k)], expected.masks[i].values[size_t(k)]);
    }
    EXPECT_EQ(load_image(folder / "w/000001.png").rgb.shape, (Shape{1, 48, 48, 3}));
    const Finished list = run_limpid({"world", "--list"});
    EXPECT_EQ(std::ranges::count(list.out, '\n'), kPatterns);
    EXPECT_TRUE(fails_with(2, "did you mean stars", run_limpid({"world", "--pattern", "strs"})));
    EXPECT_TRUE(fails_with(2, "--composite", run_limpid({"world", "--composite", "5"})));
}

TEST(Train, StoppedAndResumedWritesTheSameBytes) {
    const TemporaryFolder folder;
    const auto train = [&](const std::string& name, std::vector<std::string> more) {
        std::vector<std::string> words{"train",   "world",     "--size",  "32",         "--steps",
                                       "4",       "--batch",   "4",       "--evaluate", "8",
                                       "--quiet", "--storage", "float16", "-o",         folder / name};
        words.insert(words.end(), more.begin(), more.end());
        return run_limpid(words);
    };
    const Finished straight = train("a.h5", {"--threads", "1"});
    ASSERT_EQ(straight.status, 0) << straight.err;
    EXPECT_NE(straight.out.find("of 8 right"), std::string::npos) << straight.out;
    const Finished stopped = train("b.h5", {"--stop-after", "3", "--checkpoint-every", "2"});
    EXPECT_EQ(stopped.status, 3);
    EXPECT_FALSE(std::filesystem::exists(folder / "b.h5"));
    EXPECT_TRUE(fails_with(1, "resume with the options", train("b.h5", {"--resume", "--rate", "0.5"})));
    ASSERT_EQ(train("b.h5", {"--resume", "--threads", "2"}).status, 0);
    for (const std::string suffix : {".h5", ".json", ".png"})
        EXPECT_TRUE(read_text(folder / "a" + suffix) == read_text(folder / "b" + suffix)) << suffix;
    EXPECT_FALSE(std::filesystem::exists(folder / "b.checkpoint.h5"));
    EXPECT_LT(std::filesystem::file_size(folder / "a.h5"), 2000000u);
    const nlohmann::json record = nlohmann::json::parse(read_text(folder / "a.json"));
    EXPECT_EQ(record.at("updates"), 4);
    EXPECT_EQ(record.at("evaluation").at("classes").size(), size_t(kPatterns));
    // The weights are a network like any other.
    const Finished classified = run_limpid({"classify", folder / "a.png", "--weights", folder / "a.h5", "--top", "1"});
    EXPECT_EQ(classified.status, 0) << classified.err;
}

TEST(Train, ReadsIdxFilesAndFoldersOfPictures) {
    const TemporaryFolder folder;
    write_idx_folder(folder / "idx");
    const std::vector<std::string> few{"--steps", "2", "--batch", "3", "--quiet", "-o", folder / "t.h5"};
    const auto train = [&](std::vector<std::string> words) {
        words.insert(words.begin(), "train");
        words.insert(words.end(), few.begin(), few.end());
        return run_limpid(words);
    };
    const Finished idx = train({folder / "idx"});
    EXPECT_EQ(idx.status, 0) << idx.err;
    EXPECT_NE(idx.out.find("of 9 right"), std::string::npos) << idx.out;
    for (const std::string name : {"cats", "dogs"}) {
        std::filesystem::create_directories(folder / "photos/" + name);
        for (int i = 0; i < 10; i++) {
            HostTensor picture({1, 20, 24, 3}, name == "cats" ? 0.2f : 0.8f);
            write_png(folder / "photos/" + name + "/" + std::to_string(i) + ".png", picture.view());
        }
    }
    const Finished photos =
        train({folder / "photos", "--size", "32", "--flip", "--shift", "2", "--colour", "0.1", "--optimiser", "sgd"});
    EXPECT_EQ(photos.status, 0) << photos.err;
    EXPECT_NE(photos.out.find("of 2 right"), std::string::npos) << photos.out;

    // What cannot be learned from is named, on one line.
    write_text(folder / "photos/dogs/11.png", "no picture");
    EXPECT_TRUE(fails_with(1, "photos/dogs/11.png", train({folder / "photos"})));
    std::filesystem::remove(folder / "photos/dogs/11.png");
    std::filesystem::create_directories(folder / "photos/empty");
    EXPECT_TRUE(fails_with(1, "photos/empty: holds no pictures", train({folder / "photos"})));
    EXPECT_TRUE(fails_with(1, "folders of pictures", train({folder / "photos/cats"})));
    EXPECT_TRUE(fails_with(1, "is no folder", train({folder / "nothing"})));
    EXPECT_TRUE(fails_with(2, "end the name with .h5", run_limpid({"train", "world", "-o", "x.png"})));
    write_text(folder / "idx/train-labels-idx1-ubyte", idx_file({8}, -1));
    EXPECT_TRUE(fails_with(1, "one label for each of the 9 pictures", train({folder / "idx"})));
    write_text(folder / "idx/train-images-idx3-ubyte", idx_file({9, 28, 28}, 7).substr(0, 100));
    EXPECT_TRUE(fails_with(1, "train-images-idx3-ubyte: byte 16", train({folder / "idx"})));
    write_text(folder / "idx/train-images-idx3-ubyte.gz", "\x1f\x8b");
    EXPECT_TRUE(fails_with(1, "gunzip", train({folder / "idx"})));
}

// On a bare machine: no weights anywhere, and what is drawn of a class is taken for it.
TEST(Patterns, IsTheNetworkWhereThereIsNoOther) {
    const TemporaryFolder folder;
    const std::vector<std::string> classes{"rings", "checkers", "stars"};
    std::vector<std::string> words{"render",  "--each", "--size",        "64", "--steps", "128",
                                   "--quiet", "-o",     folder / "r.png"};
    for (const std::string& name : classes) words.push_back("class:" + name);
    const Finished rendered = run_limpid(words);
    ASSERT_EQ(rendered.status, 0) << rendered.err;
    const nlohmann::json record = nlohmann::json::parse(read_text(folder / "r-0.json"));
    EXPECT_EQ(record.at("net"), "patterns (built in)");
    for (size_t i = 0; i < classes.size(); i++) {
        const std::string picture = folder / "r-" + std::to_string(i) + ".png";
        const Finished classified = run_limpid({"classify", picture, "--json", "--top", "1"});
        ASSERT_EQ(classified.status, 0) << classified.err;
        EXPECT_EQ(nlohmann::json::parse(classified.out).at("top")[0].at("label"), classes[i]);
    }
    const Finished info = run_limpid({"info", "patterns"});
    EXPECT_NE(info.out.find("mixed4c"), std::string::npos) << info.out;
    // Commands about a layer take its last block.
    const Finished dictionary = run_limpid({"dictionary", folder / "r-0.png", "-o", folder / "d.png"});
    EXPECT_EQ(dictionary.status, 0) << dictionary.err;
    EXPECT_NE(dictionary.out.find("mixed4c:"), std::string::npos) << dictionary.out;
    EXPECT_TRUE(fails_with(2, "drop --weights",
                           run_limpid({"classify", folder / "r-0.png", "--net", "patterns", "--weights", "x.h5"})));
    EXPECT_TRUE(
        fails_with(2, "expected patterns or tiny", run_limpid({"classify", folder / "r-0.png", "--net", "vgg"})));
}

// The classes of a picture of the world, to the program and in truth.
TEST(Patterns, ClassifiesFreshPicturesOfTheWorld) {
    const TemporaryFolder folder;
    ASSERT_EQ(run_limpid({"world", "-n", "12", "--seed", "31", "-o", folder / "w"}).status, 0);
    const nlohmann::json labels = nlohmann::json::parse(read_text(folder / "w/labels.json"));
    int right = 0;
    for (const nlohmann::json& picture : labels.at("pictures")) {
        const Finished run =
            run_limpid({"classify", folder / "w/" + picture.at("picture").get<std::string>(), "--json", "--top", "5"});
        ASSERT_EQ(run.status, 0) << run.err;
        const nlohmann::json top = nlohmann::json::parse(run.out).at("top");
        ASSERT_EQ(top.size(), 5u);
        for (size_t i = 0; i + 1 < 5; i++)
            EXPECT_GE(top[i].at("probability").get<double>(), top[i + 1].at("probability").get<double>());
        right += top[0].at("label") == picture.at("patterns")[0].at("label");
    }
    EXPECT_GE(right, 10);  // of 12; 98 % are right
}

}  // namespace
}  // namespace limpid::testing
