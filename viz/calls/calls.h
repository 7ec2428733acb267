// The small text language of parameterisations, transforms and recipes: NAME(value, key=value) ; NAME ; ...
#pragma once

#include <string>
#include <vector>

#include "kernels/error.h"
#include "viz/calls/place.h"

namespace limpid {

struct Call {
    struct Argument {
        std::string name;  // "" where given by position
        std::string value;
        TextPlace place;  // of the value
    };
    std::string name;
    std::vector<Argument> arguments;
    char behind = '\0';  // the separator that follows, '\0' at the end
    TextPlace place;
};

// Splits text at the separators outside of parentheses. `what` begins the messages: "transforms". Throws UsageError
// with the column. Empty text: no calls.
std::vector<Call> parse_calls(const char* what, const std::string& text, const std::string& separators);

// The arguments of a call by name: those given by position get the names in order.
class Arguments {
  public:
    // Throws UsageError, with the nearest names, on more arguments or others than these.
    Arguments(const Call& call, std::vector<std::string> names);

    double number(const std::string& name, double otherwise) const;
    // Whole and at least 0.
    int64_t count(const std::string& name, int64_t otherwise) const;
    std::string text(const std::string& name, const std::string& otherwise) const;
    bool flag(const std::string& name) const;  // "name" or name=yes, name=no

    [[noreturn]] void fail(const std::string& name, const std::string& why) const;

  private:
    const Call::Argument* find(const std::string& name) const;
    const Call& call_;
    std::vector<std::string> names_;
    std::vector<Call::Argument> given_;
};

// The shortest text that reads back as the same number.
std::string print_number(double value);
// The number that the whole text is, or UsageError.
double parse_number(const std::string& text);

// "" or "(first, second)": collects arguments that differ from their defaults.
class PrintedArguments {
  public:
    PrintedArguments& add(const std::string& name, double value, double otherwise);
    PrintedArguments& add(const std::string& name, const std::string& value, const std::string& otherwise);
    std::string text() const { return text_.empty() ? "" : "(" + text_ + ")"; }

  private:
    std::string text_;
};

}  // namespace limpid
