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

// One label a line, with or without a WordNet id ("n01440764 tench, Tinca tinca"): the labels of outputs first, first +
// 1, ... of a layer with `outputs` outputs, "" elsewhere. Throws Error where there are more lines than outputs.
std::vector<std::string> parse_labels(std::string_view text, int64_t first, int64_t outputs);

}  // namespace limpid
