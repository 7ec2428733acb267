// RFC 4180, and lines that are no rows.
#include "viz/batch/csv.h"

#include <gmock/gmock.h>

namespace limpid {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<CsvRow> rows_of(const std::string& text) {
    CsvReader reader(text);
    std::vector<CsvRow> rows;
    while (std::optional<CsvRow> row = reader.next()) rows.push_back(*row);
    return rows;
}

TEST(Csv, CellsAreQuotedWhereTheyMust) {
    const std::vector<CsvRow> rows = rows_of("a, b ,\"c, \"\"d\"\"\" , \"\"\r\n\r\n,e\n\"x\r\ny\",z\nlast");
    ASSERT_EQ(rows.size(), 4u);
    EXPECT_THAT(rows[0].cells, ElementsAre("a", "b", "c, \"d\"", ""));
    EXPECT_THAT(rows[1].cells, ElementsAre("", "e"));
    EXPECT_THAT(rows[2].cells, ElementsAre("x  y", "z"));
    EXPECT_THAT(rows[3].cells, ElementsAre("last"));
    std::vector<int64_t> lines;
    for (const CsvRow& row : rows) lines.push_back(row.line);
    EXPECT_THAT(lines, ElementsAre(1, 3, 4, 6));
}

TEST(Csv, AnOpenQuoteSpoilsItsLineAlone) {
    const std::vector<CsvRow> rows = rows_of("a\n\"b\nc\n\"d\" e\nf");
    ASSERT_EQ(rows.size(), 5u);
    EXPECT_THAT(rows[1].error, HasSubstr("quote"));
    EXPECT_THAT(rows[1].cells, ElementsAre());
    EXPECT_THAT(rows[2].cells, ElementsAre("c"));
    EXPECT_THAT(rows[3].error, HasSubstr("expected a comma"));
    EXPECT_THAT(rows[4].cells, ElementsAre("f"));
    EXPECT_EQ(rows[4].line, 5);
}

TEST(Csv, NothingIsNoRow) {
    EXPECT_TRUE(rows_of("").empty());
    EXPECT_TRUE(rows_of("\n \r\n").empty());
}

}  // namespace
}  // namespace limpid
