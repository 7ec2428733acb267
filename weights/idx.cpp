// Reading IDX.
#include "weights/idx.h"

#include "weights/parameters.h"

namespace limpid {

namespace {

uint32_t take_big_endian(ByteCursor& cursor) {
    const Bytes b = cursor.take(4);
    uint32_t value = 0;
    for (const std::byte byte : b) value = (value << 8) | uint32_t(byte);
    return value;
}

}  // namespace

IdxArray read_idx(Bytes file) {
    if (as_text(file).starts_with("\x1f\x8b"))
        throw Error("is compressed with gzip, expected an IDX file; unpack it first (gunzip --keep)");
    ByteCursor cursor(file);
    const uint32_t magic = take_big_endian(cursor);
    const int axes = int(magic & 255);
    if (magic >> 16 != 0 || axes < 1 || axes > 4)
        throw Error(concat("begins with ", magic, ", expected an IDX file of 1 to 4 axes; is it the right file?"));
    if ((magic >> 8 & 255) != 8)
        throw Error(concat("has elements of kind ", magic >> 8 & 255, ", expected 8, unsigned bytes; convert it"));
    IdxArray array;
    for (int axis = 0; axis < axes; axis++) array.sizes.push_back(int64_t(take_big_endian(cursor)));
    const int64_t count = checked_size(array.sizes);
    if (count < 0)
        throw Error(
            concat("sizes ", shape_text(array.sizes), " are too large, expected those of its bytes; fetch it again"));
    array.data = cursor.take(uint64_t(count));
    if (!cursor.done())
        throw Error(concat("has ", cursor.left(), " bytes after its ", shape_text(array.sizes),
                           ", expected none; fetch it again"));
    return array;
}

}  // namespace limpid
