// Recipes of the papers and of Lucid's notebooks as data: what each takes, and the settings of a render that it stands
// for.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace limpid {

struct RecipeSettings {
    std::vector<std::string> objectives;
    // By the names of the options of `limpid render`: {"param", "fft; alpha"}; a flag has the value "".
    std::vector<std::pair<std::string, std::string>> options;
};

struct Recipe {
    std::string name;
    std::string arguments;  // "UNIT", "PHOTO LAYER...", "UNIT UNIT": kRecipeWords
    std::string summary;    // with the source
    RecipeSettings (*make)(const std::vector<std::string>& words);
};

// What the words in the arguments mean.
constexpr const char* kRecipeWords =
    "UNIT: LAYER:CHANNEL or class:NAME; CHANNEL: LAYER:CHANNEL; CLASS: NAME or class:NAME; PHOTO: a PNG or JPEG file";

const std::vector<Recipe>& known_recipes();

// Throws UsageError when the recipe is unknown, with the nearest names, or the words are not its arguments.
RecipeSettings make_recipe(const std::string& name, const std::vector<std::string>& words);

}  // namespace limpid
