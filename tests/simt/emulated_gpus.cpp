// How many GPUs limpid_emulated has: the program has no option for it, since it is the one that users have.
#include <cstdlib>

#include "tests/simt/simt.h"

namespace {

const int g_devices = [] {
    const char* text = std::getenv("LIMPID_EMULATED_GPUS");
    return simt::options().devices = text ? std::atoi(text) : 1;
}();

}  // namespace
