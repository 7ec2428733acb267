// Numbers with units of memory.
#include "tools/byte_count.h"

#include <charconv>

#include "kernels/error.h"

namespace limpid {

size_t parse_byte_count(const std::string& text) {
    double value = 0;
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data(), end, value);
    std::string unit(parsed.ptr, end);
    for (char& c : unit) c = c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
    constexpr struct {
        char letter;
        double factor;
    } kUnits[] = {{'k', 1024.0}, {'m', 1048576.0}, {'g', 1073741824.0}, {'t', 1099511627776.0}};
    double factor = unit.empty() || unit == "b" ? 1 : 0;
    for (const auto& known : kUnits)
        if (!unit.empty() && unit[0] == known.letter &&
            (unit.size() == 1 || unit.substr(1) == "b" || unit.substr(1) == "ib"))
            factor = known.factor;
    const double bytes = value * factor;
    if (parsed.ec != std::errc() || factor == 0 || !(bytes >= 1) || bytes > 1e18)
        throw UsageError(concat("\"", text, "\" is no amount of memory; expected one like 512MiB or 1.5GiB"));
    return static_cast<size_t>(bytes);
}

}  // namespace limpid
