// Tests of the cursor that everything stands on, and of the wire format reader's edges.
#include "weights/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weights/protobuf.h"
#include "weights/wire_writer.h"

namespace limpid::testing {
namespace {

TEST(ByteCursor, GivesWhatIsThereAndNotAByteMore) {
    const std::string text = "0123456789";
    for (uint64_t before = 0; before <= 10; ++before) {
        ByteCursor cursor(as_bytes(text), 100);
        EXPECT_EQ(as_text(cursor.take(before)), text.substr(0, before));
        EXPECT_EQ(cursor.offset(), 100 + before);
        EXPECT_EQ(cursor.left(), 10 - before);
        for (const uint64_t count : {11 - before, uint64_t(11), ~uint64_t(0), ~uint64_t(0) - before}) {
            EXPECT_THROW(cursor.take(count), Error) << before << " " << count;
        }
        // A refusal moves nothing.
        EXPECT_EQ(as_text(cursor.take(10 - before)), text.substr(before));
        EXPECT_TRUE(cursor.done());
        EXPECT_TRUE(cursor.take(0).empty());
        EXPECT_THROW(cursor.take_number<uint8_t>(), Error);
    }
    ByteCursor cursor(as_bytes(text));
    EXPECT_EQ(cursor.take_number<uint32_t>(), 0x33323130u);
    EXPECT_THROW(cursor.take_number<uint64_t>(), Error);
    EXPECT_EQ(cursor.take_number<uint16_t>(), 0x3534u);
}

TEST(ByteCursor, PrintableTextIsOneShortLine) {
    EXPECT_EQ(printable("a\nb\x7f\xff"), "a?b??");
    EXPECT_EQ(printable(std::string(100, 'x'), 10), "xxxxxxxxxx...");
}

TEST(Protobuf, ReadsEveryWireType) {
    WireWriter writer;
    writer.integer(1, 300).number_f64(2, 1.5).text(3, "text").number_f32(536870911, 2.5f).integer(5, ~uint64_t(0));
    Message message(as_bytes(writer.bytes()));
    Field field;
    ASSERT_TRUE(message.next(field));
    EXPECT_EQ(field.integer(), 300u);
    EXPECT_THROW(field.text(), Error);
    ASSERT_TRUE(message.next(field));
    EXPECT_EQ(std::bit_cast<double>(field.value), 1.5);
    EXPECT_THROW(field.number_f32(), Error);
    EXPECT_THROW(count_floats(field), Error);
    ASSERT_TRUE(message.next(field));
    EXPECT_EQ(field.text(), "text");
    EXPECT_EQ(field.offset, 14u);
    EXPECT_THROW(field.integer(), Error);
    EXPECT_EQ(count_floats(field), 1u);
    EXPECT_THROW(count_doubles(field), Error);
    ASSERT_TRUE(message.next(field));
    EXPECT_EQ(field.number, 536870911u);
    EXPECT_EQ(field.number_f32(), 2.5f);
    ASSERT_TRUE(message.next(field));
    EXPECT_EQ(field.integer(), ~uint64_t(0));
    EXPECT_FALSE(message.next(field));
}

TEST(Protobuf, LengthsEndAtTheirRecord) {
    // The inner record announces one byte more than its own record has, and the file would have it.
    const std::string inner = std::string("\x0a\x04") + "abc";
    const std::string file = WireWriter().text(1, inner).text(2, "more").bytes();
    Message message(as_bytes(file));
    Field field;
    ASSERT_TRUE(message.next(field));
    Message nested = field.message();
    EXPECT_THROW(nested.next(field), Error);
}

}  // namespace
}  // namespace limpid::testing
