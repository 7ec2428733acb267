// Brings parameters of other layouts into ours: filters RSCK, matrices [in, out].
#pragma once

#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// Filters in Caffe's order [K][C][R][S]; `rsck` is the shape of the result.
HostTensor rsck_from_kcrs(const std::vector<float>& values, Shape rsck);
// And back.
std::vector<float> kcrs_from_rsck(const HostTensor& filter);
// A matrix [out][in] becomes {1,1,in,out}.
HostTensor matrix_from_transposed(const std::vector<float>& values, Shape in_out);
// The same, where inputs are a flattened map: in the file channel by channel (c,h,w), in the result (h,w,c). map is
// {1,H,W,C}.
HostTensor matrix_from_transposed_chw(const std::vector<float>& values, Shape in_out, Shape map);

}  // namespace limpid
