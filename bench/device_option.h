// The options that benchmarks have besides those of Google Benchmark.
#pragma once

#include <string>

#include "kernels/stream.h"

namespace limpid {

// Takes "--name value" out of argv; "" when it is not there.
std::string take_option(int& argc, char** argv, const std::string& name);
// Takes "--name" out of argv; whether it was there.
bool take_flag(int& argc, char** argv, const std::string& name);
// --device (default cpu) and --precision.
Device take_device(int& argc, char** argv);

}  // namespace limpid
