// The README names what exists; its commands parse.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>

#include "viz/objective/objective.h"
#include "viz/param/param.h"
#include "viz/transform/transform.h"

namespace limpid {
namespace {

std::string readme() {
    std::ifstream file(LIMPID_SOURCE_DIR "/viz/README.md");
    return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Readme, NamesEveryFolder) {
    const std::string text = readme();
    for (const auto& entry : std::filesystem::directory_iterator(LIMPID_SOURCE_DIR "/viz"))
        if (entry.is_directory()) {
            EXPECT_NE(text.find("`" + entry.path().filename().string() + "/`"), std::string::npos) << entry.path();
        }
}

TEST(Readme, ItsExamplesParse) {
    const std::string text = readme();
    const auto each = [&](const std::string& pattern, auto check) {
        const std::regex expression(pattern);
        int found = 0;
        for (std::sregex_iterator match(text.begin(), text.end(), expression), end; match != end; ++match, found++)
            check((*match)[1].str());
        EXPECT_GT(found, 0) << pattern;
    };
    each("limpid render '([^']+)'", [](const std::string& o) { EXPECT_NO_THROW(parse_objective(o)) << o; });
    each("--param '([^']+)'", [](const std::string& p) { EXPECT_NO_THROW(parse_param(p)) << p; });
    each("--transforms '([^']+)'", [](const std::string& t) { EXPECT_NO_THROW(parse_transforms(t)) << t; });
}

}  // namespace
}  // namespace limpid
