// limpid recipe: the settings of a paper's figure, as a limpid render that may be changed.
#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "tools/command.h"
#include "viz/recipe/recipe.h"

namespace limpid {

namespace {

struct RecipeArguments {
    std::string name;
    std::vector<std::string> rest;  // of the command line, in order
    bool show = false;
};

void print_recipes() {
    for (const Recipe& recipe : known_recipes())
        std::cout << std::left << std::setw(19) << recipe.name << std::setw(16) << recipe.arguments << recipe.summary
                  << '\n';
    std::cout << '\n' << kRecipeWords << '\n';
}

ExitStatus run_recipe(RecipeArguments& a) {
    if (a.name.empty()) return print_recipes(), kDone;
    // Its own arguments come first; from the first option on it is render's.
    const auto is_option = [](const std::string& word) { return word.size() > 1 && word[0] == '-'; };
    const auto options = std::ranges::find_if(a.rest, is_option);
    const auto given = [&](const std::string& option) {
        return std::any_of(options, a.rest.end(),
                           [&](const std::string& word) { return word == option || word.starts_with(option + "="); });
    };
    const RecipeSettings settings = make_recipe(a.name, {a.rest.begin(), options});
    std::vector<std::string> words = settings.objectives;
    for (const auto& [name, value] : settings.options) {
        if (name == "steps" && given("--thresholds")) continue;  // they say how many
        words.push_back("--" + name);
        if (!value.empty()) words.push_back(value);
    }
    words.insert(words.end(), options, a.rest.end());
    if (!a.show) return run_command("render", words);
    std::cout << "limpid render";
    for (const std::string& word : words) std::cout << ' ' << shell_word(word);
    std::cout << '\n';
    return kDone;
}

}  // namespace

Run declare_recipe(CLI::App& app) {
    const auto a = std::make_shared<RecipeArguments>();
    app.add_flag("--show", a->show, "only print the render command that the recipe stands for");
    app.add_option("NAME", a->name, "without a name: a list of all recipes and their arguments");
    app.footer("limpid recipe NAME ARGUMENT... [options of limpid render]");
    app.allow_extras();
    CLI::App* parsed = &app;
    app.callback([a, parsed] { a->rest = parsed->remaining(); });
    return [a] { return run_recipe(*a); };
}

}  // namespace limpid
