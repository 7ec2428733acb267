// Parameterisations as text: tables of sources and of modifiers.
#include <algorithm>
#include <map>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "viz/calls/calls.h"
#include "viz/overloaded.h"
#include "viz/param/param.h"

namespace limpid {

namespace {

constexpr const char* kParam = "param";

// Arguments are those that print() below prints.
struct SourceRow {
    const char* name;
    std::vector<std::string> arguments;
    Source (*read)(const Arguments&);
};

double deviation(const Arguments& a) {
    const double sd = a.number("sd", 0.01);
    if (!(sd >= 0)) a.fail("sd", "expected 0 or more");
    return sd;
}

int64_t at_least_one(const Arguments& a, const std::string& name, int64_t otherwise) {
    const int64_t count = a.count(name, otherwise);
    if (count < 1) a.fail(name, "expected 1 or more");
    return count;
}

double radius(const Arguments& a) {
    const double r = a.number("radius", 1);
    if (!(r > 0)) a.fail("radius", "expected more than 0");
    return r;
}

const std::vector<SourceRow>& source_rows() {
    static const std::vector<SourceRow> rows{
        {"fft",
         {"sd", "decay", "images"},
         [](const Arguments& a) -> Source {
             return Spectral{deviation(a), a.number("decay", 1), a.count("images", 0)};
         }},
        {"pixel",
         {"sd", "images"},
         [](const Arguments& a) -> Source {
             return Pixels{deviation(a), a.count("images", 0)};
         }},
        {"laplacian",
         {"levels", "sd"},
         [](const Arguments& a) -> Source {
             return Pyramid{at_least_one(a, "levels", 4), deviation(a)};
         }},
        {"lowres",
         {"size", "images", "height", "width", "sd"},
         [](const Arguments& a) -> Source {
             const int64_t size = at_least_one(a, "size", 16);
             return Lowres{at_least_one(a, "height", size), at_least_one(a, "width", size), a.count("images", 0),
                           deviation(a)};
         }},
        {"cppn",
         {"hidden", "layers", "activation", "normalize", "images"},
         [](const Arguments& a) -> Source {
             const std::string activation = a.text("activation", "composite");
             const std::vector<std::string> known{"composite", "unbiased", "relu", "abs"};
             if (!std::ranges::count(known, activation))
                 a.fail("activation", concat("did you mean ", nearest_names(activation, known), "?"));
             return Cppn{at_least_one(a, "hidden", 24), at_least_one(a, "layers", 8), activation, a.flag("normalize"),
                         a.count("images", 0)};
         }},
        {"l2_ball",
         {"radius", "literal"},
         [](const Arguments& a) -> Source {
             return Ball{false, radius(a), false, a.flag("literal")};
         }},
        {"linf_ball",
         {"radius", "by_sign", "literal"},
         [](const Arguments& a) -> Source {
             return Ball{true, radius(a), a.flag("by_sign"), a.flag("literal")};
         }},
        {"photo",
         {"file"},
         [](const Arguments& a) -> Source {
             if (a.text("file", "").empty()) a.fail("file", "expected a picture");
             return Photo{a.text("file", "")};
         }},
        {"grid",
         {"n", "sd"},
         [](const Arguments& a) -> Source {
             return Grid{at_least_one(a, "n", 2), deviation(a)};
         }},
        {"pairs",
         {"n", "steps", "sd"},
         [](const Arguments& a) -> Source {
             return Pairs{at_least_one(a, "n", 2), at_least_one(a, "steps", 5), deviation(a)};
         }},
        {"image_sample",
         {"sd", "decay"},
         [](const Arguments& a) -> Source {
             return ImageSample{deviation(a), a.number("decay", 1)};
         }},
    };
    return rows;
}

const char* yes(bool flag) { return flag ? "yes" : "no"; }

std::string print(const Source& source) {
    using P = PrintedArguments;
    return std::visit(
        Overloaded{
            [](const Spectral& s) {
                return "fft" + P().add("sd", s.deviation, 0.01)
                                   .add("decay", s.decay_power, 1)
                                   .add("images", double(s.images), 0)
                                   .text();
            },
            [](const Pixels& s) {
                return "pixel" + P().add("sd", s.deviation, 0.01).add("images", double(s.images), 0).text();
            },
            [](const Pyramid& s) {
                return "laplacian" + P().add("levels", double(s.levels), 4).add("sd", s.deviation, 0.01).text();
            },
            [](const Lowres& s) {
                P arguments;
                if (s.height == s.width) {
                    arguments.add("size", double(s.height), 16);
                } else {
                    arguments.add("height", double(s.height), 0).add("width", double(s.width), 0);
                }
                return "lowres" + arguments.add("images", double(s.images), 0).add("sd", s.deviation, 0.01).text();
            },
            [](const Cppn& s) {
                return "cppn" + P().add("hidden", double(s.hidden), 24)
                                    .add("layers", double(s.layers), 8)
                                    .add("activation", s.activation, "composite")
                                    .add("normalize", yes(s.normalize), "no")
                                    .add("images", double(s.images), 0)
                                    .text();
            },
            [](const Ball& s) {
                return std::string(s.infinite ? "linf_ball" : "l2_ball") + P().add("radius", s.radius, 1)
                                                                               .add("by_sign", yes(s.by_sign), "no")
                                                                               .add("literal", yes(s.literal), "no")
                                                                               .text();
            },
            [](const Photo& s) { return "photo(file=" + s.file + ")"; },
            [](const Grid& s) { return "grid" + P().add("n", double(s.n), 2).add("sd", s.deviation, 0.01).text(); },
            [](const Pairs& s) {
                return "pairs" + P().add("n", double(s.n), 2)
                                     .add("steps", double(s.steps), 5)
                                     .add("sd", s.deviation, 0.01)
                                     .text();
            },
            [](const ImageSample& s) {
                return "image_sample" + P().add("sd", s.deviation, 0.01).add("decay", s.decay_power, 1).text();
            },
        },
        source);
}

struct ModifierRow {
    const char* name;
    const char* decides;  // which may be said once
    std::vector<std::string> arguments;
    void (*apply)(const Arguments&, ImageParam&);
};
using Colour = ImageParam::Colour;
using Range = ImageParam::Range;

const std::vector<ModifierRow>& modifier_rows() {
    static const std::vector<ModifierRow> rows{
        {"decorrelated", "the colours", {}, [](const Arguments&, ImageParam& p) { p.colour = Colour::decorrelated; }},
        {"rgb", "the colours", {}, [](const Arguments&, ImageParam& p) { p.colour = Colour::rgb; }},
        {"grey", "the colours", {}, [](const Arguments&, ImageParam& p) { p.colour = Colour::grey; }},
        {"channels",
         "the colours",
         {"n"},
         [](const Arguments& a, ImageParam& p) {
             p.colour = Colour::channels;
             p.channels = at_least_one(a, "n", 3);
         }},
        {"alpha", "the opacity", {}, [](const Arguments&, ImageParam& p) { p.alpha = true; }},
        {"sigmoid", "the range", {}, [](const Arguments&, ImageParam& p) { p.range = Range::sigmoid; }},
        {"clip",
         "the range",
         {"literal"},
         [](const Arguments& a, ImageParam& p) {
             p.range = Range::clip;
             p.literal = a.flag("literal");
         }},
        {"raw", "the range", {}, [](const Arguments&, ImageParam& p) { p.range = Range::raw; }},
        {"centred", "the range", {}, [](const Arguments&, ImageParam& p) { p.range = Range::centred; }},
        {"texture",
         "the texture",
         {"uv", "size"},
         [](const Arguments& a, ImageParam& p) {
             if (a.text("uv", "").empty()) a.fail("uv", "expected a file of coordinates");
             p.texture = Texture{a.text("uv", ""), at_least_one(a, "size", 256)};
         }},
    };
    return rows;
}

Source read_source(const Call& call) {
    std::vector<std::string> names;
    for (const SourceRow& row : source_rows()) {
        if (row.name == call.name) return row.read(Arguments(call, row.arguments));
        names.push_back(row.name);
    }
    call.place.fail(
        concat("\"", call.name, "\" is no source of pictures; did you mean ", nearest_names(call.name, names), "?"));
}

// decided: by which modifier, what was decided already.
void apply_modifier(const Call& call, ImageParam& param, std::map<std::string, std::string>& decided) {
    std::vector<std::string> names;
    for (const ModifierRow& row : modifier_rows()) {
        names.push_back(row.name);
        if (row.name != call.name) continue;
        if (const auto [before, first] = decided.emplace(row.decides, row.name); !first)
            call.place.fail(concat(before->second, " and ", row.name, " both decide ", row.decides, "; drop one"));
        return row.apply(Arguments(call, row.arguments), param);
    }
    call.place.fail(
        concat("\"", call.name, "\" is not known after ';'; did you mean ", nearest_names(call.name, names), "?"));
}

}  // namespace

ImageParam parse_param(const std::string& text) {
    ImageParam param;
    param.sources.clear();
    bool sources = true;
    std::map<std::string, std::string> decided;
    for (const Call& call : parse_calls(kParam, text, "+;")) {
        if (sources) {
            param.sources.push_back(read_source(call));
        } else {
            apply_modifier(call, param, decided);
        }
        if (!sources && call.behind == '+') call.place.fail("sources come before the first ';'");
        sources = sources && call.behind != ';';
    }
    if (param.sources.empty()) throw UsageError(concat(kParam, ": empty, expected fft, pixel, cppn or others"));
    return param;
}

std::string to_string(const ImageParam& param) {
    std::string text;
    for (const Source& source : param.sources) text += (text.empty() ? "" : " + ") + print(source);
    if (param.colour == Colour::decorrelated) text += "; decorrelated";
    if (param.colour == Colour::rgb) text += "; rgb";
    if (param.colour == Colour::grey) text += "; grey";
    if (param.colour == Colour::channels) text += concat("; channels(", param.channels, ")");
    if (param.alpha) text += "; alpha";
    if (param.range == Range::clip) text += param.literal ? "; clip(literal=yes)" : "; clip";
    if (param.range == Range::raw) text += "; raw";
    if (param.range == Range::centred) text += "; centred";
    if (param.texture)
        text += concat("; texture(uv=", param.texture->uv,
                       param.texture->size == Texture{}.size ? "" : concat(", size=", param.texture->size), ")");
    return text;
}

}  // namespace limpid
