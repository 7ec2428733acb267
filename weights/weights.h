// Trained parameters as named tensors, with what is needed to use them: where they came from, how images are prepared,
// class labels.
//
// Names are Lucid's for every variant: "<layer>_w", "<layer>_b" with layers conv2d0, mixed3a_3x3_bottleneck, softmax2,
// ... Convolution filters are {R,S,C,K}, dense matrices {1,1,in,out}, biases {1,1,1,K}. Importers rename and convert on
// the way in.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// How an image t in [0,1], RGB, becomes the network's input: x[j] = scale * t[source[j]] - mean[j].
struct Preprocessing {
    std::array<int, 3> source{0, 1, 2};  // {2,1,0}: the network takes BGR
    float scale = 255.0f;
    std::array<float, 3> mean{117.0f, 117.0f, 117.0f};
    bool operator==(const Preprocessing&) const = default;
};

struct Weights {
    std::string variant;        // "inception5h", "bvlc", ...: where there is no text, which known network this is
    std::string network;        // its text (nets/architecture.h); "": that of the variant, with the preprocessing below
    std::string source;         // name of the file they were converted from, without folders
    std::string source_sha256;  // of that file
    // SHA-256 over names, shapes and values, in order of name: identifies the parameters themselves.
    std::string checksum;
    Preprocessing preprocessing;
    std::vector<std::string> labels;  // by output index; "" for outputs without a meaning; empty: none known
    std::map<std::string, HostTensor> tensors;
    // After an import: arrays of the file for which the variant has no place; what was guessed or left out. Not saved.
    std::vector<std::string> unused, notes;
};

// Options of an import. Empty strings: decided from the file.
struct ImportOptions {
    std::string variant;
    std::string labels_file;          // one label per line, "n01440764 tench, Tinca tinca" or "tench"
    int64_t labels_first_output = 0;  // output index of the first line
    // How pictures are prepared for a network whose file does not say it (weights/import/preprocess.h): torchvision,
    // caffe, tensorflow, none, or "scale=...; mean=...".
    std::string preprocess{};
    // Of a network that takes more than RGB: the channels, from 0, that people see as red, green and blue: "3 2 1".
    std::string shown{};
};

// Reads a converted file (.h5). Throws Error listing everything that is wrong with it; verifies the checksum.
Weights load_weights(const std::string& path);

// Reads .caffemodel (V1 and current layers), a frozen TensorFlow GraphDef (.pb), .onnx or .h5, told apart by content,
// not by name.
Weights import_weights(const std::string& path, const ImportOptions& options = {});

// How a file keeps values. float16: in half the space, for weights that were rounded to it by stored().
enum class Storage { float32, float16 };

// The weights as a file of that storage gives them back: rounded, with the checksum of the rounded values. Throws Error
// when a value is beyond the range.
Weights stored(Weights weights, Storage storage);

// Writes atomically (a temporary file beside it, then a rename): on any failure the old file, or none, is left. Throws
// Error for values that the storage would change.
void save_weights(const std::string& path, const Weights& weights, Storage storage = Storage::float32);

std::string checksum_of(const std::map<std::string, HostTensor>& tensors);

}  // namespace limpid
