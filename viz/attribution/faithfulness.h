// Whether an attribution tells the truth about the network.
//
//   deletion, insertion  (Petsiuk et al. 2018) pixels are removed from the photo, or put into a blank one, in the order
//                        of the map, largest first; the probability of the class along the way. A faithful map has a
//                        small area under deletion and a large one under insertion.
//   randomised weights   (Adebayo et al. 2018) a map that does not change when the network's upper layers become random
//                        shows the photo, not the network.
#pragma once

#include "viz/attribution/perturbation_methods.h"

namespace limpid {

struct FaithfulnessCurve {
    std::vector<double> probability;  // after step 0 (nothing changed), 1, ..., steps (everything changed)
    double area() const;              // mean of trapezoids: 0 to 1
};
// section: from "input" to the logits. map: {1,h,w,1} of the photo's size. blank: what a removed pixel is; empty: the
// grey that the preprocessing makes zero.
FaithfulnessCurve deletion(Section& section, const HostTensor& photo, const HostTensor& map, int64_t class_index,
                           int64_t steps = 50, const HostTensor& blank = {});
FaithfulnessCurve insertion(Section& section, const HostTensor& photo, const HostTensor& map, int64_t class_index,
                            int64_t steps = 50, const HostTensor& blank = {});

// The network with the parameters of every layer after `from` replaced (and its own, where it is a convolution or a
// matrix): normal numbers of each parameter's own mean and deviation.
Net randomised(const Net& net, const std::string& from, uint64_t seed = 0);
// Spearman's: correlation of ranks, ties sharing theirs. 0 where one of them is constant.
double rank_correlation(const HostTensor& a, const HostTensor& b);

}  // namespace limpid
