// The names agreed with one file format: which layer of a file becomes which of ours, and of what shape. Data lives in
// names/*.txt.
#pragma once

#include <string_view>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

struct NameRow {
    enum class Form { conv, dense, flattened };
    std::string layer;  // ours; its tensors are layer_w and layer_b
    Shape filter;       // RSCK, or {1,1,in,out}
    std::string source;
    Form form = Form::conv;
    Shape map;          // flattened: the {1,H,W,C} map whose elements are the matrix's inputs
    std::string group;  // "trunk" must be there; another group may be absent as a whole
};

// Rows of a table's text; '#' starts a comment. CHECKs the syntax: tables are ours.
std::vector<NameRow> parse_name_table(std::string_view text);

// Contents of a file of names/, compiled in by embed.cmake; empty: no such file.
std::string_view embedded(std::string_view name);

}  // namespace limpid
