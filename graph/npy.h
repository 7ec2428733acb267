// NumPy's .npy files (format 1.0, little-endian float32, C order): what numeric results are dumped as.
#pragma once

#include <string>

#include "kernels/tensor.h"

namespace limpid {

// Shape [n,h,w,c]. Throws Error naming the path and the reason.
void write_npy(const std::string& path, const HostTensor& tensor);

}  // namespace limpid
