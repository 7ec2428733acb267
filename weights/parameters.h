// Matches the parameter arrays found in a foreign file with a name table, whole: either every tensor is right, or one
// Error lists everything that is wrong.
#pragma once

#include <set>

#include "weights/bytes.h"
#include "weights/name_table.h"
#include "weights/weights.h"

namespace limpid {

// Everything wrong with a file, counted; the first are kept to be said.
class Problems {
  public:
    void add(std::string problem);
    // Said after the problems, and only where there are any.
    void add_note(std::string note) { notes_.push_back(std::move(note)); }
    bool empty() const { return count_ == 0; }
    // Throws one Error of one line unless empty: the first three, their number, notes, advice (what was
    // expected or why it is wrong, and what to do).
    void throw_if_any(std::string_view advice) const;

  private:
    std::vector<std::string> first_, notes_;
    size_t count_ = 0;
};

// The first three of many names, and how many more: "a, b, c and 4 more".
std::string first_names(const std::vector<std::string>& names);

// An array lying in a file: shape and place are known, no value has been read or allocated.
struct FoundParameter {
    std::vector<int64_t> shape;
    std::string fault;    // why it cannot be used, as "holds 3 values, its shape has 4"; empty: it can
    Bytes record;         // what `read` decodes
    uint64_t offset = 0;  // of the record in the file
    std::vector<float> (*read)(const FoundParameter&) = nullptr;  // exactly as many values as the shape has
};
using FoundParameters = std::map<std::string, FoundParameter>;

// How a file format names and lays out the two parameters of a layer.
struct ParameterFormat {
    std::string weight_suffix, bias_suffix;  // appended to the table's source name
    bool transposed = false;                 // Caffe: filters [K][C][R][S], matrices [out][in]; otherwise as ours
};

// The elements of a shape; nullopt-like -1 on a negative size or an overflow.
int64_t checked_size(const std::vector<int64_t>& shape);
std::string shape_text(const std::vector<int64_t>& shape);

// The groups of the table of which anything was found, and trunk.
std::set<std::string> groups_of(const std::vector<NameRow>& table, const ParameterFormat& format,
                                const FoundParameters& found);

// What stands before the table's names in the names of the file, as "import/"; empty: nothing.
std::string foreign_prefix(const std::vector<NameRow>& table, const ParameterFormat& format,
                           const FoundParameters& found);

// The outputs of the file's classifier, where their number is not the table's; 0: it is, or there is no classifier.
int64_t other_classes(const std::vector<NameRow>& table, const ParameterFormat& format, const FoundParameters& found);

// Adds the tensors of these groups of `table` to `weights`, and names of `found` that the table lacks to
// weights.unused. Reads values only of arrays with the expected shape.
void take_parameters(const std::vector<NameRow>& table, const ParameterFormat& format,
                     const std::set<std::string>& groups, const FoundParameters& found, Problems& problems,
                     Weights& weights);

}  // namespace limpid
