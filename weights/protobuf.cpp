// Protocol buffer wire format: varints, tags, packed and single repeated numbers.
#include "weights/protobuf.h"

namespace limpid {
namespace {

uint64_t take_varint(ByteCursor& cursor) {
    const uint64_t start = cursor.offset();
    uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
        const auto byte = cursor.take_number<uint8_t>();
        // The tenth byte holds bit 63 alone.
        if (shift == 63 && byte > 1) break;
        value |= uint64_t(byte & 127) << shift;
        if (byte < 128) return value;
    }
    throw Error(
        concat("byte ", start,
               ": an integer of more than 64 bits, expected a varint; the file is damaged, or no protocol buffer"));
}

const char* name_of(Field::Wire wire) {
    switch (wire) {
        case Field::Wire::varint:
            return "an integer";
        case Field::Wire::fixed64:
            return "an 8-byte number";
        case Field::Wire::length_delimited:
            return "a string, message or packed array";
        case Field::Wire::fixed32:
            return "a 4-byte number";
    }
    return "an unknown type";
}

[[noreturn]] void refuse(const Field& field, const char* expected) {
    throw Error(concat("byte ", field.offset, ": field ", field.number, " is ", name_of(field.wire), ", expected ",
                       expected, "; the file is damaged, or of another kind"));
}

template <class T>
uint64_t count_numbers(const Field& field, Field::Wire single, const char* expected) {
    if (field.wire == single) return 1;
    if (field.wire != Field::Wire::length_delimited) refuse(field, expected);
    if (field.bytes.size() % sizeof(T) != 0) {
        throw Error(concat("byte ", field.offset, ": packed array of ", field.bytes.size(),
                           " bytes, expected a multiple of ", sizeof(T), "; the file is damaged"));
    }
    return field.bytes.size() / sizeof(T);
}

}  // namespace

uint64_t Field::integer() const {
    if (wire != Wire::varint) refuse(*this, "an integer");
    return value;
}

float Field::number_f32() const {
    if (wire != Wire::fixed32) refuse(*this, "a 4-byte number");
    return std::bit_cast<float>(static_cast<uint32_t>(value));
}

Bytes Field::content() const {
    if (wire != Wire::length_delimited) refuse(*this, "a string or message");
    return bytes;
}

Message Field::message() const { return Message(content(), offset); }

bool Message::next(Field& field) {
    if (cursor_.done()) return false;
    const uint64_t start = cursor_.offset();
    const uint64_t tag = take_varint(cursor_);
    const uint64_t number = tag >> 3;
    if (number == 0 || number >= (uint64_t(1) << 29)) {
        throw Error(concat("byte ", start, ": field number ", number,
                           ", expected 1 to 536870911; the file is damaged, or no protocol buffer"));
    }
    field = Field{};
    field.number = static_cast<uint32_t>(number);
    field.offset = cursor_.offset();
    switch (tag & 7) {
        case 0:
            field.wire = Field::Wire::varint;
            field.value = take_varint(cursor_);
            return true;
        case 1:
            field.wire = Field::Wire::fixed64;
            field.value = cursor_.take_number<uint64_t>();
            return true;
        case 2: {
            field.wire = Field::Wire::length_delimited;
            const uint64_t length = take_varint(cursor_);
            field.offset = cursor_.offset();
            field.bytes = cursor_.take(length);
            return true;
        }
        case 5:
            field.wire = Field::Wire::fixed32;
            field.value = cursor_.take_number<uint32_t>();
            return true;
        default:
            throw Error(concat("byte ", start, ": field ", number, " has wire type ", tag & 7,
                               (tag & 7) == 3 || (tag & 7) == 4 ? " (a group)" : "",
                               ", expected 0, 1, 2 or 5; the file is damaged, or no protocol buffer"));
    }
}

uint64_t count_floats(const Field& field) { return count_numbers<float>(field, Field::Wire::fixed32, "floats"); }
uint64_t count_doubles(const Field& field) { return count_numbers<double>(field, Field::Wire::fixed64, "doubles"); }

void append_floats(const Field& field, std::vector<float>& values) {
    const uint64_t count = count_floats(field);
    if (field.wire == Field::Wire::fixed32) {
        values.push_back(field.number_f32());
    } else if (count > 0) {
        const size_t before = values.size();
        values.resize(before + count);
        std::memcpy(values.data() + before, field.bytes.data(), field.bytes.size());
    }
}

void append_doubles(const Field& field, std::vector<float>& values) {
    const uint64_t count = count_doubles(field);
    if (field.wire == Field::Wire::fixed64) {
        values.push_back(static_cast<float>(std::bit_cast<double>(field.value)));
        return;
    }
    ByteCursor cursor(field.bytes, field.offset);
    for (uint64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(cursor.take_number<double>()));
}

void append_integers(const Field& field, std::vector<int64_t>& values, size_t most) {
    const auto append = [&](uint64_t value) {
        if (values.size() == most) {
            throw Error(concat("byte ", field.offset, ": more than ", most, " integers in field ", field.number,
                               ", expected at most that; the file is damaged, or of another kind"));
        }
        values.push_back(static_cast<int64_t>(value));
    };
    if (field.wire == Field::Wire::varint) return append(field.value);
    ByteCursor cursor(field.content(), field.offset);
    while (!cursor.done()) append(take_varint(cursor));
}

}  // namespace limpid
