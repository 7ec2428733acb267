// The language: what is printed is parsed, what is parsed is printed, and mistakes are answered with their place.
#include "viz/objective/objective.h"

#include <gtest/gtest.h>

#include <functional>

#include "kernels/error.h"
#include "kernels/random/philox.h"
#include "nets/tiny.h"
#include "viz/objective/terms.h"

namespace limpid {
namespace {

std::string message(const std::string& text) {
    try {
        parse_objective(text);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "accepted";
}

TEST(Objective, PrintsAsItIsWritten) {
    for (const char* text : {"mixed4a:476",
                             "mixed4a_pre_relu:0",
                             "class:espresso",
                             "class:967",
                             "class:tiger cat",
                             "mixed4a:476 - 100*diversity(mixed5a) + 0.5*neuron(mixed4b, 12, row=5, column=3)",
                             "-(a:1 + b:2)*3",
                             "a:1 - (b:2 - c:3)",
                             "a:1*(b:2*c:3)",
                             "sum(a:1, b:2 + c:3, class:dog)",
                             "--a:1",
                             "a:1 + -b:2",
                             "L1(constant=0.5)",
                             "class:black-and-tan coonhound",
                             "class:\"a + b\"",
                             "direction(l, file=v/a-1.npy, cossim_pow=2)",
                             "channel(l, 3, batch=1) - channel(l, 3, batch=0)",
                             "direction(l, file=\"a, b\")",
                             "channel(odd name-7, 2)",
                             "1e-07*blur_input_each_step()",
                             "a/b_c:2"}) {
        const Objective objective = parse_objective(text);
        EXPECT_EQ(to_string(objective), text);
        EXPECT_EQ(parse_objective(to_string(objective)), objective) << text;
    }
}

// Lucid's names, whose x is the row: nothing is read otherwise than before, and it is said.
TEST(Objective, LayersMayBeginWithDigits) {
    for (const char* text : {"0:3", "1.0.conv:17", "2*0.5:3", "0.5*layer3.1.conv2:4", "0:1 - 0.25*1:2"})
        EXPECT_EQ(to_string(parse_objective(text)), text);
    EXPECT_EQ(to_string(parse_objective("0 : 3")), "0:3");
}

TEST(Objective, FormerNamesOfPositionsAreReadAndSaid) {
    const std::vector<Objective> all{parse_objective("2*neuron(a, 1, x=3, y=9)"), parse_objective("neuron(a, 1, y=4)"),
                                     parse_objective("neuron(a, 1, row=3, column=9)")};
    EXPECT_EQ(to_string(all[0]), "2*neuron(a, 1, row=3, column=9)");
    EXPECT_EQ(all[0], parse_objective("2*neuron(a, 1, 3, 9)"));
    EXPECT_EQ(
        old_form_note(all),
        "neuron is read with x= as row=, y= as column=, and written neuron(a, 1, row=3, column=9) now; 1 more like "
        "it");
    EXPECT_EQ(old_form_note({&all[2], 1}), "");
    EXPECT_THROW(parse_objective("neuron(a, 1, x=3, row=3)"), UsageError);
    EXPECT_THROW(parse_objective("diversity(a, x=3)"), UsageError);
}

TEST(Objective, WritingsOfTheSame) {
    const auto same = [](const char* a, const char* b) { return parse_objective(a) == parse_objective(b); };
    EXPECT_TRUE(same("mixed4a:476", "channel(mixed4a, 476)"));
    EXPECT_TRUE(same("mixed4a:476", "  channel( channel = 476 ,layer= mixed4a )  "));
    EXPECT_TRUE(same("class:tiger cat - a:1", "class_logit(tiger cat)-a:1"));
    EXPECT_TRUE(same("1e2*a:1", "100.0*(a:1)"));
    EXPECT_EQ(to_string(parse_objective("2*layer3.1.conv2:17")), "2*layer3.1.conv2:17");
    EXPECT_TRUE(same("a:1-b:2-c:3", "(a:1 - b:2) - c:3"));
    EXPECT_TRUE(same("-2*a:1", "(-2)*a:1"));
    EXPECT_FALSE(same("a:1 + b:2", "b:2 + a:1"));
    EXPECT_FALSE(same("a:1", "a:2"));
    EXPECT_EQ(Objective::number(-2), parse_objective("-2"));
    EXPECT_EQ(parse_objective("a:1") + Objective::number(3) * -parse_objective("class:cat"),
              parse_objective("a:1 + 3*-class:cat"));
}

// Random expressions over the whole table of terms.
class RandomExpressions {
  public:
    explicit RandomExpressions(uint64_t seed) : key_{seed, 0, 0, 99} {}

    Objective expression(int depth) {
        switch (depth > 0 ? below(8) : below(2)) {
            case 0:
                return Objective::number(number());
            case 2:
                return -expression(depth - 1);
            case 3:
                return expression(depth - 1) + expression(depth - 1);
            case 4:
                return expression(depth - 1) - expression(depth - 1);
            case 5:
                return expression(depth - 1) * expression(depth - 1);
            case 6: {
                std::vector<Objective> parts;
                for (int i = below(3); i >= 0; i--) parts.push_back(expression(depth - 1));
                return Objective::sum(std::move(parts));
            }
            default:
                return term();
        }
    }

  private:
    int below(int n) { return random_below(key_, at_++, n); }
    double number() { return (double(below(1 << 20)) - 300000) / double(1 << below(30)); }
    std::string text() {
        static const std::string kLetters = "abcXYZ019_/.-+*:()=,\"\\ ";
        std::string result;
        for (int i = below(9); i >= 0; i--) result += kLetters[size_t(below(int(kLetters.size())))];
        return result;
    }
    Objective term() {
        const TermTable& table = known_terms();
        const auto& row = table[size_t(below(int(table.size())))];
        std::map<std::string, Argument> arguments;
        for (const TermParameter& p : row->parameters) {
            if (!p.required && below(2)) continue;
            if (p.kind == TermParameter::Kind::count)
                arguments[p.name] = int64_t(below(5000));
            else if (p.kind == TermParameter::Kind::number)
                arguments[p.name] = number();
            else
                arguments[p.name] = text();
        }
        return Objective::term(row, arguments);
    }
    RandomKey key_;
    int64_t at_ = 0;
};

TEST(Objective, RandomExpressionsComeBack) {
    size_t longest = 0;
    for (uint64_t seed = 0; seed < 3000; seed++) {
        const Objective objective = RandomExpressions(seed).expression(4);
        const std::string text = to_string(objective);
        longest = std::max(longest, text.size());
        const Objective back = parse_objective(text);
        ASSERT_EQ(back, objective) << text << "\n" << to_string(back);
        ASSERT_EQ(to_string(back), text);
    }
    EXPECT_GT(longest, 200u);
}

TEST(Objective, SaysWhereTheMistakeIs) {
    const auto says = [](const std::string& text, int column, const std::string& words) {
        EXPECT_NE(message(text).find(concat("column ", column, ": ")), std::string::npos)
            << text << ": " << message(text);
        EXPECT_NE(message(text).find(words), std::string::npos) << text << ": " << message(text);
    };
    says("mixed4a", 8, "mixed4a:0");
    says("mixed4a:x1", 9, "not a channel number");
    says("mixed4a:", 9, "channel number");
    says("mixed4a:-1", 9, "\"-1\"");
    says("mixed4a:1:2", 9, "\"1:2\"");
    says("class:", 7, "class name");
    says(":3", 1, "expected LAYER:CHANNEL");
    says("", 1, "found the end");
    says("a:1 + chanel(a, 1)", 7, "did you mean channel");
    says("neuron(a, 1, rwo=3)", 14, "did you mean row");
    says("neuron(a, one)", 11, "not a whole number");
    says("neuron(a, 1, row=)", 18, "value for row");
    says("neuron(a)", 1, "needs a whole number, channel=");
    says("neuron(a, 1, 2, 3, 4, 5)", 23, "at most 5");
    says("neuron(a, channel=1, layer=b)", 28, "given twice");
    says("neuron(layer=a, 1)", 17, "without a name");
    says("L1(constant=x)", 13, "not a number");
    says("decay(inf)*a:1", 1, "a number");
    says("(a:1 + b:2", 11, "expected ')'");
    says("a:1 b:2", 5, "expected + - *");
    says("a:1 +", 6, "found the end");
    says("a:1 / 2", 5, "expected + - *");
    says("1e999*a:1", 1, "held");
    says("blur_input_each_step(3)", 22, "at most 0");
    says("class:\"open", 7, "not closed");
    says(std::string(5000, '('), 201, "more than 200");
    std::string chain = "a:1";
    for (int i = 0; i < 2000; i++) chain += "+a:1";
    EXPECT_NE(message(chain).find("sum(a, b, ...)"), std::string::npos);
}

// What is wrong in a term only shows with a network; the column is still that of the text.
TEST(Objective, SaysWhereTheTermIsThatTheNetworkHasNot) {
    const Net net = make_net(tiny_weights());
    const auto message = [&](const std::vector<Objective>& objectives) -> std::string {
        Graph graph;
        const NodeId image = graph.input("image", {int64_t(objectives.size()), 32, 32, 3});
        try {
            const Layers layers = apply(net, graph, image);
            objectives.size() == 1 ? score(graph, objectives[0], net, layers) : scores(graph, objectives, net, layers);
        } catch (const UsageError& error) {
            return error.what();
        }
        return "accepted";
    };
    const auto says = [&](const std::string& text, int column, const std::string& words) {
        const std::string found = message({parse_objective(text)});
        EXPECT_NE(found.find(concat("column ", column, ": ")), std::string::npos) << text << ": " << found;
        EXPECT_NE(found.find(words), std::string::npos) << text << ": " << found;
    };
    says("gabor:4 + gabro:3", 11, "did you mean gabor");
    says("gabor:4*( texture:9999)", 11, "channels 0..15");
    says("sum(gabor:4, neuron(texture, 3, row=999))", 14, "asked for row 999");
    says("gabor:1 - class:espresso", 11, "no classes");
    says("diversity(gabor)", 1, "no diversity");
    says("gabor:1 + direction(gabor)", 11, "file=");
    // Of several objectives the one that is wrong; those that a program made have no column.
    EXPECT_NE(message({parse_objective("gabor:1"), parse_objective(" gabor:999"), parse_objective("gabor:2")})
                  .find("\" gabor:999\": column 2: "),
              std::string::npos);
    const Objective made =
        Objective::term(parse_objective("gabor:1").shared_term(), {{"layer", "gabor"}, {"channel", int64_t(777)}});
    EXPECT_TRUE(message({made}).starts_with("objective gabor:777: channel: ")) << message({made});
    EXPECT_EQ(made, parse_objective("  gabor:777"));
}

TEST(Objective, MistakesAreShownAsTheyAreWrittenAndShort) {
    EXPECT_NE(message("\u00fcn\u00efcode:3").find("found '\u00fc';"), std::string::npos);
    EXPECT_NE(message("class:\u00fc\u00fc + ?").find("column 12: found '?'"), std::string::npos)
        << "characters, not bytes";
    EXPECT_NE(message("a:1 + \xff").find("found '\\xff'"), std::string::npos);
    EXPECT_NE(message("a:1 "
                      "b\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
                      "\u00fc\u00fc\u00fc\u00fc\u00fc")
                  .find("\u00fc...\""),
              std::string::npos);
    std::string many = "sum(a:1";
    for (int i = 0; i < 200000; i++) many += i == 1000 ? ", a:one" : ", mixed4a:1";
    const std::string found = message(many + ")");
    EXPECT_LT(found.size(), 300u);
    EXPECT_NE(found.find("\"...a:1, mixed4a:1, "), std::string::npos) << found;
    EXPECT_NE(found.find(", mixed4a:1, mi...\": column 11012: \"one\""), std::string::npos) << found;
    std::string word = "a(1)";
    word.insert(0, 100000, 'a');
    EXPECT_LT(message(word).size(), 500u);
}

TEST(Objective, KnowsWhatItDependsOn) {
    EXPECT_TRUE(per_image(parse_objective("a:1*class:dog - 3*total_variation()")));
    EXPECT_FALSE(per_image(parse_objective("a:1 - 1e2*diversity(b)")));
    EXPECT_FALSE(per_image(parse_objective("channel(a, 1, batch=0)")));
    EXPECT_FALSE(depends_on_step(parse_objective("a:1")));
    EXPECT_TRUE(depends_on_step(parse_objective("2 - -(decay(100)*a:1)")));
}

}  // namespace
}  // namespace limpid
