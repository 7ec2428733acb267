// Where the weights are when the command line does not name a file: the only reader of LIMPID_MODELS and XDG_DATA_HOME.
#pragma once

#include <string>
#include <vector>

namespace limpid {

// Folders that are searched, in this order: $LIMPID_MODELS alone where it is set; otherwise $XDG_DATA_HOME/limpid, by
// default
// ~/.local/share/limpid. Empty when not even HOME is set.
std::vector<std::string> weights_folders();

// The folder that new weights are written to: the first of weights_folders(). Error when there is none.
std::string weights_home();

// Whether any weights lie in those folders.
bool has_weights();

// given: the value of --weights. A path is returned as it is; a bare name such as "bvlc" is looked up as bvlc.h5 in the
// folders; empty: googlenet.h5, else bvlc.h5, else the only .h5 there is. The Error says how to get weights.
std::string find_weights(const std::string& given);

}  // namespace limpid
