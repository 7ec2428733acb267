// Transforms as text, and the sets that have names.
#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "nets/nearest.h"
#include "viz/calls/calls.h"
#include "viz/overloaded.h"
#include "viz/transform/transform.h"

namespace limpid {

namespace {

constexpr const char* kTransforms = "transforms";
constexpr size_t kMostValues = 10000;

// Values of sets ------------------------------------------------------------------------------------------------------

std::vector<double> whole_range(int first, int last) {
    std::vector<double> values;
    for (int i = first; i <= last; i++) values.push_back(i);
    return values;
}

std::vector<double> joined(std::initializer_list<std::vector<double>> parts) {
    std::vector<double> all;
    for (const std::vector<double>& part : parts) all.insert(all.end(), part.begin(), part.end());
    return all;
}

std::vector<double> repeated(const std::vector<double>& values, int times) {
    std::vector<double> all;
    for (int i = 0; i < times; i++) all.insert(all.end(), values.begin(), values.end());
    return all;
}

// Lucid's older notebooks (feature-visualization appendix).
Transforms robust_transforms() {
    RandomScale scale;
    for (int i = 80; i < 120; i++) scale.factors.push_back(i / 100.0);
    const RandomRotate rotate{joined({whole_range(-10, 9), whole_range(-5, 4), repeated(whole_range(-2, 1), 10)})};
    return {Pad{16, PadMode::reflect, 0.5f}, Jitter{8}, scale, rotate, Jitter{2}};
}

// Lucid's notebook of pictures with opacity, as in the sprites of the Activation Grids.
Transforms alpha_transforms() {
    RandomScale scale;
    for (int n = -5; n < 80; n++) scale.factors.push_back(elementary::pow(0.995, n));
    for (int time = 0; time < 2; time++)
        for (int n = 20; n < 40; n++) scale.factors.push_back(elementary::pow(0.998, n));
    const RandomRotate rotate{
        joined({whole_range(-20, 19), whole_range(-10, 9), whole_range(-5, 4), repeated({0}, 5)})};
    return {
        CollapseAlpha{}, Pad{4, PadMode::constant, 1.0f}, Jitter{4}, Jitter{4}, Jitter{8}, Jitter{8}, Jitter{8}, scale,
        rotate};
}

struct SetRow {
    const char* name;
    Transforms (*make)();
};
constexpr SetRow kSets[] = {{"none", [] { return Transforms{}; }},
                            {"standard", standard_transforms},
                            {"robust", robust_transforms},
                            {"alpha", alpha_transforms}};

// Lists of numbers ----------------------------------------------------------------------------------------------------

// a, a..b, a..b/n, each perhaps followed by *k.
std::vector<double> read_list(const std::string& text) {
    const size_t star = text.find('*');
    const std::string one = text.substr(0, star);
    std::vector<double> values;
    const size_t dots = one.find("..");
    if (dots == std::string::npos) {
        values.push_back(parse_number(one));
    } else {
        const size_t slash = one.find('/', dots);
        const double first = parse_number(one.substr(0, dots)),
                     last = parse_number(one.substr(dots + 2, slash == std::string::npos ? slash : slash - dots - 2));
        const double count = slash == std::string::npos ? last - first + 1 : parse_number(one.substr(slash + 1));
        if (count < 1 || count != std::floor(count) || count > double(kMostValues))
            throw UsageError("a range needs a whole number of values; write a..b/n for n of them");
        for (int64_t i = 0; i < int64_t(count); i++)
            values.push_back(slash == std::string::npos || count == 1
                                 ? first + double(i)
                                 : first + (last - first) * double(i) / (count - 1));
    }
    if (star == std::string::npos) return values;
    const double times = parse_number(text.substr(star + 1));
    if (times < 1 || times != std::floor(times) || times * double(values.size()) > double(kMostValues))
        throw UsageError("a whole number of times is expected after '*'");
    return repeated(values, int(times));
}

std::vector<double> read_list(const Call& call) {
    std::vector<double> all;
    for (const Call::Argument& argument : call.arguments) {
        if (!argument.name.empty()) argument.place.fail(concat(call.name, " takes values without names"));
        try {
            const std::vector<double> values = read_list(argument.value);
            all.insert(all.end(), values.begin(), values.end());
        } catch (const UsageError& error) {
            argument.place.fail(error.what());
        }
    }
    if (all.empty()) call.place.fail(concat(call.name, " needs values"));
    return all;
}

// Three and more whole numbers in a row as a range; what is repeated with its number.
std::string print_list(const std::vector<double>& values) {
    std::vector<std::string> words;
    for (size_t i = 0; i < values.size();) {
        size_t end = i + 1;
        if (values[i] == std::floor(values[i]))
            while (end < values.size() && values[end] == values[end - 1] + 1) end++;
        if (end - i < 3) end = i + 1;
        words.push_back(end > i + 1 ? print_number(values[i]) + ".." + print_number(values[end - 1])
                                    : print_number(values[i]));
        i = end;
    }
    std::string text;
    for (size_t i = 0; i < words.size();) {
        size_t end = i + 1;
        while (end < words.size() && words[end] == words[i]) end++;
        text += (text.empty() ? "" : ", ") + words[i] + (end > i + 1 ? concat("*", end - i) : "");
        i = end;
    }
    return text;
}

// Transforms ----------------------------------------------------------------------------------------------------------

int64_t at_least_one(const Arguments& a, const std::string& name, int64_t otherwise) {
    const int64_t count = a.count(name, otherwise);
    if (count < 1) a.fail(name, "expected 1 or more");
    return count;
}

double more_than_zero(const Arguments& a, const std::string& name, double otherwise) {
    const double value = a.number(name, otherwise);
    if (!(value > 0)) a.fail(name, "expected more than 0");
    return value;
}

Transform read_pad(const Arguments& a) {
    Pad pad{a.count("width", 0), PadMode::constant, float(a.number("value", 0.5)), false};
    const std::string mode = a.text("mode", "constant");
    if (mode == "uniform") {
        pad.uniform = true;
        return pad;
    }
    std::vector<std::string> modes{"uniform"};
    for (const PadMode known : {PadMode::constant, PadMode::reflect, PadMode::symmetric}) {
        modes.push_back(name(known));
        pad.mode = known;
        if (mode == name(known)) return pad;
    }
    a.fail("mode", concat("did you mean ", nearest_names(mode, modes), "?"));
}

// With arguments by name; scale and rotate take lists.
struct TransformRow {
    const char* name;
    std::vector<std::string> arguments;
    Transform (*read)(const Arguments&);
};

const std::vector<TransformRow>& transform_rows() {
    static const std::vector<TransformRow> rows{
        {"pad", {"width", "value", "mode"}, read_pad},
        {"jitter", {"distance"}, [](const Arguments& a) -> Transform { return Jitter{a.count("distance", 0)}; }},
        {"crop",
         {"height", "width"},
         [](const Arguments& a) -> Transform {
             const int64_t h = at_least_one(a, "height", 0);
             return RandomCrop{h, at_least_one(a, "width", h)};
         }},
        {"crop_or_pad",
         {"height", "width"},
         [](const Arguments& a) -> Transform {
             const int64_t h = at_least_one(a, "height", 0);
             return CropOrPad{h, at_least_one(a, "width", h)};
         }},
        {"collapse_alpha",
         {"sd", "decay"},
         [](const Arguments& a) -> Transform {
             return CollapseAlpha{more_than_zero(a, "sd", 0.5), a.number("decay", 1)};
         }},
        {"gamma",
         {"exponent"},
         [](const Arguments& a) -> Transform { return Gamma{more_than_zero(a, "exponent", 1)}; }},
        {"normalize_gradient",
         {"scale"},
         [](const Arguments& a) -> Transform { return NormalizeGradient{more_than_zero(a, "scale", 1)}; }},
    };
    return rows;
}

std::string print(const Transform& transform) {
    using P = PrintedArguments;
    const auto size = [](int64_t h, int64_t w) { return h == w ? concat("(", h, ")") : concat("(", h, ", ", w, ")"); };
    return std::visit(
        Overloaded{
            [](const Pad& t) {
                const std::string mode = t.uniform ? "uniform" : name(t.mode);
                // As a double, 0.1f has digits that nobody wrote.
                const double value = t.value == 0.5f ? 0.5 : std::stod(concat(t.value));
                return concat("pad(", t.width, value != 0.5 ? ", " + print_number(value) : "",
                              mode != "constant" ? ", mode=" + mode : "", ")");
            },
            [](const Jitter& t) { return concat("jitter(", t.distance, ")"); },
            [](const RandomScale& t) { return "scale(" + print_list(t.factors) + ")"; },
            [](const RandomRotate& t) { return "rotate(" + print_list(t.degrees) + ")"; },
            [&](const RandomCrop& t) { return "crop" + size(t.height, t.width); },
            [&](const CropOrPad& t) { return "crop_or_pad" + size(t.height, t.width); },
            [](const CollapseAlpha& t) {
                return "collapse_alpha" + P().add("sd", t.deviation, 0.5).add("decay", t.decay_power, 1).text();
            },
            [](const Gamma& t) { return "gamma(" + print_number(t.exponent) + ")"; },
            [](const NormalizeGradient& t) { return "normalize_gradient" + P().add("scale", t.scale, 1).text(); },
        },
        transform);
}

}  // namespace

Transforms standard_transforms() {
    RandomScale scale;
    for (int i = 0; i <= 10; i++) scale.factors.push_back(1 + (i - 5) / 50.0);
    const RandomRotate rotate{joined({whole_range(-10, 10), repeated({0}, 5)})};
    return {Pad{12, PadMode::constant, 0.5f}, Jitter{8}, scale, rotate, Jitter{4}};
}

Transforms named_transforms(const std::string& name) {
    std::vector<std::string> names;
    for (const SetRow& set : kSets) {
        if (name == set.name) return set.make();
        names.push_back(set.name);
    }
    throw UsageError(concat("transforms \"", name, "\" are not known; did you mean ", nearest_names(name, names), "?"));
}

Transforms parse_transforms(const std::string& text) {
    Transforms all;
    std::vector<std::string> names{"scale", "rotate"};
    for (const SetRow& set : kSets) names.push_back(set.name);
    for (const TransformRow& row : transform_rows()) names.push_back(row.name);
    for (const Call& call : parse_calls(kTransforms, text, ";")) {
        const auto set = std::ranges::find_if(kSets, [&](const SetRow& s) { return call.name == s.name; });
        const auto row =
            std::ranges::find_if(transform_rows(), [&](const TransformRow& r) { return call.name == r.name; });
        if (set != std::end(kSets)) {
            (void)Arguments(call, {});
            const Transforms transforms = set->make();
            all.insert(all.end(), transforms.begin(), transforms.end());
        } else if (call.name == "scale") {
            all.push_back(RandomScale{read_list(call)});
            for (const double factor : std::get<RandomScale>(all.back()).factors)
                if (!(factor > 0)) call.place.fail("a factor is not positive");
        } else if (call.name == "rotate") {
            all.push_back(RandomRotate{read_list(call)});
        } else if (row != transform_rows().end()) {
            all.push_back(row->read(Arguments(call, row->arguments)));
        } else {
            call.place.fail(
                concat("\"", call.name, "\" is not a transform; did you mean ", nearest_names(call.name, names), "?"));
        }
    }
    return all;
}

std::string to_string(const Transforms& transforms) {
    for (const SetRow& set : kSets)
        if (transforms == set.make()) return set.name;
    std::string text;
    for (const Transform& transform : transforms) text += (text.empty() ? "" : "; ") + print(transform);
    return text;
}

}  // namespace limpid
