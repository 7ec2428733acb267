// One character after the other: RFC 4180.
#include "viz/batch/csv.h"

#include <algorithm>

#include "kernels/error.h"
#include "nets/trimmed.h"

namespace limpid {

std::optional<CsvRow> CsvReader::next() {
    while (at_ < text_.size()) {
        const size_t begin = at_;
        const int64_t line = line_;
        CsvRow result;
        try {
            result = row();
        } catch (const UsageError& error) {
            // The other lines are read as if this one were not there.
            at_ = std::min(text_.find('\n', begin), text_.size());
            line_ = line;
            result = {line, {}, error.what()};
        }
        at_++;
        line_++;
        if (result.cells != std::vector<std::string>{""}) return result;
    }
    return std::nullopt;
}

// Up to the end of the line.
CsvRow CsvReader::row() {
    CsvRow result{line_, {}, ""};
    for (;;) {
        while (here() == ' ' || here() == '\t') at_++;
        std::string cell;
        if (here() == '"') {
            cell = quoted();
            while (here() == ' ' || here() == '\t' || here() == '\r') at_++;
            if (here() != ',' && here() != '\n')
                throw UsageError(concat("found '", here(), "' after a quoted cell, expected a comma"));
        } else {
            const size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
            cell = text_.substr(at_, end - at_);
            at_ = end;
        }
        result.cells.push_back(trimmed(cell, kLineBlanks));
        if (here() == '\n') return result;
        at_++;
    }
}

std::string CsvReader::quoted() {
    std::string cell;
    for (at_++; at_ < text_.size(); at_++) {
        if (text_[at_] == '"' && text_.substr(at_ + 1, 1) != "\"") {
            at_++;
            return cell;
        }
        if (text_[at_] == '"') at_++;
        line_ += text_[at_] == '\n';
        cell += text_[at_] == '\n' || text_[at_] == '\r' ? ' ' : text_[at_];
    }
    throw UsageError("a quote is not closed");
}

}  // namespace limpid
