// Parses the tables of names/*.txt.
#include "weights/name_table.h"

#include <sstream>

namespace limpid {

std::vector<NameRow> parse_name_table(std::string_view text) {
    std::vector<NameRow> rows;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream words(line);
        NameRow row;
        std::string form;
        words >> row.layer >> row.filter.n >> row.filter.h >> row.filter.w >> row.filter.c >> row.source >> form >>
            row.group;
        CHECK(!words.fail(), "name table: ", line);
        if (form == "conv") {
            row.form = NameRow::Form::conv;
        } else if (form == "dense") {
            row.form = NameRow::Form::dense;
        } else {
            row.form = NameRow::Form::flattened;
            std::istringstream sizes(form);
            char x1 = 0, x2 = 0;
            sizes >> row.map.h >> x1 >> row.map.w >> x2 >> row.map.c;
            CHECK(!sizes.fail() && x1 == 'x' && x2 == 'x' && row.map.size() == row.filter.w, "name table: ", line);
        }
        rows.push_back(row);
    }
    return rows;
}

}  // namespace limpid
