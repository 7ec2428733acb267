// The table of recipes. Numbers are those of the source that the summary names.
#include "viz/recipe/recipe.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "nets/nearest.h"
#include "viz/calls/calls.h"
#include "viz/objective/objective.h"
#include "viz/objective/terms.h"
#include "weights/layer_names.h"

namespace limpid {

namespace {

using Words = std::vector<std::string>;

// LAYER:CHANNEL or class:NAME: one term. The number of an image makes it that image's alone.
class ChannelTerm {
  public:
    explicit ChannelTerm(const std::string& word) : unit_(parse_objective(word)) {
        const bool is_term = unit_.kind() == Objective::Kind::term && !unit_.arguments().contains("batch");
        if (!is_term || (unit_.term().name != "channel" && unit_.term().name != "class_logit"))
            throw UsageError(
                concat("\"", word, "\" is no unit, expected LAYER:CHANNEL such as mixed4a:476, or class:NAME"));
    }
    const Objective& objective() const { return unit_; }
    std::string text() const { return to_string(unit_); }
    std::string of_image(int64_t image) const {
        auto arguments = unit_.arguments();
        arguments["batch"] = image;
        return to_string(Objective::term(unit_.shared_term(), arguments));
    }
    bool is_class() const { return unit_.term().name == "class_logit"; }

