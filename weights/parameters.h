// Matches the parameter arrays found in a foreign file with a name table, whole: either every tensor is right, or one
// Error lists everything that is wrong.
#pragma once

#include "weights/bytes.h"
#include "weights/name_table.h"
#include "weights/weights.h"

namespace limpid {

// Everything wrong with a file, said at once.
class Problems {
  public:
    void add(std::string problem);
    // Said after the problems, and only where there are any.
    void add_note(std::string note) { notes_.push_back(std::move(note)); }
    bool empty() const { return list_.empty(); }
    // Throws one Error of one line unless empty. `advice`: what was expected and what to do.
    void throw_if_any(std::string_view advice) const;

  private:
    std::vector<std::string> list_, notes_;
    size_t more_ = 0;  // problems beyond those kept
};

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

// Adds the tensors of `table` to `weights`, and names of `found` that the table lacks to weights.unused.
// Groups other than trunk that are absent as a whole are skipped. Reads values only of arrays with the expected shape.
void take_parameters(const std::vector<NameRow>& table, const ParameterFormat& format, const FoundParameters& found,
                     Problems& problems, Weights& weights);

}  // namespace limpid
