// Lists of class labels: one line for each output of a classifier.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace limpid {

// The outputs of a classifier, and those of them that stand for a class: each of these must have a label.
struct ClassOutputs {
    int64_t outputs = 0;
    int64_t first = 0, count = 0;
};

// One label a line, with or without a WordNet id ("n01440764 tench, Tinca tinca"): the labels of outputs first_line,
// first_line + 1, ..., "" elsewhere. Lines end with LF or CR LF; a byte order mark and blank lines at the end do not
// count. Throws Error, with the line, for text that is not UTF-8, for control characters, for a blank line or none
// where a class is, and for more lines than outputs.
std::vector<std::string> parse_labels(std::string_view text, int64_t first_line, const ClassOutputs& classes);

// Throws Error unless there are no labels, or one for each output and a name for each class.
void check_labels(const std::vector<std::string>& labels, const ClassOutputs& classes);

}  // namespace limpid
