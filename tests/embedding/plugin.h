// What the plug-in exports: limpid as another program has it, in a shared object that was loaded by name.
#pragma once

#include <cstdint>

inline constexpr int kPluginSide = 32;  // pixels

extern "C" {
// Renders texture unit `unit` of the tiny network: kPluginSide x kPluginSide RGB pixels, with two threads of its own.
// False where limpid threw; then `message` has the first 200 bytes of what it said.
bool plugin_render(int64_t unit, uint64_t seed, float* pixels, char message[200]);
}
