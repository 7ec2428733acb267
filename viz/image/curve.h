// A curve of positive numbers as a picture: how training went.
#pragma once

#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// {1,h,w,3}: values from left to right, on a logarithmic scale; grey lines at powers of ten, faint ones at their 2- and
// 5-fold. Throws Error unless there is a value and all are finite and above 0.
HostTensor curve(const std::vector<float>& values, int64_t w, int64_t h);

}  // namespace limpid
