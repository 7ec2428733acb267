// How a picture is prepared for a network whose file does not say it.
#pragma once

#include <map>
#include <string>

#include "kernels/tensor.h"

namespace limpid {

// The settings of the layer that normalises the picture (nets/layers/image.cpp), for what was asked; "": the network
// takes it, in [0,1], as it is. asked is one of
//   torchvision   (x - mean) / std of ImageNet: three channels RGB
//   caffe         0..255, BGR, minus the means of ILSVRC-2012
//   tensorflow    -1..1
//   none          0..1
//   or settings   "scale=255; mean=104 117 123; order=2 1 0": x[j] = scale[j] * picture[order[j]] - mean[j]
// Throws UsageError for anything else, and where channels do not fit.
std::string preprocessing_settings(const std::string& asked, int64_t channels);

// The same where nothing was asked: what the file says in its metadata (Image.* of Windows ML), else a guess: three
// channels are torchvision's, others none. note: what was guessed, and how to say it; empty: the file says it.
struct AssumedPreprocessing {
    std::string text, note;
};
AssumedPreprocessing assumed_preprocessing(const std::map<std::string, std::string>& metadata, int64_t channels);

}  // namespace limpid
