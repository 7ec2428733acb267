// Values of attributes as text, in the form of names/*_graph.txt.
#pragma once

#include <string>

#include "weights/graph_list.h"
#include "weights/protobuf.h"

namespace limpid {

// One field with a value of the rule's kind. The last one counts, as protocol buffers have it; lists (integers, about)
// grow by the elements of the field. Throws Error where the field is of another wire type.
void append_attribute(const AttributeRule& rule, const Field& field, std::string& text);

// The shortest text that reads as the same number.
std::string number_text(float value);
std::string text_of(const std::vector<int64_t>& values);  // "1,2,2,1"; "none"

}  // namespace limpid
