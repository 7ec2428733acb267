// From text to jobs: what is a range, a file, a number; names and identities.
#include "viz/batch/job_list.h"

#include <gmock/gmock.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "kernels/error.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "weights/npy.h"

namespace limpid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::MatchesRegex;
using ::testing::Not;

const Net& net() {
    static const Net tiny = make_net(tiny_weights());
    return tiny;
}

std::string temporary(const std::string& name) { return ::testing::TempDir() + "limpid_jobs_" + name; }

std::string file_with(const std::string& name, const std::string& text) {
    const std::string path = temporary(name);
    std::ofstream(path, std::ios::binary) << text;
    return path;
}

JobList read(const std::vector<std::string>& sources, const RenderOptions& defaults = {}) {
    return read_jobs(sources, defaults, net());
}

std::vector<std::string> names_of(const JobList& list) {
    std::vector<std::string> names;
    for (const Job& job : list.jobs) names.push_back(job.name);
    return names;
}

std::vector<std::string> objectives_of(const JobList& list) {
    std::vector<std::string> objectives;
    for (const Job& job : list.jobs) objectives.push_back(to_string(job.objective));
    return objectives;
}

// The one error of a list without jobs.
std::string error_of(const std::string& source) {
    const JobList list = read({source});
    EXPECT_THAT(list.jobs, IsEmpty()) << source;
    return list.errors.size() == 1 ? list.errors[0] : concat(list.errors.size(), " errors");
}

TEST(JobList, WhatHasAnythingAroundALayerIsAnObjective) {
    const std::vector<std::string> texts{"2*gabor:5",   "-gabor:3",  "0.5*gabor:3",         "texture:1+gabor:3",
                                         "(gabor:2)*2", "gabor:3*2", "gabor:3-2*texture:1", "sum(gabor:3,gabor:4)"};
    const JobList list = read(texts);
    EXPECT_THAT(list.errors, IsEmpty());
    ASSERT_EQ(list.jobs.size(), texts.size());
    for (size_t i = 0; i < texts.size(); i++) EXPECT_EQ(list.jobs[i].objective, parse_objective(texts[i])) << texts[i];
}

TEST(JobList, ListsOfChannelsStandAlone) {
    EXPECT_THAT(objectives_of(read({"gabor:0-2,7"})), ElementsAre("gabor:0", "gabor:1", "gabor:2", "gabor:7"));
    // The language would read the first as a channel minus 3.
    for (const char* text :
         {"1e2*gabor:0-3", "gabor:0-3 + texture:1", "-gabor:*", "2*gabor:3,4", "texture:1+gabor:0-3"})
        EXPECT_THAT(error_of(text), HasSubstr("stands alone")) << text;
    EXPECT_THAT(error_of("gabor:3-"), HasSubstr("not a channel"));
    EXPECT_THAT(error_of("gabor:5-100"), HasSubstr("not within the channels"));
    EXPECT_THAT(error_of("gabr:5"), HasSubstr("did you mean gabor"));
}

TEST(JobList, NamesDependOnTheObjectiveAlone) {
    EXPECT_THAT(
        names_of(read({"gabor:3", "channel(texture, 12)", "class:disc", "class:two words", "gabor_pre_relu/conv:1"})),
        ElementsAre("gabor-0003", "texture-0012", "class-disc", "class-two-words", "gabor_pre_relu-conv-0001"));
    const std::vector<std::string> alike{"class:disc", "-class:disc",    "gabor:3 - gabor:4",   "gabor:3*gabor:4",
                                         "class:a b",  "class:\"a, b\"", "gabor:3 + 1*gabor:4", "gabor:3 + gabor:4"};
    const JobList list = read(alike);
    EXPECT_THAT(list.errors, IsEmpty());
    ASSERT_EQ(list.jobs.size(), alike.size());
    EXPECT_THAT(list.jobs[1].name, MatchesRegex("class-disc-[0-9a-f]+"));
    EXPECT_THAT(list.jobs[2].name, MatchesRegex("gabor-3-gabor-4-[0-9a-f]+"));
    for (size_t i = 0; i < alike.size(); i++)
        EXPECT_THAT(names_of(read({alike[i]})), ElementsAre(list.jobs[i].name)) << alike[i];
    std::string sum = "gabor:0";
    for (int i = 1; i < 12; i++) sum += concat(" + gabor:", i);
    const std::vector<std::string> sums = names_of(read({sum + " + texture:1", sum + " + texture:2"}));
    ASSERT_EQ(sums.size(), 2u);
    EXPECT_NE(sums[0], sums[1]);
    EXPECT_LE(sums[0].size(), 109u);
}

