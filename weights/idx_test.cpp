// IDX files: what is in them, and refusal of everything else.
#include "weights/idx.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

std::string idx_file(const std::vector<uint32_t>& sizes, const std::string& data, char kind = 8) {
    std::string file{0, 0, kind, char(sizes.size())};
    for (const uint32_t size : sizes)
        for (int shift = 24; shift >= 0; shift -= 8) file += char(size >> shift & 255);
    return file + data;
}

std::string error_of(const std::string& file) {
    try {
        read_idx(as_bytes(file));
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

TEST(Idx, ReadsSizesAndBytes) {
    const std::string file = idx_file({2, 1, 3}, "abcdef");
    const IdxArray array = read_idx(as_bytes(file));
    EXPECT_EQ(array.sizes, (std::vector<int64_t>{2, 1, 3}));
    EXPECT_EQ(as_text(array.data), "abcdef");
    const std::string large = idx_file({260}, std::string(260, 'x'));  // the order of bytes
    EXPECT_EQ(read_idx(as_bytes(large)).sizes[0], 260);
}

TEST(Idx, RefusesEveryTruncationAndEveryAddition) {
    const std::string file = idx_file({2, 2}, "abcd");
    for (size_t length = 0; length < file.size(); length++)
        EXPECT_NE(error_of(file.substr(0, length)), "no error") << length;
    EXPECT_THAT(error_of(file + "e"), HasSubstr("1 bytes after"));
}

TEST(Idx, RefusesEveryFlippedBitOfTheHeaderOrReadsWithinTheFile) {
    const std::string file = idx_file({2, 2}, "abcd");
    for (size_t bit = 0; bit < 12 * 8; bit++) {
        std::string damaged = file;
        damaged[bit / 8] = char(damaged[bit / 8] ^ (1 << bit % 8));
        EXPECT_NE(error_of(damaged), "no error") << "bit " << bit;
    }
}

TEST(Idx, SaysWhatIsWrong) {
    EXPECT_THAT(error_of("\x1f\x8b\x08 and more"), HasSubstr("gunzip"));
    EXPECT_THAT(error_of(idx_file({1}, "abcd", 13)), HasSubstr("kind 13"));
    EXPECT_THAT(error_of("PNG file"), HasSubstr("is it the right file?"));
    const uint32_t huge = 0xffffffff;
    EXPECT_THAT(error_of(idx_file({huge, huge, huge, huge}, "")), HasSubstr("too large"));
    EXPECT_THAT(error_of(idx_file({huge, 2}, "ab")), HasSubstr("announced"));
}

}  // namespace
}  // namespace limpid::testing
