// Recipes stand for settings that a render accepts, with the numbers of their sources.
#include "viz/recipe/recipe.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "kernels/error.h"
#include "viz/objective/objective.h"
#include "viz/param/param.h"
#include "viz/render/optimiser.h"
#include "viz/transform/transform.h"

namespace limpid {
namespace {

std::vector<std::string> words_for(const Recipe& recipe) {
    std::map<std::string, std::vector<std::string>> words{
        {"UNIT", {"mixed4a:476"}},
        {"CHANNEL", {"mixed4a:476"}},
        {"CLASS", {"espresso"}},
        {"UNIT UNIT", {"mixed4a:476", "mixed4a_pre_relu:460"}},
        {"CHANNEL CHANNEL", {"mixed4a:476", "mixed4a_pre_relu:460"}},
        {"CHANNEL...", {"mixed4a:1", "mixed4a:2", "mixed4a:3"}},
        {"UNIT...", {"mixed4a:1", "mixed4a:2", "mixed4a:3"}},
        {"PHOTO LAYER", {"cat.png", "mixed4c"}},
        {"PHOTO LAYER...", {"cat.png", "mixed3b", "mixed4c"}},
        {"PHOTO PHOTO", {"cat.png", "sea.png"}},
    };
    return words[recipe.arguments];
}

TEST(Recipe, EveryOneStandsForSettingsThatParse) {
    for (const Recipe& recipe : known_recipes()) {
        const std::vector<std::string> words = words_for(recipe);
        ASSERT_FALSE(words.empty()) << recipe.name << " takes " << recipe.arguments;
        const RecipeSettings settings = make_recipe(recipe.name, words);
        ASSERT_FALSE(settings.objectives.empty()) << recipe.name;
        bool each = false;
        for (const auto& [name, value] : settings.options) {
            if (name == "param") parse_param(value);
            if (name == "transforms") parse_transforms(value);
            if (name == "optimiser") parse_optimiser(value);
            each = each || name == "each";
        }
        for (const std::string& text : settings.objectives) {
            const Objective objective = parse_objective(text);
            EXPECT_EQ(parse_objective(to_string(objective)), objective);
            EXPECT_TRUE(!each || same_form(objective, parse_objective(settings.objectives[0]))) << text;
        }
        EXPECT_TRUE(each || settings.objectives.size() == 1) << recipe.name;
    }
}

TEST(Recipe, NumbersAreThoseOfTheSources) {
    const auto objective = [](const char* name, const std::vector<std::string>& words) {
        return make_recipe(name, words).objectives[0];
    };
    EXPECT_EQ(objective("negative", {"mixed4a:492"}),
              "channel(mixed4a_pre_relu, 492, batch=1) - channel(mixed4a_pre_relu, 492, batch=0)");
    EXPECT_EQ(objective("diversity", {"mixed5a_pre_relu:9"}), "mixed5a_pre_relu:9 - 1e2*diversity(mixed5a)");
    EXPECT_EQ(objective("caricature", {"cat.png", "mixed3b", "mixed4c"}),
              "dot_compare(mixed3b, batch=1) + dot_compare(mixed4c, batch=2)");
    EXPECT_EQ(make_recipe("interaction", {"mixed4a:1", "mixed4a:2", "mixed4a:3"}).objectives.size(), 9u);
    const RecipeSettings pairs = make_recipe("pairs", {"mixed4a:1", "mixed4a:2"});
    EXPECT_EQ(pairs.objectives.size(), 20u);
    EXPECT_EQ(pairs.objectives[6], "0.75*mixed4a:1 + 0.25*mixed4a:2");
    EXPECT_EQ(objective("cppn_interpolation", {"mixed4a:1", "mixed4b:2"}),
              "channel(mixed4a, 1, batch=0) + channel(mixed4b, 2, batch=5)");
    // 1e-6 of the squared length of 255*t - 117.
    EXPECT_NE(objective("class_model", {"espresso"}).find(" - 0.065025*L2(constant=0.45882353)*L2("),
              std::string::npos);
    EXPECT_NEAR(255 * 255 * 1e-6, 0.065025, 1e-12);
    EXPECT_EQ(objective("regularised", {"mixed4d:100"}), "neuron(mixed4d_pre_relu, 100)");
    EXPECT_NEAR(117.0 / 255, 0.45882353, 1e-8);
    // 1.1^(n/10) for n = -10..10
    for (const auto& [name, value] : make_recipe("robust", {"mixed4b:452"}).options)
        if (name == "transforms") {
            const auto scale = std::get<RandomScale>(parse_transforms(value)[2]);
            ASSERT_EQ(scale.factors.size(), 21u);
            EXPECT_NEAR(scale.factors[0], 1 / 1.1, 1e-12);
            EXPECT_NEAR(scale.factors[15], std::sqrt(1.1), 1e-12);
        }
}

TEST(Recipe, EveryOneThatTakesUnitsTakesClasses) {
    int units = 0;
    for (const Recipe& recipe : known_recipes()) {
        if (!recipe.arguments.starts_with("UNIT")) continue;
        units++;
        const std::vector<std::string> words(size_t(recipe.arguments == "UNIT" ? 1 : 2), "class:tank suit");
        for (const std::string& text : make_recipe(recipe.name, words).objectives)
            EXPECT_EQ(to_string(parse_objective(text)).find("tank suit") != std::string::npos, true) << text;
    }
    EXPECT_GE(units, 8);
    const auto objective = [](const char* name, const std::string& word) {
        return make_recipe(name, {word}).objectives[0];
    };
    EXPECT_EQ(objective("negative", "class:espresso"),
              "class_logit(espresso, batch=1) - class_logit(espresso, batch=0)");
    EXPECT_EQ(objective("regularised", "class:espresso"), "class:espresso");
    EXPECT_EQ(objective("class_model", "class:espresso"), objective("class_model", "espresso"));
}

TEST(Recipe, RefusesWhatItCannotTake) {
    EXPECT_THROW(make_recipe("negativ", {"mixed4a:1"}), UsageError);
    EXPECT_THROW(make_recipe("negative", {}), UsageError);
    EXPECT_THROW(make_recipe("negative", {"mixed4a:1", "mixed4a:2"}), UsageError);
    EXPECT_THROW(make_recipe("alpha", {"class:espresso"}), UsageError);
    EXPECT_THROW(make_recipe("naive", {"mixed4a:1 + mixed4a:2"}), UsageError);
    EXPECT_THROW(make_recipe("pairs", {"class:espresso", "mixed4a:2"}), UsageError);
    EXPECT_THROW(make_recipe("interaction", {"mixed4a:1", "mixed4b:1"}), UsageError);
    EXPECT_THROW(make_recipe("caricature", {"cat.png"}), UsageError);
}

}  // namespace
}  // namespace limpid
