// Splitting, binding and printing.
#include "viz/calls/calls.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "nets/nearest.h"
#include "nets/trimmed.h"

namespace limpid {

std::vector<Call> parse_calls(const char* what, const std::string& text, const std::string& separators) {
    const auto whole = std::make_shared<const std::string>(text);
    const auto place = [&](size_t at) { return TextPlace{what, whole, at}; };
    const auto fail = [&](size_t at, const std::string& why) { place(at).fail(why); };
    std::vector<Call> calls;
    if (trimmed(text).empty()) return calls;
    for (size_t at = 0;;) {
        at = std::min(text.find_first_not_of(' ', at), text.size());
        Call call;
        call.place = place(at);
        const size_t end = std::min(text.find_first_of(separators + "(),=", at), text.size());
        call.name = trimmed(text.substr(at, end - at));
        if (call.name.empty()) fail(at, at < text.size() ? "expected a name" : "expected a name, found the end");
        at = end;
        if (at < text.size() && text[at] == '(') {
            do {
                at++;
                Call::Argument argument;
                size_t stop = text.find_first_of(",)=(", at);
                if (stop != std::string::npos && text[stop] == '=') {
                    argument.name = trimmed(text.substr(at, stop - at));
                    at = stop + 1;
                    stop = text.find_first_of(",)=(", at);
                }
                if (stop == std::string::npos) fail(text.size(), "expected ')'");
                if (text[stop] != ',' && text[stop] != ')')
                    fail(stop, concat("found '", character_at(text, stop), "'"));
                argument.value = trimmed(text.substr(at, stop - at));
                argument.place = place(std::min(text.find_first_not_of(' ', at), stop));
                const bool none = argument.value.empty() && argument.name.empty() && call.arguments.empty();
                if (argument.value.empty() && !(none && text[stop] == ')')) fail(at, "expected a value");
                if (!none) call.arguments.push_back(argument);
                at = stop;
            } while (text[at] == ',');
            at = std::min(text.find_first_not_of(' ', at + 1), text.size());
        }
        if (at == text.size()) {
            calls.push_back(call);
            return calls;
        }
        if (separators.find(text[at]) == std::string::npos)
            fail(at, concat("expected one of \"", separators, "\" or the end, found '", character_at(text, at), "'"));
        call.behind = text[at++];
        calls.push_back(call);
    }
}

Arguments::Arguments(const Call& call, std::vector<std::string> names)
    : call_(call), names_(std::move(names)), given_(call.arguments) {
    for (size_t i = 0; i < given_.size(); i++) {
        const auto wrong = [&](const std::string& why) { given_[i].place.fail(why); };
        // A lone word that is the name of an argument is a flag.
        if (given_[i].name.empty() && std::ranges::count(names_, given_[i].value)) {
            given_[i].name = given_[i].value;
            given_[i].value = "yes";
        }
        if (given_[i].name.empty()) {
            if (i >= names_.size()) wrong(concat(call.name, " takes at most ", names_.size(), " arguments"));
            given_[i].name = names_[i];
        }
        if (!std::ranges::count(names_, given_[i].name))
            wrong(names_.empty() ? concat(call.name, " takes no arguments")
                                 : concat("\"", given_[i].name, "\" is not an argument of ", call.name,
                                          "; did you mean ", nearest_names(given_[i].name, names_), "?"));
        for (size_t j = 0; j < i; j++)
            if (given_[j].name == given_[i].name) wrong(given_[i].name + " is given twice");
    }
}

const Call::Argument* Arguments::find(const std::string& name) const {
    CHECK(std::ranges::count(names_, name), name, " is no argument of ", call_.name);
    const auto found = std::ranges::find(given_, name, &Call::Argument::name);
    return found == given_.end() ? nullptr : &*found;
}

void Arguments::fail(const std::string& name, const std::string& why) const {
    const Call::Argument* argument = find(name);
    const TextPlace& place = argument ? argument->place : call_.place;
    place.fail(concat(call_.name, ": ", name, argument ? concat(" is ", argument->value) : "", ", ", why));
}

double Arguments::number(const std::string& name, double otherwise) const {
    const Call::Argument* argument = find(name);
    if (!argument) return otherwise;
    try {
        return parse_number(argument->value);
    } catch (const UsageError&) {
        fail(name, "expected a number");
    }
}

int64_t Arguments::count(const std::string& name, int64_t otherwise) const {
    const double value = number(name, double(otherwise));
    if (value < 0 || value != std::floor(value) || value > 1e9) fail(name, "expected a whole number");
    return int64_t(value);
}

std::string Arguments::text(const std::string& name, const std::string& otherwise) const {
    const Call::Argument* argument = find(name);
    return argument ? argument->value : otherwise;
}

bool Arguments::flag(const std::string& name) const {
    const std::string value = text(name, "no");
    if (value != "yes" && value != "no") fail(name, "expected yes or no");
    return value == "yes";
}

std::string print_number(double value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

double parse_number(const std::string& text) {
    double value = 0;
    const char *begin = text.data(), *end = begin + text.size();
    const auto parsed = std::from_chars(begin, end, value);
    if (text.empty() || parsed.ptr != end || parsed.ec != std::errc() || !std::isfinite(value))
        throw UsageError(concat("\"", text, "\" is not a number"));
    return value;
}

PrintedArguments& PrintedArguments::add(const std::string& name, double value, double otherwise) {
    return add(name, print_number(value), print_number(otherwise));
}

PrintedArguments& PrintedArguments::add(const std::string& name, const std::string& value,
                                        const std::string& otherwise) {
    if (value != otherwise) text_ += concat(text_.empty() ? "" : ", ", name, "=", value);
    return *this;
}

}  // namespace limpid
