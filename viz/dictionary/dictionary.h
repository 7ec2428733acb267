// Semantic dictionaries (Olah et al. 2018): the channels that answer most at every position of a layer.
#pragma once

#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

struct DictionaryEntry {
    int64_t channel = 0;
    float value = 0;
};

struct Dictionary {
    int64_t rows = 0, columns = 0;
    int64_t initial_x = 0,
            initial_y = 0;  // the position of the largest activation: the first row, then the first column
    float most = 0;         // that activation
    std::vector<std::vector<DictionaryEntry>> positions;  // row by row; descending, equal values by channel

    const std::vector<DictionaryEntry>& at(int64_t y, int64_t x) const { return positions[size_t(y * columns + x)]; }
};

// The `top` largest channels of every position of activations {1,h,w,c}.
Dictionary make_dictionary(const HostTensor& activations, int64_t top);

}  // namespace limpid
