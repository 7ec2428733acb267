// A small network whose filters are formulas: what the demo and the tests see when no trained weights are at hand.
#pragma once

#include "nets/net.h"

namespace limpid {

// The parameters, made on the spot: oriented Gabor filters, then units that look for arrangements of them. Every unit's
// optimal picture is known: "gabor" channel 3*i + j is a grating of orientation i*pi/8 in colour axis j (black-white,
// red-green, blue-yellow); "texture" units are gratings, checks, rings, spirals and stars of them (see tiny.cpp).
Weights tiny_weights();
// Its text, for parse_architecture.
std::string tiny_text(const std::string& preprocessed);

}  // namespace limpid
