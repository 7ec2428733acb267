// Arrays that objectives and parameterisations name: vectors, masks and pictures in files.
#pragma once

#include <string>

#include "kernels/tensor.h"
#include "weights/bytes.h"

namespace limpid {

// NumPy's .npy of float32, float64 or uint8 in C order; missing axes are 1 in front, more than four are joined in
// front: a vector (512,) is {1,1,1,512}, (2,25,14,14,11) is {50,14,14,11}. Any other file is read as a picture, RGB in
// [0,1]. Throws Error naming the file.
HostTensor load_array(const std::string& path);
// A photo as a picture of h x w: resized and cropped in the middle like a network's input (fit_photo); on white, or
// {1,h,w,4} with its opacity. A .npy is taken as it is. Throws Error naming the file.
HostTensor load_photo(const std::string& path, int64_t h, int64_t w, bool with_alpha);
// The bytes of a .npy. Throws Error without the file's name.
HostTensor decode_npy(Bytes bytes);

}  // namespace limpid
