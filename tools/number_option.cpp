// CLI11 converts with strtoull and strtod, which take -1 for 18446744073709551615, and nan for a number that no range
// refuses.
#include "tools/number_option.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>

#include "kernels/error.h"

namespace limpid {

namespace {

template <class T>
bool read(const std::string& text, T& value) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    return parsed.ec == std::errc() && parsed.ptr == end;
}

// "": the text is such a number.
template <class T>
std::string check(const std::string& text, const char* expected) {
    T value = 0;
    return read(text, value) ? "" : concat('"', text, "\" is not ", expected);
}

std::string check_real(const std::string& text, bool positive) {
    double value = 0;
    if (read(text, value) && std::isfinite(value) && (value > 0 || !positive)) return "";
    return concat('"', text, "\" is not a number", positive ? " above 0" : "");
}

}  // namespace

void check_numbers(CLI::App& app) {
    for (CLI::Option* option : app.get_options()) {
        const std::string type = option->get_type_name();
        std::function<std::string(std::string&)> refuse;
        if (type.starts_with("UINT"))
            refuse = [](std::string& text) {
                return check<uint64_t>(text, "a whole number from 0 to 18446744073709551615");
            };
        else if (type.starts_with("INT"))
            refuse = [](std::string& text) { return check<int64_t>(text, "a whole number"); };
        else if (type.starts_with("FLOAT"))
            // CLI::PositiveNumber says so with its 300 digits.
            refuse = [positive = type.find("POSITIVE") != std::string::npos](std::string& text) {
                return check_real(text, positive);
            };
        if (refuse) option->transform(CLI::Validator(refuse, ""));  // before the ranges
    }
}

}  // namespace limpid
