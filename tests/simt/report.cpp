// Options, reports and counts of the emulator.
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <stdexcept>

#include "tests/simt/collectives.h"
#include "tests/simt/simt.h"
#include "tests/simt/streams.h"

namespace simt {

namespace {

constexpr size_t kMostReports = 50;

constinit Options g_options;  // before constructors that set it
std::vector<std::string> g_errors;
Counts g_counts;

struct Choice {
    std::string_view name;
    int value;
};
constexpr Choice kOrders[] = {
    {"forward", int(Order::forward)}, {"reverse", int(Order::reverse)}, {"random", int(Order::random)}};
constexpr Choice kAsyncs[] = {{"eager", int(Async::eager)}, {"lazy", int(Async::lazy)}};
constexpr Choice kSwitches[] = {{"off", 0}, {"on", 1}};

template <size_t N>
int choose(std::string_view option, std::string_view value, const Choice (&choices)[N]) {
    std::string known;
    for (const Choice& choice : choices) {
        if (choice.name == value) return choice.value;
        known += (known.empty() ? "" : ", ") + std::string(choice.name);
    }
    throw std::invalid_argument(std::string(option) + " " + std::string(value) + ": expected " + known);
}

uint32_t parse_seed(std::string_view text) {
    uint32_t seed = 0;
    if (std::from_chars(text.begin(), text.end(), seed).ptr != text.end() || text.empty())
        throw std::invalid_argument("--schedule random:" + std::string(text) + ": expected a number");
    return seed;
}

}  // namespace

Options& options() { return g_options; }
Counts& counts() { return g_counts; }

bool parse_option(std::string_view name, std::string_view value) {
    if (name == "--schedule") {
        const size_t colon = value.find(':');
        g_options.order = Order(choose(name, value.substr(0, colon), kOrders));
        if (colon != value.npos) g_options.seed = parse_seed(value.substr(colon + 1));
    } else if (name == "--async") {
        g_options.async = Async(choose(name, value, kAsyncs));
    } else if (name == "--check") {
        g_options.check = choose(name, value, kSwitches);
    } else if (name == "--profile") {
        g_options.profile = choose(name, value, kSwitches);
    } else if (name == "--ptx") {
        for (const auto& entry : std::filesystem::directory_iterator(value))
            if (entry.path().extension() == ".ptx") g_options.ptx_files.push_back(entry.path());
    } else {
        return false;
    }
    return true;
}

std::string describe_options() {
    std::string text = "--schedule " + std::string(kOrders[int(g_options.order)].name);
    if (g_options.order == Order::random) text += ":" + std::to_string(g_options.seed);
    text += " --async " + std::string(kAsyncs[int(g_options.async)].name);
    text += " --check " + std::string(kSwitches[g_options.check].name);
    if (!g_options.ptx_files.empty())
        text += ", kernels interpreted from " + std::to_string(g_options.ptx_files.size()) + " PTX files";
    return text;
}

const std::vector<std::string>& errors() { return g_errors; }
void reset_errors() {
    g_errors.clear();
    clear_device_error();
}

void error(const char* format, ...) {
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (g_errors.size() < kMostReports) g_errors.emplace_back(text);
}

}  // namespace simt
