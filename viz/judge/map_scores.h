// What a map of attribution is worth where the truth is known: numbers between 0 and 1 for one map and the mask of the
// pixels that carry what was asked for.
//
//   map {1,h,w,1}: any numbers; of negative ones, which speak against, nothing is asked
//   mask {1,h,w,1}: 1 where the truth is, else 0
#pragma once

#include "kernels/tensor.h"

namespace limpid {

// The part of the picture that the mask covers: what a map scores that says nothing.
double mask_area(const HostTensor& mask);

// The part of the map's positive values that lies inside the mask. A map without any says nothing: the mask's area.
double energy_inside(const HostTensor& map, const HostTensor& mask);

// The pointing game (Zhang et al. 2016): 1 where the map's largest value lies inside the mask or at most `tolerance`
// pixels from it, else 0. Of several largest values, the part that does.
double pointing_game(const HostTensor& map, const HostTensor& mask, int64_t tolerance);

// Two concepts in one picture, a map for each. s_a: of the energy of map a inside either mask, the part in mask a; s_b
// likewise. The answer is (s_a + s_b) / 2: 1 where each map shows its own concept alone; exactly 1/2 where both maps
// are the same, whatever it is.
double class_discrimination(const HostTensor& map_a, const HostTensor& map_b, const HostTensor& mask_a,
                            const HostTensor& mask_b);

}  // namespace limpid
