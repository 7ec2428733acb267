// The reader of the objective language: recursive descent, one function per rule of the grammar.
#include <algorithm>
#include <charconv>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "nets/trimmed.h"
#include "viz/calls/layer_word.h"
#include "viz/objective/objective.h"
#include "viz/objective/terms.h"

namespace limpid {

namespace {

constexpr int kDeepestNesting = 200;  // parentheses and signs within each other

bool starts_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool starts_number(char c) { return (c >= '0' && c <= '9') || c == '.'; }

class Parser {
  public:
    Parser(const std::string& text, const TermTable& terms)
        : whole_(std::make_shared<const std::string>(text)), text_(*whole_), terms_(terms) {}

    Objective whole() {
        const Objective result = sum();
        if (at_ < text_.size())
            fail(at_, concat("expected + - * or the end, found \"", beginning(text_, at_, 20), "\""));
        return result;
    }

  private:
    TextPlace place(size_t at) const { return {"objective", whole_, at}; }
    [[noreturn]] void fail(size_t at, const std::string& what) const { place(at).fail(what); }
    // Errors of `body` get the column.
    template <class Body>
    auto located(size_t at, Body&& body) const {
        try {
            return body();
        } catch (const UsageError& error) {
            fail(at, error.what());
        }
    }

    void skip_spaces() {
        while (at_ < text_.size() && text_[at_] == ' ') at_++;
    }
    char next() {
        skip_spaces();
        return at_ < text_.size() ? text_[at_] : '\0';
    }
    bool accept(char c) {
        if (next() != c) return false;
        at_++;
        return true;
    }
    void expect(char c) {
        if (!accept(c)) fail(at_, concat("expected '", c, "'"));
    }

    Objective sum() {
        Objective result = product();
        for (;;) {
            const size_t at = at_;
            if (accept('+')) {
                const Objective right = product();
                result = located(at, [&] { return result + right; });
            } else if (accept('-')) {
                const Objective right = product();
                result = located(at, [&] { return result - right; });
            } else {
                return result;
            }
        }
    }

    Objective product() {
        Objective result = factor();
        while (accept('*')) {
            const size_t at = at_;
            const Objective right = factor();
            result = located(at, [&] { return result * right; });
        }
        return result;
    }

    // LAYER: lies ahead, whose name may begin with a digit: 0.conv:3.
    bool is_layer() const {
        const auto end = std::find_if_not(text_.begin() + std::ptrdiff_t(at_), text_.end(), in_layer_word);
        const auto colon = std::find_if_not(end, text_.end(), [](char c) { return c == ' '; });
        return end != text_.begin() + std::ptrdiff_t(at_) && colon != text_.end() && *colon == ':';
    }

    Objective factor() {
        if (++depth_ > kDeepestNesting)
            fail(at_, concat("more than ", kDeepestNesting, " parentheses within each other"));
        const Objective result = factor_inside();
        depth_--;
        return result;
    }

    Objective factor_inside() {
        const char c = next();
        if (accept('-')) return -factor();
        if (accept('(')) {
            const Objective result = sum();
            expect(')');
            return result;
        }
        if (starts_word(c) || is_layer()) return named();
        if (starts_number(c)) return number();
        fail(at_, concat(c ? concat("found '", character_at(text_, at_), "'") : "found the end",
                         "; expected LAYER:CHANNEL such as mixed4a:476, class:NAME such as class:espresso, a term such "
                         "as diversity(mixed5a), a number or '('"));
    }

    Objective number() {
        double value = 0;
        const char *begin = text_.data() + at_, *end = text_.data() + text_.size();
        const auto parsed = std::from_chars(begin, end, value);
        if (parsed.ec != std::errc()) fail(at_, "not a number that can be held");
        at_ += size_t(parsed.ptr - begin);
        return Objective::number(value);
    }

    std::string word() {
        const size_t begin = at_;
        while (at_ < text_.size() && in_layer_word(text_[at_])) at_++;
        return text_.substr(begin, at_ - begin);
    }

    // What begins with a word: LAYER:CHANNEL, class:LABEL, sum(...) or TERM(...).
    Objective named() {
        const size_t begin = at_;
        const std::string name = word();
        if (accept(':')) return name == "class" ? class_label(begin) : channel(begin, name);
        if (!accept('(')) fail(at_, concat("expected ':' and a channel, as in ", name, ":0, or '(' and arguments"));
        if (name == "sum") {
            std::vector<Objective> parts{sum()};
            while (accept(',')) parts.push_back(sum());
            expect(')');
            return located(begin, [&] { return Objective::sum(std::move(parts)); });
        }
        return call(begin, term(begin, name));
    }

    std::shared_ptr<const Term> term(size_t at, const std::string& name) const {
        std::vector<std::string> names{"sum"};
        for (const auto& row : terms_) {
            if (row->name == name) return row;
            names.push_back(row->name);
        }
        fail(at, concat("\"", beginning(name), "\" is not a term; did you mean ", nearest_names(beginning(name), names),
                        "?"));
    }

