// The expression itself: making, comparing, printing, asking about it.
#include "viz/objective/objective.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "viz/calls/layer_word.h"
#include "viz/objective/terms.h"

namespace limpid {

namespace {

constexpr int kDeepest = 1000;  // parts within parts: recursion over them must fit the stack

using Kind = Objective::Kind;

const char* kind_name(TermParameter::Kind kind) {
    switch (kind) {
        case TermParameter::Kind::layer:
            return "a layer";
        case TermParameter::Kind::count:
            return "a whole number";
        case TermParameter::Kind::number:
            return "a number";
        case TermParameter::Kind::text:
            return "text";
        case TermParameter::Kind::file:
            return "the name of a file";
    }
    CHECK(false);
}

bool fits(TermParameter::Kind kind, const Argument& argument) {
    switch (kind) {
        case TermParameter::Kind::count:
            return std::holds_alternative<int64_t>(argument) && std::get<int64_t>(argument) >= 0;
        case TermParameter::Kind::number:
            return std::holds_alternative<double>(argument) && std::isfinite(std::get<double>(argument));
        default:
            return std::holds_alternative<std::string>(argument) && !std::get<std::string>(argument).empty();
    }
}

std::string print(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string quoted(const std::string& text) {
    std::string result = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') result += '\\';
        result += c;
    }
    return result + '"';
}

std::string print(const Argument& argument) {
    if (const auto* count = std::get_if<int64_t>(&argument)) return concat(*count);
    if (const auto* number = std::get_if<double>(&argument)) return print(*number);
    const std::string& text = std::get<std::string>(argument);
    const bool bare = text.find_first_of(",()=\"\\") == std::string::npos && text.front() != ' ' && text.back() != ' ';
    return bare ? text : quoted(text);
}

std::string print_label(const std::string& label) {
    const bool bare = label.find_first_of("+*(),\"\\") == std::string::npos && label.find(" -") == std::string::npos &&
                      label.front() != ' ' && label.back() != ' ';
    return bare ? label : quoted(label);
}

std::string print_term(const Objective& o) {
    const auto& given = o.arguments();
    const auto only = [&](std::initializer_list<const char*> names) {
        return given.size() == names.size() &&
               std::ranges::all_of(names, [&](auto name) { return given.contains(name); });
    };
    if (o.term().name == "channel" && only({"layer", "channel"}))
        if (const std::string& layer = std::get<std::string>(given.at("layer"));
            is_layer_word(layer) && layer != "class")
            return concat(layer, ":", std::get<int64_t>(given.at("channel")));
    if (o.term().name == "class_logit" && only({"label"}))
        return "class:" + print_label(std::get<std::string>(given.at("label")));
    std::string text;
    bool named = false;
    for (const TermParameter& parameter : o.term().parameters) {
        const auto found = given.find(parameter.name);
        named = named || !parameter.required || found == given.end();
        if (found == given.end()) continue;
        text += concat(text.empty() ? "" : ", ", named ? parameter.name + "=" : "", print(found->second));
    }
    return o.term().name + "(" + text + ")";
}

// How tightly a kind holds its parts together.
int strength(Kind kind) {
    switch (kind) {
        case Kind::add:
        case Kind::subtract:
            return 0;
        case Kind::multiply:
            return 1;
        default:
            return 2;
    }
}

// In parentheses where it holds together less tightly than its place demands.
std::string print_at(const Objective& o, int least) {
    const auto two = [&](const char* sign, int level) {
        return print_at(o.parts()[0], level) + sign + print_at(o.parts()[1], level + 1);
    };
    std::string text;
    switch (o.kind()) {
        case Kind::number:
            return print(o.value());
        case Kind::term:
            return print_term(o);
        case Kind::sum:
            for (const Objective& part : o.parts()) text += (text.empty() ? "" : ", ") + print_at(part, 0);
            return "sum(" + text + ")";
        case Kind::negate:
            return "-" + print_at(o.parts()[0], 2);
        case Kind::add:
            text = two(" + ", 0);
            break;
        case Kind::subtract:
            text = two(" - ", 0);
            break;
        case Kind::multiply:
            text = two("*", 1);
            break;
    }
    return strength(o.kind()) < least ? "(" + text + ")" : text;
}

bool any_term(const Objective& o, const std::function<bool(const Objective&)>& holds) {
    if (o.kind() == Kind::term) return holds(o);
    return std::ranges::any_of(o.parts(), [&](const Objective& part) { return any_term(part, holds); });
}

bool varies(const Term& term, const std::string& name) {
    return std::ranges::any_of(term.parameters, [&](const auto& p) { return p.name == name && p.varies; });
}

}  // namespace

struct Objective::Node {
    Kind kind = Kind::number;
    double value = 0;
    std::shared_ptr<const Term> term;
    std::map<std::string, Argument> arguments;
    std::vector<Objective> parts;
    TextPlace place;
    bool old_form = false;
    int depth = 1;
};

Objective::Objective() : Objective(std::make_shared<const Node>()) {}

Objective Objective::join(Kind kind, std::vector<Objective> parts) {
    Node node;
    node.kind = kind;
    for (const Objective& part : parts) node.depth = std::max(node.depth, part.node_->depth + 1);
    if (node.depth > kDeepest)
        throw UsageError(
            concat("objective: more than ", kDeepest, " operations within each other; use sum(a, b, ...)"));
    node.parts = std::move(parts);
    return Objective(std::make_shared<const Node>(std::move(node)));
}

Objective Objective::number(double value) {
    if (!std::isfinite(value)) throw UsageError(concat("objective: ", value, " is not a finite number"));
    if (std::signbit(value)) return -number(-value);
    Node node;
    node.value = value;
    return Objective(std::make_shared<const Node>(std::move(node)));
}

Objective Objective::term(std::shared_ptr<const Term> term, std::map<std::string, Argument> arguments, TextPlace place,
                          bool old_form) {
    std::vector<std::string> names;
    for (const TermParameter& p : term->parameters) {
        names.push_back(p.name);
        const auto found = arguments.find(p.name);
        if (found == arguments.end()) {
            if (p.required) throw UsageError(concat(term->name, " needs ", kind_name(p.kind), ", ", p.name, "="));
        } else if (!fits(p.kind, found->second)) {
            throw UsageError(concat(term->name, ": ", p.name, " is ", kind_name(p.kind)));
        }
    }
    for (const auto& [name, value] : arguments)
        if (!std::ranges::count(names, name))
            throw UsageError(names.empty() ? concat(term->name, " takes no arguments")
                                           : concat("\"", name, "\" is not an argument of ", term->name,
                                                    "; did you mean ", nearest_names(name, names), "?"));
    Node node;
    node.kind = Kind::term;
    node.term = std::move(term);
    node.arguments = std::move(arguments);
    node.place = std::move(place);
    node.old_form = old_form;
    return Objective(std::make_shared<const Node>(std::move(node)));
}

Objective Objective::sum(std::vector<Objective> parts) {
    if (parts.empty()) return {};
    return join(Kind::sum, std::move(parts));
}

Objective::Kind Objective::kind() const { return node_->kind; }
double Objective::value() const { return node_->value; }
const std::shared_ptr<const Term>& Objective::shared_term() const { return node_->term; }
const std::map<std::string, Argument>& Objective::arguments() const { return node_->arguments; }
const std::vector<Objective>& Objective::parts() const { return node_->parts; }

bool Objective::old_form() const { return node_->old_form; }

std::string Objective::where() const {
    return node_->place.text ? node_->place.print() : concat("objective ", beginning(to_string(*this)));
}

bool Objective::operator==(const Objective& other) const {
    const Node &a = *node_, &b = *other.node_;
    return &a == &b || (a.kind == b.kind && a.value == b.value && a.arguments == b.arguments && a.parts == b.parts &&
                        (a.kind != Kind::term || a.term->name == b.term->name));
}

Objective operator-(const Objective& a) { return Objective::join(Kind::negate, {a}); }
Objective operator+(const Objective& a, const Objective& b) { return Objective::join(Kind::add, {a, b}); }
Objective operator-(const Objective& a, const Objective& b) { return Objective::join(Kind::subtract, {a, b}); }
Objective operator*(const Objective& a, const Objective& b) { return Objective::join(Kind::multiply, {a, b}); }

std::string to_string(const Objective& objective) { return print_at(objective, 0); }

bool per_image(const Objective& objective) {
    return !any_term(objective, [](const Objective& o) {
        return o.term().reach == Term::Reach::batch || o.arguments().contains("batch");
    });
}

bool depends_on_step(const Objective& objective) {
    return any_term(objective, [](const Objective& o) { return o.term().uses_step; });
}

std::vector<std::string> files_of(const Objective& objective) {
    std::vector<std::string> files;
    any_term(objective, [&](const Objective& o) {
        for (const TermParameter& p : o.term().parameters)
            if (const auto found = o.arguments().find(p.name);
                p.kind == TermParameter::Kind::file && found != o.arguments().end())
                files.push_back(std::get<std::string>(found->second));
        return false;
    });
    return files;
}

std::string old_form_note(std::span<const Objective> objectives) {
    std::string note;
    int64_t more = 0;
    for (const Objective& objective : objectives)
        any_term(objective, [&](const Objective& o) {
            if (!o.old_form()) return false;
            if (!note.empty()) return more++, false;
            for (const TermParameter& p : o.term().parameters)
                if (!p.formerly.empty() && o.arguments().contains(p.name))
                    note += concat(note.empty() ? "" : ", ", p.formerly, "= as ", p.name, "=");
            note = concat(o.term().name, " is read with ", note, ", and written ", to_string(o), " now");
            return false;
        });
    return more > 0 ? concat(note, "; ", more, " more like it") : note;
}

std::optional<double> literal(const Objective& objective) {
    if (objective.kind() == Kind::number) return objective.value();
    if (objective.kind() != Kind::negate) return {};
    const std::optional<double> negated = literal(objective.parts()[0]);
    return negated ? -*negated : negated;
}

// The tree without the numbers and without the arguments that may differ, which are only counted as given.
std::string form(const Objective& objective) {
    if (literal(objective)) return "#";
    const bool is_term = objective.kind() == Kind::term;
    std::string text = is_term ? objective.term().name : concat(int(objective.kind()));
    text += "(";
    for (const Objective& part : objective.parts()) text += form(part) + ",";
    if (is_term)
        for (const auto& [name, value] : objective.arguments())
            text += name + "=" + (varies(objective.term(), name) ? "#" : print(value)) + ",";
    return text + ")";
}

bool same_form(const Objective& a, const Objective& b) { return form(a) == form(b); }

}  // namespace limpid
