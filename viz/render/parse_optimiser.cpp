// Optimisers as text: a table of rules, and the named settings.
#include <algorithm>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "viz/calls/calls.h"
#include "viz/overloaded.h"
#include "viz/render/optimiser.h"

namespace limpid {

namespace {

constexpr const char* kOptimiser = "optimiser";

double percent(const Arguments& a) {
    const double value = a.number("percent", 0);
    if (!(value >= 0 && value <= 100)) a.fail("percent", "expected 0 to 100");
    return value;
}

double positive(const Arguments& a, const std::string& name, double otherwise) {
    const double value = a.number(name, otherwise);
    if (!(value > 0)) a.fail(name, "expected more than 0");
    return value;
}

struct RuleRow {
    const char* name;
    std::vector<std::string> arguments;
    Regulariser (*read)(const Arguments&);
};

const std::vector<RuleRow>& rule_rows() {
    static const std::vector<RuleRow> rows{
        {"clamp",
         {"low", "high"},
         [](const Arguments& a) -> Regulariser {
             const ClampValues clamp{a.number("low", ClampValues{}.low), a.number("high", ClampValues{}.high)};
             if (clamp.low > clamp.high) a.fail("low", "expected less than high");
             return clamp;
         }},
        {"decay",
         {"factor"},
         [](const Arguments& a) -> Regulariser {
             const double factor = a.number("factor", 0);
             if (!(factor >= 0 && factor <= 1)) a.fail("factor", "expected 0 to 1");
             return DecayValues{factor};
         }},
        {"blur",
         {"sigma", "every"},
         [](const Arguments& a) -> Regulariser {
             const int64_t every = a.count("every", 1);
             if (every < 1) a.fail("every", "expected 1 or more");
             return BlurValues{positive(a, "sigma", 1), every};
         }},
        {"small_values", {"percent"}, [](const Arguments& a) -> Regulariser { return SmallValues{percent(a)}; }},
        {"small_pixels", {"percent"}, [](const Arguments& a) -> Regulariser { return SmallPixels{percent(a)}; }},
        {"small_contributions",
         {"percent", "magnitude"},
         [](const Arguments& a) -> Regulariser {
             return SmallContributions{percent(a), a.flag("magnitude")};
         }},
    };
    return rows;
}

std::string print(const Regulariser& regulariser) {
    using P = PrintedArguments;
    return std::visit(
        Overloaded{
            [](const ClampValues& r) {
                return "clamp" +
                       P().add("low", r.low, ClampValues{}.low).add("high", r.high, ClampValues{}.high).text();
            },
            [](const DecayValues& r) { return "decay(" + print_number(r.factor) + ")"; },
            [](const BlurValues& r) {
                return "blur" + P().add("sigma", r.sigma, 1).add("every", double(r.every), 1).text();
            },
            [](const SmallValues& r) { return "small_values(" + print_number(r.percent) + ")"; },
            [](const SmallPixels& r) { return "small_pixels(" + print_number(r.percent) + ")"; },
            [](const SmallContributions& r) {
                return "small_contributions(" + print_number(r.percent) + (r.magnitude ? ", magnitude=yes" : "") + ")";
            },
        },
        regulariser);
}

// Yosinski et al. 2015, table 1: decay, blur, small norms, small contributions; and the rates of their toolbox, whose
// variables are grey levels, clamped before each step, which is here after the one before.
struct NamedAscent {
    const char* name;
    PlainAscent ascent;
};
const std::vector<NamedAscent>& named_ascents() {
    static const std::vector<NamedAscent> all{
        {"yosinski1", {100, 2, {BlurValues{0.5, 4}, SmallPixels{50}, ClampValues{}}}},
        {"yosinski2", {100, 0, {DecayValues{0.3}, SmallPixels{20}, ClampValues{}}}},
        {"yosinski3", {100, 0, {DecayValues{0.0001}, BlurValues{1, 4}, ClampValues{}}}},
        {"yosinski4", {1e8, 2, {BlurValues{0.5, 4}, SmallContributions{90, true}, ClampValues{}}}},
    };
    return all;
}

}  // namespace

Optimiser parse_optimiser(const std::string& text) {
    const std::vector<Call> calls = parse_calls(kOptimiser, text, ";");
    if (calls.empty()) throw UsageError(concat(kOptimiser, ": empty, expected adam or ascent(rate=...)"));
    std::vector<std::string> names{"adam", "ascent"};
    for (const NamedAscent& named : named_ascents()) names.push_back(named.name);
    const auto refuse = [&](const Call& call, const std::string& is_no, const std::vector<std::string>& known) {
        call.place.fail(
            concat("\"", call.name, "\" is no ", is_no, "; did you mean ", nearest_names(call.name, known), "?"));
    };
    Optimiser result;
    if (calls[0].name == "adam") {
        (void)Arguments(calls[0], {});
        if (calls.size() > 1) calls[1].place.fail("adam takes no rules");
        return result;
    }
    if (calls[0].name == "ascent") {
        const Arguments a(calls[0], {"rate", "progress"});
        result = PlainAscent{positive(a, "rate", 1), a.number("progress", 0), {}};
    } else {
        for (const NamedAscent& named : named_ascents())
            if (calls[0].name == named.name) result = named.ascent;
        if (!result) refuse(calls[0], "optimiser", names);
        (void)Arguments(calls[0], {});
    }
    std::vector<std::string> rules;
    for (const RuleRow& row : rule_rows()) rules.push_back(row.name);
    for (size_t i = 1; i < calls.size(); i++) {
        const auto row = std::ranges::find_if(rule_rows(), [&](const RuleRow& r) { return calls[i].name == r.name; });
        if (row == rule_rows().end()) refuse(calls[i], "rule of an ascent", rules);
        result->rules.push_back(row->read(Arguments(calls[i], row->arguments)));
    }
    return result;
}

std::string to_string(const Optimiser& optimiser) {
    if (!optimiser) return "adam";
    for (const NamedAscent& named : named_ascents())
        if (named.ascent == *optimiser) return named.name;
    std::string text =
        "ascent" + PrintedArguments().add("rate", optimiser->rate, 1).add("progress", optimiser->progress, 0).text();
    for (const Regulariser& rule : optimiser->rules) text += "; " + print(rule);
    return text;
}

}  // namespace limpid
