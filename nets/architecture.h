// A network without its parameters, as a value that prints and parses: parse_architecture(to_string(a)) == a. The text
// is what converted files keep, and what `limpid info --text` shows: a line for each layer, in an order in which its
// inputs come first.
//
//   network: an example              # what messages call it; all lines with a colon may be missing
//   logits: digit                    # the output that the labels name
//   outputs: digit, orientation      # all outputs
//   default: texture                 # the layers that a command looks at when none is named ...
//   default grids: edge, texture     # ... and for one purpose
//   columns: texture 8               # of a sheet with all channels of that layer
//   input = image(size=28x40, channels=1)
//   preprocessed = normalise(input, scale=255, mean=33.3)
//   edge = conv(preprocessed, channels=16, window=5x3, stride=2x1, pad=same, activation=relu)
//   texture = conv(edge, channels=32, window=3x3, activation=relu)
//   ...
//
// Kinds, and what may be said of each: nets/layers/kind.h. '#' begins a comment. Names are of printable ASCII without
// blanks and without ( ) , = : # ", at most 200 characters; "input" is the picture, and the only image that commands
// feed.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

struct LayerKind;

// What one KEY=VALUE says: numbers (whole where the rule says so), or one word.
struct Setting {
    std::vector<double> numbers;  // {5, 3} of 5x3
    std::string word;             // "same"
    bool operator==(const Setting&) const = default;
};

struct Layer {
    std::string name;
    const LayerKind* kind = nullptr;
    std::vector<std::string> inputs;
    std::map<std::string, Setting, std::less<>> settings;  // every one that the kind knows, the usual ones too

    const std::vector<double>& numbers(std::string_view key) const { return settings.find(key)->second.numbers; }
    int64_t whole(std::string_view key, size_t place = 0) const { return int64_t(numbers(key)[place]); }
    bool says(std::string_view key, std::string_view word) const { return settings.find(key)->second.word == word; }
    bool operator==(const Layer&) const = default;
};

struct Architecture {
    std::string name;                                          // "GoogLeNet (bvlc)"
    std::string logits;                                        // "": the network has no classes
    std::vector<std::string> outputs;                          // all outputs
    std::map<std::string, std::vector<std::string>> defaults;  // layers by purpose; "": for any
    std::map<std::string, int64_t> columns;                    // by layer
    std::vector<Layer> layers;

    // The picture, and its canonical size {1,h,w,c}. Only of whole architectures, as parsing gives them.
    const Layer& input() const;
    Shape image() const;
    bool operator==(const Architecture&) const = default;
};

// Throws Error with line, what was found and what was expected. What is returned is whole: inputs are there and fit,
// names are unique, every layer exists at the canonical size with at most 2^31 values and parameters.
Architecture parse_architecture(std::string_view text);
std::string to_string(const Architecture& architecture);

// The shape of every layer at the canonical size, and of every parameter, by name. Throws Error where shapes do not
// fit.
struct ArchitectureShapes {
    std::map<std::string, Shape> layers, parameters;
};
ArchitectureShapes shapes_of(const Architecture& architecture);
std::map<std::string, Shape> parameter_shapes(const Architecture& architecture);

// What becomes of the picture first, or of it in grey: x[j] = scale[j] * picture[order[j]] - mean[j], for each channel;
// where no line normalises the input, x is the picture.
struct Normalisation {
    std::vector<int64_t> order;
    std::vector<float> scale, mean;
};
Normalisation normalisation_of(const Architecture& architecture);
// The channels of the picture that people see as red, green and blue.
std::array<int64_t, 3> shown_channels(const Architecture& architecture);
// Whether all that is taken of the picture is how bright it is.
bool sees_grey(const Architecture& architecture);

// The convolutions and concatenations that all of the main output (the logits; else the first output; else the last
// layer) comes through: blocks, without the branches inside of them.
std::vector<std::string> trunk_layers(const Architecture& architecture);
// The layers for that purpose: what the architecture says of it; else what it says for any; else the last of its trunk.
// Empty where that is empty.
std::vector<std::string> default_layers(const Architecture& architecture, const std::string& purpose = "");

}  // namespace limpid
