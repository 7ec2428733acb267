// Which layer a command looks at when none is named.
#pragma once

#include <string>

#include "nets/net.h"

namespace limpid {

// asked, unless it is empty; then `usual` if the network has it, else its last inception block.
std::string usual_layer(const Net& net, const std::string& asked, const std::string& usual = "mixed4d");

}  // namespace limpid
