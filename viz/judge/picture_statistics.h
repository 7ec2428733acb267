// What is measured on a picture of a pattern: the direction of its lines, its frequency, its hue.
#pragma once

#include "kernels/tensor.h"

namespace limpid {

struct PictureStatistics {
    // Of the lines, in [0, 180): 0 horizontal, 45 rising from left to right, 90 vertical. By the structure tensor: the
    // direction in which the squares of the picture's differences, summed over pixels and channels, are smallest.
    double angle_degrees = 0;
    // Cycles per pixel: the ring of the Fourier spectrum with the most energy, all channels together, under a Hann
    // window; in steps of one cycle per picture, two at least.
    double frequency = 0;
    // In [0, 360): 0 red, 120 green, 240 blue. The direction of the mean colour in the plane of chromaticity.
    double hue_degrees = 0;
};

// Of the pixels where mask {1,h,w,1} is 1; an empty mask: of all. picture {1,h,w,3}, h and w at least 16.
PictureStatistics measure(const HostTensor& picture, const HostTensor& mask = {});

}  // namespace limpid
