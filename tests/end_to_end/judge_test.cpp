// limpid judge as a user runs it: a table, the numbers as JSON, a document, the same bytes again.
#include <gmock/gmock.h>
#include <signal.h>

#include <nlohmann/json.hpp>

#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> quick(std::vector<std::string> more) {
    more.insert(more.begin(), {"judge", "--count", "1", "--method", "linear", "--method", "saliency"});
    return more;
}

TEST(Judge, WritesTheSameDocumentAgain) {
    const TemporaryFolder folder;
    const std::string out = folder / "judge.md";
    const std::vector<std::string> words =
        quick({"--samples", "20", "--steps", "1", "--quiet", "--threads", "1", "-o", out});
    const Finished run = run_limpid(words);
    ASSERT_EQ(run.status, 0) << run.err;
    EXPECT_THAT(run.out, HasSubstr("(the mask)"));
    EXPECT_THAT(run.out, HasSubstr("saliency"));
    EXPECT_THAT(run.out, HasSubstr("of 25 rendered classes are taken for themselves"));
    const std::string document = read_text(out);
    EXPECT_THAT(document,
                HasSubstr("    limpid judge --count 1 --size 96 --samples 20 --steps 1 --seed 0 --method linear"));
    EXPECT_THAT(document, HasSubstr("| (the mask) |  | 1.00 ±0.00 |"));
    EXPECT_THAT(document, HasSubstr("| horizontal stripes |"));
    EXPECT_EQ(run_limpid(words).out, run.out);
    EXPECT_EQ(read_text(out), document);
}

TEST(Judge, NumbersAreJson) {
    const Finished run = run_limpid(quick({"--part", "methods", "--quiet", "--json"}));
    ASSERT_EQ(run.status, 0) << run.err;
    const nlohmann::json result = nlohmann::json::parse(run.out);
    EXPECT_EQ(result.at("methods").at("judged"), 1);
    const nlohmann::json& rows = result.at("methods").at("rows");
    ASSERT_EQ(rows.size(), 5u);
    EXPECT_EQ(rows[0].at("energy_inside").at("mean"), 1.0);
    EXPECT_EQ(rows[3].at("method"), "linear");
    EXPECT_LE(rows[3].at("deletion").at("mean"), 1.0);
    EXPECT_FALSE(result.contains("visualisations"));
}

TEST(Judge, CtrlCEndsItWithStatus3) {
    const TemporaryFolder folder;
    const Finished run = run_limpid({"judge", "--count", "1000", "-o", folder / "judge.md"}, {}, 120, "", {SIGINT});
    EXPECT_EQ(run.status, 3) << run.err;
    EXPECT_THAT(run.err, HasSubstr("stopped"));
    EXPECT_TRUE(folder.names().empty());
}

TEST(Judge, WrongArgumentsAreOneLine) {
    EXPECT_TRUE(fails_with(1, "limpid train world", run_limpid({"judge", "--net", "tiny"})));
    EXPECT_TRUE(fails_with(2, "saliency", run_limpid({"judge", "--method", "salience"})));
    EXPECT_TRUE(fails_with(2, ".md", run_limpid({"judge", "-o", "x.html"})));
    EXPECT_TRUE(fails_with(2, ".png", run_limpid({"judge", "--sheet", "x.jpg"})));
}

}  // namespace
}  // namespace limpid::testing