  private:
    Objective unit_;
};

// LAYER:CHANNEL, and the layer's name before and after its ReLU.
struct Channel {
    std::string layer, before, after;
    int64_t channel = 0;
    explicit Channel(const std::string& word) {
        const Objective objective = parse_objective(word);
        if (objective.kind() != Objective::Kind::term || objective.term().name != "channel" ||
            objective.arguments().size() != 2)
            throw UsageError(concat("\"", word, "\" is no channel, expected LAYER:CHANNEL such as mixed4a:476"));
        layer = std::get<std::string>(objective.arguments().at("layer"));
        channel = std::get<int64_t>(objective.arguments().at("channel"));
        after = without_suffix(layer, kPreRelu);
        before = pre_relu_of(after);
    }
    // The unit before its ReLU, which answers also where it is not active.
    std::string unrectified() const { return concat(before, ":", channel); }
};

// The same of a class, whose logit has no ReLU.
ChannelTerm unrectified(const std::string& word) {
    return ChannelTerm(ChannelTerm(word).is_class() ? word : Channel(word).unrectified());
}

RecipeSettings negative(const Words& words) {
    const ChannelTerm u = unrectified(words[0]);
    return {{concat(u.of_image(1), " - ", u.of_image(0))}, {{"batch", "2"}}};
}

RecipeSettings diversity(const Words& words) {
    const Channel u(words[0]);
    return {{concat(u.unrectified(), " - 1e2*diversity(", u.after, ")")}, {{"batch", "4"}}};
}

// 50 pixels and a margin of 30 on each side; 1000 updates.
RecipeSettings alpha(const Words& words) {
    const Channel u(words[0]);
    return {{concat("0.5*(neuron(", u.before, ", ", u.channel, ") + ", u.after, ":", u.channel,
                    ") - decay(1500)*blur_input_each_step() - decay(1000)*blur_alpha_each_step()"
                    " - 20000*only_after(150)*decay(1500)*penalize_alpha()")},
            {{"param", "fft; alpha"}, {"transforms", "alpha"}, {"size", "110"}, {"steps", "999"}}};
}

RecipeSettings transparency(const Words& words) {
    return {{concat(ChannelTerm(words[0]).text(), "*(1.5 - 1.5*penalize_alpha())")},
            {{"param", "fft; alpha"},
             {"transforms",
              "collapse_alpha(sd=0.2, decay=1.5); scale(0.6, 0.7, 0.8, 0.9, 1, 1.1); crop(160); "
              "gamma(0.45454545)"},
             {"size", "320"},
             {"learning-rate", "0.03"},
             {"steps", "999"}}};
}

// One picture for each layer, in one batch after the photo.
RecipeSettings caricature(const Words& words) {
    std::string objective;
    for (size_t i = 1; i < words.size(); i++)
        objective += concat(i > 1 ? " + " : "", "dot_compare(", words[i], ", batch=", i, ")");
    return {{objective},
            {{"reference", words[0]},
             {"batch", concat(words.size() - 1)},
             {"size", "224"},
             {"transforms", "standard; crop_or_pad(224)"},
             {"steps", "511"}}};
}

RecipeSettings inversion(const Words& words) {
    return {{concat("dot_compare(", words[1], ") + blur_input_each_step()")},
            {{"reference", words[0]},
             {"size", "224"},
             {"transforms", "pad(8); jitter(8); scale(0.9, 0.95, 1.05, 1.1, 1*4); rotate(-5..4, 0*5); jitter(2)"},
             {"no-redirect", ""},
             {"steps", "511"}}};
}

RecipeSettings interpolation(const Words& words) {
    const Channel a(words[0]), b(words[1]);
    return {{concat("channel_interpolate(", a.layer, ", ", a.channel, ", ", b.layer, ", ", b.channel, ")")},
            {{"batch", "6"},
             {"param",
              "fft + lowres(size=64, images=1) + lowres(size=32, images=1) + lowres(images=1) + "
              "lowres(images=2) + lowres(size=8, images=1) + lowres(size=8, images=2)"}}};
}

RecipeSettings interaction(const Words& words) {
    RecipeSettings settings;
    for (const std::string& word : words)
        if (Channel(word).layer != Channel(words[0]).layer)
            throw UsageError(concat(words[0], " and ", word, " are of different layers, expected units of one layer"));
    const auto part = [](const Channel& u) {
        return concat("0.2*", u.layer, ":", u.channel, " + neuron(", u.layer, ", ", u.channel, ")");
    };
    for (const std::string& row : words)
        for (const std::string& column : words)
            settings.objectives.push_back(
                concat(part(Channel(row)), " + ", part(Channel(column)), " - 10*blur_input_each_step()"));
    settings.options = {
        {"each", ""}, {"param", concat("grid(n=", words.size(), ")")}, {"columns", concat(words.size())}};
    return settings;
}

RecipeSettings cppn(const Words& words) {
    return {{ChannelTerm(words[0]).text()},
            {{"param", "cppn; rgb"}, {"transforms", "none"}, {"learning-rate", "0.005"}, {"size", "224"}}};
}

// Two networks, one for each unit, and four between them, whose weights are mixed: nothing asks for those pictures.
RecipeSettings cppn_interpolation(const Words& words) {
    return {{concat(ChannelTerm(words[0]).of_image(0), " + ", ChannelTerm(words[1]).of_image(5))},
            {{"batch", "6"},
             {"param", "cppn(images=2); rgb"},
             {"transforms", "none"},
             {"learning-rate", "0.005"},
             {"size", "224"}}};
}

// From each unit to each other in five steps; a row for each pair.
RecipeSettings pairs(const Words& words) {
    constexpr int64_t kSteps = 5;
    RecipeSettings settings;
    for (const std::string& word : words)
        if (!same_form(ChannelTerm(word).objective(), ChannelTerm(words[0]).objective()))
            throw UsageError(concat(words[0], " and ", word, " are of different layers, expected units of one layer"));
    for (const std::string& from : words)
        for (const std::string& to : words)
            for (int64_t step = 0; step < kSteps; step++) {
                const double share = double(step) / double(kSteps - 1);
                settings.objectives.push_back(concat(print_number(1 - share), "*", ChannelTerm(from).text(), " + ",
                                                     print_number(share), "*", ChannelTerm(to).text()));
            }
    settings.options = {{"each", ""},
                        {"param", concat("pairs(n=", words.size(), ", steps=", kSteps, ")")},
                        {"columns", concat(kSteps)}};
    return settings;
}

// The logit less 1e-6 of the squared length of the zero-mean image in grey levels: L2 is of an image in [0,1], so 255^2
// of its square. Weight and rate are ours, the paper gives none; ascent from the mean image.
RecipeSettings class_model(const Words& words) {
    const std::string mean = "L2(constant=0.45882353)";
    const ChannelTerm u(words[0].starts_with("class:") ? words[0] : "class:" + words[0]);
    return {{concat(u.text(), " - 0.065025*", mean, "*", mean)},
            {{"param", "pixel(sd=0); rgb; centred"},
             {"transforms", "none"},
             {"optimiser", "ascent(rate=3000)"},
             {"no-redirect", ""},
             {"size", "224"},
             {"steps", "255"}}};
}

// A single unit before its ReLU, as in their toolbox, by the setting that their figures use most.
RecipeSettings regularised(const Words& words) {
    const bool is_class = ChannelTerm(words[0]).is_class();
    const auto neuron = [](const Channel& u) { return concat("neuron(", u.before, ", ", u.channel, ")"); };
    return {{is_class ? ChannelTerm(words[0]).text() : neuron(Channel(words[0]))},
            {{"param", "pixel(sd=10); rgb; centred"},
             {"transforms", "none"},
             {"optimiser", "yosinski3"},
             {"no-redirect", ""},
             {"size", "224"},
             {"steps", "999"}}};
}

// Images 0 and 1 are the photos; number 2 gets the content of one and the style of the other.
RecipeSettings style(const Words& words) {
    std::string objective = "-100*activation_difference(mixed3b, batch=2, reference=0)";
    for (const char* layer : {"conv2d2", "mixed3a", "mixed4a", "mixed4b", "mixed4c"})
        objective += concat(" - style_difference(", layer, ", batch=2, reference=1, ema=0.95)");
    return {{objective},
            {{"reference", words[0]},
             {"reference", words[1]},
             {"start", words[0]},
             {"size", "224"},
             {"transforms", "standard; crop_or_pad(224)"}}};
}

// The three of the regularisation demo, 64 pixels.
RecipeSettings naive(const Words& words) {
    return {{ChannelTerm(words[0]).text()}, {{"param", "pixel; rgb"}, {"transforms", "none"}, {"size", "64"}}};
}

RecipeSettings penalised(const Words& words) {
    return {{concat(ChannelTerm(words[0]).text(),
                    " - 0.05*L1(constant=0.5) - 0.25*total_variation() - 1*blur_input_each_step()")},
            {{"param", "pixel; rgb"}, {"transforms", "none"}, {"size", "64"}}};
}

RecipeSettings robust(const Words& words) {
    std::string scales;
    for (int n = -10; n <= 10; n++)
        scales += (scales.empty() ? "" : ", ") + print_number(elementary::pow(1.1, n / 10.0));
    return {{ChannelTerm(words[0]).text()},
            {{"param", "pixel; rgb"},
             {"transforms", "pad(2); jitter(1); scale(" + scales + "); rotate(-5..5)"},
             {"size", "64"}}};
}

}  // namespace

const std::vector<Recipe>& known_recipes() {
    static const std::vector<Recipe> recipes{
        {"alpha", "CHANNEL", "a small picture with opacity, as in the article's sprites (The Building Blocks)", alpha},
        {"caricature", "PHOTO LAYER...", "the photo as each layer exaggerates it (Lucid, recipes/caricature)",
         caricature},
        {"class_model", "CLASS", "a class without regularisation but the length of the picture (Simonyan et al.)",
         class_model},
        {"cppn", "UNIT", "drawn by a network from coordinates to colours (Differentiable Parameterizations)", cppn},
        {"cppn_interpolation", "UNIT UNIT",
         "from one network that draws a unit to another (Differentiable Parameterizations, xy2rgb)",
         cppn_interpolation},
        {"diversity", "CHANNEL", "four pictures that differ (Feature Visualization)", diversity},
        {"interaction", "CHANNEL...", "a grid of what units look like in pairs; with --sheet (Feature Visualization)",
         interaction},
        {"interpolation", "CHANNEL CHANNEL",
         "six aligned pictures from one unit to another (Differentiable Parameterizations)", interpolation},
        {"inversion", "PHOTO LAYER", "what a layer keeps of the photo (Building Blocks notebook)", inversion},
        {"naive", "UNIT", "pixels without any regularisation (Feature Visualization)", naive},
        {"negative", "UNIT", "what lowers and what raises a unit (Feature Visualization)", negative},
        {"pairs", "UNIT...", "from each unit to each other; with --sheet (Lucid, multi_interpolation_basis)", pairs},
        {"penalised", "UNIT", "pixels, high frequencies penalised (Feature Visualization)", penalised},
        {"regularised", "UNIT", "ascent with decay and blur (Yosinski et al.)", regularised},
        {"robust", "UNIT", "pixels under random transforms (Feature Visualization)", robust},
        {"style", "PHOTO PHOTO", "the first photo in the style of the second (Differentiable Parameterizations)",
         style},
        {"transparency", "UNIT", "only what matters is opaque (Differentiable Parameterizations)", transparency},
    };
    return recipes;
}

RecipeSettings make_recipe(const std::string& name, const std::vector<std::string>& words) {
    std::vector<std::string> names;
    for (const Recipe& recipe : known_recipes()) {
        names.push_back(recipe.name);
        if (recipe.name != name) continue;
        const size_t least = size_t(std::ranges::count(recipe.arguments, ' ')) + 1;
        const bool more = recipe.arguments.ends_with("...");
        if (words.size() < least || (words.size() > least && !more))
            throw UsageError(concat("recipe ", name, ": takes ", recipe.arguments, ", found ", words.size(), " words"));
        return with_context(concat("recipe ", name), [&] { return recipe.make(words); });
    }
    throw UsageError(concat("\"", name, "\" is not a recipe; did you mean ", nearest_names(name, names),
                            "? limpid recipe lists them"));
}

}  // namespace limpid
