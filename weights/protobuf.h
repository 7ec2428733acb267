// Reads protocol buffer wire format field by field from borrowed bytes: no schema, no copies, no allocation.
//
// Nested messages are opened by the caller, so the depth of nesting is the depth of the importer's own functions and
// cannot be chosen by the file.
#pragma once

#include <vector>

#include "weights/bytes.h"

namespace limpid {

class Message;

// One field as it lies in the file. The accessors throw Error where the wire type is not the one that the importer
// expects.
struct Field {
    enum class Wire : uint8_t { varint = 0, fixed64 = 1, length_delimited = 2, fixed32 = 5 };
    uint32_t number = 0;
    Wire wire = Wire::varint;
    uint64_t value = 0;   // varint, fixed32 and fixed64, zero-extended
    Bytes bytes;          // length_delimited
    uint64_t offset = 0;  // of the value in the file

    uint64_t integer() const;
    float number_f32() const;
    Bytes content() const;
    std::string_view text() const { return as_text(content()); }
    Message message() const;
};

// The fields of one message, in file order.
class Message {
  public:
    explicit Message(Bytes bytes, uint64_t offset = 0) : cursor_(bytes, offset) {}
    // False at the end. Throws Error on truncation, an impossible tag, or a group (obsolete; no weight file has them).
    bool next(Field& field);

  private:
    ByteCursor cursor_;
};

// Repeated numbers may be packed (one length-delimited field) or single fields; a reader accepts both, and a mixture.
// These add the elements of one field: as a count, and as values.
uint64_t count_floats(const Field& field);
uint64_t count_doubles(const Field& field);
void append_floats(const Field& field, std::vector<float>& values);
void append_doubles(const Field& field, std::vector<float>& values);  // rounded to float
// At most `most` integers in all: shapes and the like.
void append_integers(const Field& field, std::vector<int64_t>& values, size_t most);

}  // namespace limpid