TEST(JobList, OtherSettingsAreSeenInTheName) {
    const std::string path = file_with("settings.jsonl", R"({"objective": "gabor:3"})"
                                                         "\n"
                                                         R"({"objective": "gabor:3", "seed": 1})"
                                                         "\n"
                                                         R"({"objective": "-gabor:3", "seed": 1})");
    const JobList list = read({path});
    EXPECT_THAT(list.errors, IsEmpty());
    EXPECT_THAT(names_of(list), ElementsAre("gabor-0003", "gabor-0003-" + identity(list.jobs[1], net()).substr(0, 8),
                                            "gabor-3-" + identity(list.jobs[2], net()).substr(0, 8)));
}

TEST(JobList, NumbersAreExactAndWithinTheLimitsOfTheCommandLine) {
    struct Case {
        const char *field, *value, *words;
    };
    for (const auto& [field, value, words] :
         std::vector<Case>{{"seed", "-1", "found -1, expected a whole number from 0 to 18446744073709551615"},
                           {"seed", "1e300", "found 1e+300"},
                           {"seed", "18446744073709551616", "expected a whole number"},
                           {"seed", "1.0", "found 1.0, expected a whole number"},
                           {"seed", "true", "found true"},
                           {"seed", "\"\"", "found \"\""},
                           {"job", "4294967296", "from 0 to 4294967295"},
                           {"job", "-1", "found -1"},
                           {"size", "32.7", "found 32.7, expected a whole number from 8 to 8192"},
                           {"size", "7", "from 8 to 8192"},
                           {"size", "8193", "from 8 to 8192"},
                           {"size", "\"32.7\"", "found \"32.7\""},
                           {"steps", "2.9", "found 2.9, expected a whole number from 0 to 10000000"},
                           {"batch", "0", "from 1 to 4096"},
                           {"learning_rate", "0", "found 0, expected a number above 0"},
                           {"learning_rate", "-1", "found -1"},
                           {"learning_rate", "\"nan\"", "found \"nan\""},
                           {"learning_rate", "\"inf\"", "found \"inf\""},
                           {"name", "3", "found 3, expected text"}}) {
        const std::string path =
            file_with("numbers.jsonl", concat("\n{\"objective\": \"gabor:1\", \"", field, "\": ", value, "}\n"));
        const std::string error = error_of(path);
        EXPECT_THAT(error, HasSubstr(concat(path, ":2: ", field, ": "))) << value;
        EXPECT_THAT(error, HasSubstr(words)) << value;
    }
    const std::string csv = file_with("numbers.csv", "objective,size\ngabor:1,32.7\n");
    EXPECT_EQ(error_of(csv), csv + ":2: size: found \"32.7\", expected a whole number from 8 to 8192");
    const JobList good = read({file_with(
        "good.jsonl",
        R"({"objective":"gabor:1","seed":18446744073709551615,"job":4294967295,"size":8,"learning_rate":1})")});
    ASSERT_THAT(good.errors, IsEmpty());
    EXPECT_EQ(good.jobs[0].options.seed, UINT64_MAX);
    EXPECT_EQ(good.jobs[0].options.first_job, UINT32_MAX);
}

TEST(JobList, AFieldIsSaidOnce) {
    const std::string path = file_with("twice.jsonl", R"({"objective": "gabor:1", "seed": 1, "seed": 2})");
    EXPECT_EQ(error_of(path), path + ":1: the field seed is there twice");
}

TEST(JobList, AFileIsWhatEndsLikeOne) {
    EXPECT_THAT(objectives_of(read({"gabor_pre_relu/conv:3"})), ElementsAre("gabor_pre_relu/conv:3"));
    // Files that are called like jobs do not hide them.
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::create_directories(temporary("folder"));
    std::filesystem::current_path(temporary("folder"));
    std::ofstream("gabor:3") << "texture:1\n";
    std::ofstream("list") << "texture:1\n";
    const JobList list = read({"gabor:3", "list"});
    std::filesystem::current_path(before);
    EXPECT_THAT(objectives_of(list), ElementsAre("gabor:3"));
    ASSERT_EQ(list.errors.size(), 1u);
    EXPECT_THAT(list.errors[0], HasSubstr("files of jobs end in .jsonl, .ndjson, .csv or .txt"));
}