    // word: where that before the colon begins.
    Objective channel(size_t word, const std::string& layer) {
        skip_spaces();
        const size_t begin = at_;
        while (at_ < text_.size() && text_.find_first_of(" +*(),", at_) != at_ && (at_ == begin || text_[at_] != '-'))
            at_++;
        const std::string digits = text_.substr(begin, at_ - begin);
        return Objective::term(term(begin, "channel"),
                               {{"layer", layer}, {"channel", whole_number(begin, digits, "a channel number")}},
                               place(word));
    }

    Objective class_label(size_t word) {
        skip_spaces();
        const size_t begin = at_;
        std::string label;
        if (next() == '"') {
            label = quoted();
        } else {
            while (at_ < text_.size() && text_.find_first_of("+*(),\"", at_) != at_ &&
                   (text_[at_] != '-' || at_ == begin || text_[at_ - 1] != ' '))
                at_++;
            label = trimmed(text_.substr(begin, at_ - begin));
        }
        if (label.empty()) fail(begin, "expected a class name or number");
        return Objective::term(term(begin, "class_logit"), {{"label", label}}, place(word));
    }

    int64_t whole_number(size_t at, const std::string& digits, const char* what) const {
        int64_t value = -1;
        const char *begin = digits.data(), *end = begin + digits.size();
        const auto parsed = std::from_chars(begin, end, value);
        if (parsed.ptr != end || parsed.ec != std::errc() || value < 0)
            fail(at, concat("\"", beginning(digits), "\" is not ", what));
        return value;
    }

    std::string quoted() {
        const size_t begin = at_++;
        std::string result;
        for (; at_ < text_.size() && text_[at_] != '"'; at_++) {
            if (text_[at_] == '\\' && at_ + 1 < text_.size()) at_++;
            result += text_[at_];
        }
        if (at_ == text_.size()) fail(begin, "this quote is not closed");
        at_++;
        return result;
    }

    // A value: quoted, or everything up to the next comma, parenthesis or equals sign.
    std::string value() {
        if (next() == '"') return quoted();
        const size_t begin = at_;
        at_ = std::min(text_.find_first_of(",()=\"", at_), text_.size());
        return trimmed(text_.substr(begin, at_ - begin));
    }

    Argument argument(size_t at, const TermParameter& parameter, const std::string& given) const {
        switch (parameter.kind) {
            case TermParameter::Kind::count:
                return whole_number(at, given, "a whole number");
            case TermParameter::Kind::number: {
                double number = 0;
                const char *begin = given.data(), *end = begin + given.size();
                const auto parsed = std::from_chars(begin, end, number);
                if (given.empty() || parsed.ptr != end || parsed.ec != std::errc())
                    fail(at, concat("\"", beginning(given), "\" is not a number"));
                return number;
            }
            default:
                return given;
        }
    }

    // The arguments after TERM( in order, then by name.
    Objective call(size_t begin, std::shared_ptr<const Term> term) {
        std::map<std::string, Argument> arguments;
        const std::vector<TermParameter>& parameters = term->parameters;
        std::vector<std::string> names;
        for (const TermParameter& parameter : parameters) names.push_back(parameter.name);
        bool named = false, old_form = false;
        for (size_t position = 0; next() != ')'; position++) {
            if (position > 0) expect(',');
            skip_spaces();
            size_t at = at_;
            const TermParameter* parameter = position < parameters.size() ? &parameters[position] : nullptr;
            std::string given = value();
            if (accept('=')) {
                named = true;
                const auto found = std::ranges::find_if(parameters, [&](const TermParameter& p) {
                    return p.name == given || (!p.formerly.empty() && p.formerly == given);
                });
                if (found == parameters.end())
                    fail(at, names.empty() ? concat(term->name, " takes no arguments")
                                           : concat("\"", beginning(given), "\" is not an argument of ", term->name,
                                                    "; did you mean ", nearest_names(beginning(given), names), "?"));
                parameter = &*found;
                old_form = old_form || parameter->name != given;
                skip_spaces();
                at = at_;
                given = value();
            } else if (named) {
                fail(at, "an argument without a name after one with a name");
            } else if (!parameter) {
                fail(at, concat(term->name, " takes at most ", parameters.size(), " arguments"));
            }
            if (given.empty()) fail(at, concat("expected a value for ", parameter->name));
            if (!arguments.emplace(parameter->name, argument(at, *parameter, given)).second)
                fail(at, concat(parameter->name, " is given twice"));
            if (next() != ',' && next() != ')') fail(at_, "expected ',' or ')'");
        }
        expect(')');
        return located(begin,
                       [&] { return Objective::term(std::move(term), std::move(arguments), place(begin), old_form); });
    }

    std::shared_ptr<const std::string> whole_;
    const std::string& text_;
    const TermTable& terms_;
    size_t at_ = 0;
    int depth_ = 0;
};

}  // namespace

Objective parse_objective(const std::string& text, const TermTable& terms) { return Parser(text, terms).whole(); }

}  // namespace limpid
