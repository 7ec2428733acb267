// NumPy's .npy files (format 1.0, little-endian float32, C order): what numeric results are dumped as.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// The bytes of the file; shape [n,h,w,c].
std::vector<std::byte> npy_bytes(const HostTensor& tensor);
// Writes atomically. Throws Error naming the path and the reason.
void write_npy(const std::string& path, const HostTensor& tensor);

}  // namespace limpid
