// Small kernels with one bug each, and twins without it.
#pragma once

#include <string>
#include <vector>

#include <cuda_runtime.h>

namespace planted {

enum class Seen { check, lazy_check, asan, any_mode };

struct Case {
    std::string name;
    // A part of the report that must appear. Empty: a clean twin, about which nothing may be reported.
    std::string report;
    Seen seen;  // in which mode the bug can be seen at all
    cudaError_t (*run)(const float* x, float* y);
};
// x holds kFloats numbers 0, 1, 2, ...; y has room for kFloats, and nobody has written there.
constexpr int kFloats = 1024;
const std::vector<Case>& cases();

}  // namespace planted
