// Tests of label lists: their encodings, line ends, and which outputs must have a name.
#include "weights/labels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/error.h"

namespace limpid::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr ClassOutputs kThree{3, 0, 3};

std::vector<std::string> labels_of(std::string_view text, ClassOutputs classes = kThree, int64_t first = 0) {
    return parse_labels(text, first, classes);
}

std::string error_of(std::string_view text, ClassOutputs classes = kThree, int64_t first = 0) {
    try {
        labels_of(text, classes, first);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Labels, LineEndsAndMarksDoNotCount) {
    for (const char* text : {"a\nb\nc", "a\nb\nc\n", "a\r\nb\r\nc\r\n",
                             "\xef\xbb\xbf"
                             "a\nb\nc\n",
                             "a\nb\nc\n\n \n"})
        EXPECT_THAT(labels_of(text), ElementsAre("a", "b", "c")) << text;
    EXPECT_THAT(labels_of("caf\xc3\xa9\n\xe7\x8c\xab\n\xf0\x9f\x90\x88"),
                ElementsAre("caf\xc3\xa9", "\xe7\x8c\xab", "\xf0\x9f\x90\x88"));
}

TEST(Labels, EveryClassHasOne) {
    EXPECT_THAT(error_of("a\nb"), HasSubstr("labels: 2 lines, for the outputs from 0, expected a label for each of 3 "
                                            "classes, outputs 0 to 2; is the list cut short"));
    EXPECT_THAT(error_of(""), HasSubstr("labels: 0 lines"));
    EXPECT_THAT(error_of("\xef\xbb\xbf"), HasSubstr("labels: 0 lines"));
    EXPECT_THAT(error_of("a\nb\nc\nd"), HasSubstr("labels: 4 lines, expected at most 3"));
    EXPECT_THAT(error_of("a\n\nc"), HasSubstr("line 2: is blank, expected the label of output 1"));
    EXPECT_THAT(error_of("\na\nb"), HasSubstr("line 1: is blank, expected the label of output 0"));
    EXPECT_THAT(error_of("a\nb", kThree, 1), HasSubstr("for the outputs from 1"));
}

// Lucid's network: output 0 is background, those after the classes are nothing.
TEST(Labels, OutputsWithoutAClassMayHaveNone) {
    constexpr ClassOutputs some{5, 1, 2};
    EXPECT_THAT(labels_of("dummy\na\nb", some), ElementsAre("dummy", "a", "b", "", ""));
    EXPECT_THAT(labels_of("\na\nb\n\nc", some), ElementsAre("", "a", "b", "", "c"));
    EXPECT_THAT(labels_of("a\nb", some, 1), ElementsAre("", "a", "b", "", ""));
    EXPECT_THAT(error_of("b", some, 2), HasSubstr("expected a label for each of 2 classes, outputs 1 to 2"));
    EXPECT_THAT(error_of("dummy\na", some), HasSubstr("labels: 2 lines"));
}

TEST(Labels, OtherEncodingsAndControlCharactersAreRefused) {
    EXPECT_THAT(error_of("a\nb\ncaf\xe9"), HasSubstr("line 3: byte 4 is not UTF-8"));
    for (const char* wrong :
         {"\xc0\xaf", "\xc3", "\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80"})
        EXPECT_THAT(error_of(std::string("a\n") + wrong), HasSubstr("line 2: byte 1 is not UTF-8"));
    EXPECT_THAT(error_of(std::string_view("a\nb\0x\nc", 7)),
                HasSubstr("line 2: has the control character 0 at byte 2"));
    EXPECT_THAT(error_of("a\rb\rc"), HasSubstr("line 1: has the control character 13"));
    EXPECT_THAT(error_of("\x1b[31m"), HasSubstr("control character 27"));
    EXPECT_THAT(error_of(std::string_view("\xff\xfe"
                                          "a\0\n\0",
                                          6)),
                HasSubstr("line 1: is UTF-16"));
}

TEST(Labels, ListsOfFilesAreChecked) {
    check_labels({}, kThree);
    check_labels({"a", "b", "c"}, kThree);
    EXPECT_THROW(check_labels({"a", "b"}, kThree), Error);
    EXPECT_THROW(check_labels({"a", "", "c"}, kThree), Error);
    check_labels({"", "b", ""}, {3, 1, 1});
}

}  // namespace
}  // namespace limpid::testing
