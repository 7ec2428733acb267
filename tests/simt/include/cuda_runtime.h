// Stands in for NVIDIA's header of this name: with this folder first on the include path, an ordinary .cu file compiles
// as C++ and runs on the emulator. No kernel file names the emulator; only kernels/device/ptx.cuh asks for SIMT_HOST.
#pragma once

#define SIMT_HOST 1

// Before the language: its macros would rewrite the standard library's own attributes.
#include <algorithm>
#include <cfloat>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simt/collectives.h"
#include "tests/simt/intrinsics.h"
#include "tests/simt/language.h"
#include "tests/simt/runtime_api.h"
