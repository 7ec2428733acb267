// Tables as text: cells separated by commas (RFC 4180).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace limpid {

struct CsvRow {
    int64_t line = 1;  // where it begins, from 1
    std::vector<std::string> cells;
    std::string error;  // why it is no row; the cells are then empty
};

// Rows one after the other; blank ones are passed over. A cell with commas, quotes or line breaks is quoted, its quotes
// doubled. Spaces around cells do not count, and a line break within quotes counts as a space. A row whose quote is not
// closed is an error of that line alone.
class CsvReader {
  public:
    explicit CsvReader(std::string_view text) : text_(text) {}
    std::optional<CsvRow> next();

  private:
    CsvRow row();
    std::string quoted();
    char here() const { return at_ < text_.size() ? text_[at_] : '\n'; }

    std::string_view text_;
    size_t at_ = 0;
    int64_t line_ = 1;
};

}  // namespace limpid
