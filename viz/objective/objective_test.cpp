// Objectives parse, print and say where a mistake is.
#include "viz/objective/objective.h"

#include <gtest/gtest.h>

#include "kernels/error.h"

namespace limpid {
namespace {

TEST(Objective, ParsesWhatItPrints) {
    for (const char* text : {"mixed4a:476", "mixed4a_pre_relu:0", "class:espresso", "class:967", "class:tiger cat"}) {
        const Objective objective = parse_objective(text);
        EXPECT_EQ(to_string(objective), text);
        EXPECT_EQ(parse_objective(to_string(objective)), objective);
    }
}

TEST(Objective, SaysWhereTheMistakeIs) {
    const auto message = [](const char* text) -> std::string {
        try {
            parse_objective(text);
        } catch (const UsageError& error) {
            return error.what();
        }
        return "accepted";
    };
    EXPECT_NE(message("mixed4a").find("column 8"), std::string::npos) << message("mixed4a");
    EXPECT_NE(message("mixed4a:x1").find("column 9"), std::string::npos) << message("mixed4a:x1");
    EXPECT_NE(message("mixed4a:").find("column 9"), std::string::npos);
    EXPECT_NE(message("mixed4a:-1").find("column 9"), std::string::npos);
    EXPECT_NE(message("class:").find("column 7"), std::string::npos);
    EXPECT_NE(message(":3").find("expected LAYER:CHANNEL"), std::string::npos);
}

}  // namespace
}  // namespace limpid
