// Removes what Google Benchmark would not understand.
#include "bench/device_option.h"

namespace limpid {
namespace {

void remove(int& argc, char** argv, int at, int count) {
    for (int i = at; i + count < argc; i++) argv[i] = argv[i + count];
    argc -= count;
}

}  // namespace

std::string take_option(int& argc, char** argv, const std::string& name) {
    for (int i = 1; i + 1 < argc; i++)
        if (name == argv[i]) {
            const std::string value = argv[i + 1];
            remove(argc, argv, i, 2);
            return value;
        }
    return "";
}

bool take_flag(int& argc, char** argv, const std::string& name) {
    for (int i = 1; i < argc; i++)
        if (name == argv[i]) {
            remove(argc, argv, i, 1);
            return true;
        }
    return false;
}

Device take_device(int& argc, char** argv) {
    const std::string device = take_option(argc, argv, "--device"), precision = take_option(argc, argv, "--precision");
    Device result = parse_device(device.empty() ? "cpu" : device);
    if (!precision.empty()) result.precision = parse_precision(precision);
    return result;
}

}  // namespace limpid
