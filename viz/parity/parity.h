// Whether this program's numbers are those that were published with the papers: the golden list.
//
// The folder holds what the article and Lucid's notebooks published, as files:
//   lucid/   notebook_*.json, .npz, .npy, and the photos input_*.png: of Lucid's InceptionV1, whose weights it takes
//   nmf/     X_mixed4d_activations.npy, X_mixed4d_nmf.npy, X_info.json: needs no weights
//   article/ attributions/X/{teaser,channel_attr,spatial_attr}.json: the article's data, of the photos in lucid/
#pragma once

#include <string>
#include <vector>

#include "kernels/stream.h"
#include "nets/net.h"

namespace limpid {

struct ParityRow {
    std::string reference;  // a file of the folder
    std::string what;       // which numbers
    double error = 0;       // the worst, in the unit of the tolerance
    double tolerance = 0;
    std::string skipped;  // why it could not be checked; empty: it was

    // Numbers that are not finite are a miss.
    bool ok() const { return !skipped.empty() || error <= tolerance; }
};

// lucid: Lucid's network, or null where its weights are not at hand: `reason` then says so in the rows that need them.
// Throws Error where a file is damaged.
std::vector<ParityRow> check_parity(const std::string& folder, const Net* lucid, const std::string& reason,
                                    Stream& stream);

}  // namespace limpid
