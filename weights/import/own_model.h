// Models that this program wrote (nets/onnx/): what a layer was taken apart into becomes one node again, so that the
// same text is read. Nothing is believed of a graph but names and what people are shown: what it computes is what its
// nodes compute, whatever another program has made of them since.
#pragma once

#include "weights/import/draft.h"

namespace limpid {

// By its metadata (weights/onnx.h).
bool is_own(const ImportGraph& graph);

// Makes one node of those that have the form in which a kind is written, named after the layer; some are operators of
// own_operators.cpp. Other nodes stay as they are, with those that no output depends on.
void put_together(ImportGraph& graph);

// The canonical size, height and width; nullopt: it is not said.
std::optional<std::pair<int64_t, int64_t>> own_size(const ImportGraph& graph);

// The channels that people see, "3 2 1"; "": it is not said.
std::string own_shown(const ImportGraph& graph);

// The lines of the text that have a colon, and how many channels the logits have. nullopt: there are none, or they name
// a layer that has not been read.
struct OwnProperties {
    std::string text;
    int64_t classes = 0;
};
std::optional<OwnProperties> own_properties(const ImportGraph& graph, const Draft& draft);

}  // namespace limpid
