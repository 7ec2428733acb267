// Parses the tables and label lists of names/*.txt.
#include "weights/name_table.h"

#include <algorithm>
#include <cctype>
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

namespace {

bool starts_with_wordnet_id(std::string_view line) {
    return line.size() > 10 && line[0] == 'n' && line[9] == ' ' &&
           std::all_of(line.begin() + 1, line.begin() + 9, [](unsigned char c) { return std::isdigit(c) != 0; });
}

}  // namespace

std::vector<std::string> parse_labels(std::string_view text, int64_t first, int64_t outputs) {
    std::vector<std::string> labels(static_cast<size_t>(outputs));
    if (first < 0 || first > outputs) {
        throw Error(concat("labels: first output ", first, ", expected 0 to ", outputs, "; give another first output"));
    }
    auto output = static_cast<size_t>(first);
    while (!text.empty()) {
        const size_t end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        if (starts_with_wordnet_id(line)) line.remove_prefix(10);
        if (output == labels.size()) {
            throw Error(concat("labels: more than ", outputs - first, " lines, expected one for each output from ",
                               first, " to ", outputs - 1, "; is this the label list of another network?"));
        }
        labels[output++] = line;
    }
    return labels;
}

}  // namespace limpid
