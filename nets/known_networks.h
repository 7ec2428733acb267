// The networks that are known by the variant of their weights, for files without a text of their own.
#pragma once

#include <string>

#include "nets/architecture.h"
#include "weights/weights.h"

namespace limpid {

// What the weights are the parameters of: their own text, else that of their variant. Throws Error for a text that is
// wrong, and for a variant that is not known.
Architecture architecture_of(const Weights& weights);

// Throws Error that lists every parameter which is missing or misshapen; and for labels that are not one for each
// logit, where the text is the weights' own.
void check_weights(const Architecture& architecture, const Weights& weights);

// The weights with the text of their network, for a file that needs no table of variants. Weights that are not all of
// their variant's stay as they are. Throws Error where a text of their own is wrong.
Weights with_network_text(Weights weights);

// "preprocessed = normalise(input, ...)"
std::string preprocessing_line(const Preprocessing& p);

}  // namespace limpid
