// Every byte string survives the way to JSON and back.
#include "viz/json_text.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace limpid {
namespace {

using nlohmann::ordered_json;

TEST(JsonText, EveryPairOfBytesReadsBack) {
    std::set<std::string> texts;
    for (int a = 0; a < 256; a++)
        for (int b = 0; b < 256; b++) {
            const std::string name{char(a), char(b)};
            const std::string text = to_json_text({{name, {name}}});
            EXPECT_FALSE(ordered_json::parse(text, nullptr, false).is_discarded()) << a << ' ' << b;
            EXPECT_EQ(from_json_text(text), ordered_json({{name, {name}}})) << a << ' ' << b;
            texts.insert(text);
        }
    EXPECT_EQ(texts.size(), 256u * 256u);
}

TEST(JsonText, SaysBytesAsDocumented) {
    EXPECT_EQ(to_json_text("caf\xe9.png"), "\"caf\uefe9.png\"");
    EXPECT_EQ(to_json_text("caf\u00e9.png"), "\"caf\u00e9.png\"");  // UTF-8 is left as it is
    for (const std::string name : {"\uef80", "\uefff", "\uef7f", "\uf000", "\xed\xa0\x80", "\xf0\x9f\x98\x80",
                                   "\xc0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xe2\x82(", "\xff\xfe", "a\xee\xbe"}) {
        EXPECT_EQ(from_json_text(to_json_text(name)), ordered_json(name));
        EXPECT_FALSE(ordered_json::parse(to_json_text(name), nullptr, false).is_discarded());
    }
}

TEST(JsonText, ReadsBytesThatOthersLeftUnescaped) {
    EXPECT_EQ(from_json_text("{\"name\": \"caf\xe9\"}")["name"], "caf\xe9");
    EXPECT_TRUE(from_json_text("{\"name\": ").is_discarded());
}

TEST(JsonText, TellsKeysThatAreThereTwice) {
    std::string twice;
    from_json_text(R"({"a": {"b": 1, "b": 2}, "c": 1})", &twice);
    EXPECT_EQ(twice, "");
    from_json_text("{\"c\xe9\": 1, \"c\xe9\": 2}", &twice);
    EXPECT_EQ(twice, "c\xe9");
}

// Whoever wrote JSON in another way would refuse some names.
TEST(JsonText, IsTheOnlyWayToTextAndBack) {
    namespace fs = std::filesystem;
    int read = 0;
    for (const char* folder : {"nets", "viz", "tools"})
        for (const auto& entry : fs::recursive_directory_iterator(fs::path(LIMPID_SOURCE_DIR) / folder)) {
            const std::string name = entry.path().filename().string();
            if (entry.path().extension() != ".cpp" || name.ends_with("_test.cpp") || name == "json_text.cpp") continue;
            std::ifstream file(entry.path());
            const std::string text{std::istreambuf_iterator<char>(file), {}};
            read++;
            for (const char* other : {".dump(", "->dump(", "json::parse("})
                EXPECT_EQ(text.find(other), text.npos) << entry.path() << " has " << other << "; use json_text.h";
        }
    EXPECT_GT(read, 100);
}

}  // namespace
}  // namespace limpid