TEST(JobList, AFileThatCannotBeReadIsOneError) {
    const JobList list = read({temporary("nothing.csv"), "gabor:3"});
    EXPECT_THAT(names_of(list), ElementsAre("gabor-0003"));
    ASSERT_EQ(list.errors.size(), 1u);
    EXPECT_THAT(list.errors[0], HasSubstr("nothing.csv: cannot be opened"));
}

TEST(JobList, TablesComeFromSpreadsheets) {
    const std::string path = file_with("excel.csv",
                                       "\xEF\xBB\xBFobjective,seed,\r\n\"gabor:1\r\n + texture:1\",,\r\n"
                                       "gabor:2,7,\r\ngabor:3,x,\r\ngabor:4,,5\r\n");
    const JobList list = read({path});
    EXPECT_THAT(objectives_of(list), ElementsAre("gabor:1 + texture:1", "gabor:2"));
    EXPECT_THAT(list.errors, ElementsAre(HasSubstr(path + ":5: seed: found \"x\""), HasSubstr(path + ":6: ")));
}

TEST(JobList, AHeaderIsJudgedOnce) {
    for (const auto& [header, words] : std::vector<std::pair<std::string, std::string>>{
             {"objective,sise", "field \"sise\" is not known; nearest: size"},
             {"objective,seed,seed", "the field seed is there twice"},
             {"name,seed", "no field objective"},
             {"\"objective", "a quote is not closed"}}) {
        const std::string path = file_with("header.csv", "\n" + header + "\ngabor:1,1,1\ngabor:2,1,1\n");
        const std::string error = error_of(path);
        EXPECT_THAT(error, HasSubstr(path + ":2: the header: ")) << header;
        EXPECT_THAT(error, HasSubstr(words)) << header;
    }
}

TEST(JobList, TheIdentityKnowsWhatIsInNamedFiles) {
    const std::string file = temporary("direction.npy");
    const std::string objective = concat("direction(gabor, file=", file, ") + input_diff(", file, ")");
    RenderOptions textured;
    textured.param.texture = Texture{file, 64};
    const auto identities = [&](float value) {
        write_npy(file, HostTensor({1, 1, 1, 16}, value));
        std::vector<std::string> result;
        for (const JobList& list : {read({objective}), read({"gabor:3"}, textured), read({"gabor:3"})})
            for (const Job& job : list.jobs) result.push_back(identity(job, net()));
        return result;
    };
    const std::vector<std::string> before = identities(0.5f), after = identities(0.25f);
    ASSERT_EQ(before.size(), 3u);
    ASSERT_EQ(after.size(), 3u);
    EXPECT_NE(before[0], after[0]);
    EXPECT_NE(before[1], after[1]);
    EXPECT_EQ(before[2], after[2]);
    const std::string text = description(read({objective}).jobs[0], net());
    EXPECT_THAT(text, HasSubstr("\"files\":{\"" + file + "\":\""));
    EXPECT_THAT(description(read({"gabor:3"}).jobs[0], net()), Not(HasSubstr("files")));
    std::filesystem::remove(file);
    EXPECT_THAT(error_of(objective), HasSubstr("direction.npy: cannot be opened"));
}

// What a job without files was identified by in all versions: folders that were begun are gone on with.
TEST(JobList, IdentitiesStayWhatTheyWere) {
    Job job{"any", parse_objective("gabor:3"), {}};
    EXPECT_THAT(description(job, net()),
                MatchesRegex(R"(\{"objective":"gabor:3","height":128,"width":128,"param":"fft","batch":1,)"
                             R"("transforms":"[^"]+","steps":512,"seed":0,"job":0,"redirected_relu_updates":17,)"
                             R"("adam":\[0.05,0.9,0.999,1e-08\],"weights":"[0-9a-f]*"\})"));
}

// One graph serves all lines: with one for each they would take as long as the graphs.
TEST(JobList, LinesBuildNoGraphs) {
    const Net patterns = make_net(trained_patterns());
    constexpr int kLines = 1000;
    std::string lines;
    for (int i = 0; i < kLines; i++) lines += "mixed4a:1\n";
    const std::string path = file_with("many.txt", lines);
    const auto seconds = [](const auto& work) {
        const auto begin = std::chrono::steady_clock::now();
        work();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    };
    const double graphs = seconds([&] {
        for (int i = 0; i < kLines; i++) channels_of(patterns, "mixed4a");
    });
    const double reading =
        seconds([&] { EXPECT_EQ(read_jobs({path}, {}, patterns).errors.size(), size_t(kLines - 1)); });
    EXPECT_LT(reading, graphs / 2);
}

}  // namespace
}  // namespace limpid
