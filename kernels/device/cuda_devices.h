// What CUDA finds on this machine, asked at run time.
#pragma once

#include <string>

namespace limpid {

// One line for people: the GPUs and which of them are too old, or why there is none ("built without CUDA", or the
// driver's own words).
std::string cuda_status();

}  // namespace limpid
