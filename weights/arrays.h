// Bulk numbers for other programs: named arrays of floats in an HDF5 file, with texts that say what they are.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// The bytes of the file: a dataset {n,h,w,c} of 32-bit floats for each array, a string attribute of the file for each
// text. The same content gives the same bytes. (For weights see weights.h: their files are checked when read.)
std::vector<std::byte> write_arrays(const std::map<std::string, HostTensor>& arrays,
                                    const std::map<std::string, std::string>& texts);

}  // namespace limpid
