// Results are not written over what they are made of.
#pragma once

#include <string>
#include <vector>

namespace limpid {

// Throws before the work: UsageError where one of the outputs is one of the inputs, by whatever name (links, "./"), or
// two outputs are the same file; Error where an output is a folder, pipe, socket or device, or its folder is not there
// or may not be written to. Inputs that do not exist are no concern of this function, and "" is none.
void check_outputs(const std::vector<std::string>& outputs, const std::vector<std::string>& inputs);

}  // namespace limpid
