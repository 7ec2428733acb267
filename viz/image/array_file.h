// Arrays that objectives and parameterisations name: vectors, masks and pictures in files.
#pragma once

#include <string>

#include "kernels/tensor.h"

namespace limpid {

// NumPy's .npy of float32 or float64 in C order with up to four axes; missing axes are 1 in front: a vector (512,) is
// {1,1,1,512}. Any other file is read as a picture, RGB in [0,1]. Throws Error naming the file.
HostTensor load_array(const std::string& path);

}  // namespace limpid
