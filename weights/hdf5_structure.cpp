// The HDF5 file format, as its specification numbers it (sections III.A to IV.A).
#include "weights/hdf5_structure.h"

#include <algorithm>
#include <array>
#include <deque>
#include <optional>

#include "weights/parameters.h"

namespace limpid {
namespace {

constexpr uint64_t kUndefined = ~uint64_t(0);
// Bounds on bookkeeping, far above what weights need.
constexpr int kMostMessages = 512, kMostAxes = 8, kMostTreeEntries = 5000;
constexpr const char* kAdvice = "; the file is damaged, or was not written by limpid";

ByteCursor cursor_at(Bytes file, uint64_t address) {
    ByteCursor cursor(file);
    cursor.take(address);
    return cursor;
}

void expect_bytes(ByteCursor& cursor, std::string_view expected, const char* what) {
    const uint64_t offset = cursor.offset();
    if (as_text(cursor.take(expected.size())) != expected) {
        throw Error(concat("byte ", offset, ": no ", what, " of the original format, expected one", kAdvice));
    }
}

// Parts of an attribute message are padded to multiples of eight bytes.
Bytes take_padded(ByteCursor& cursor, uint64_t size) {
    const Bytes part = cursor.take(size);
    cursor.take(std::min<uint64_t>((8 - size % 8) % 8, cursor.left()));
    return part;
}

Hdf5Type read_type(Bytes message, uint64_t offset) {
    constexpr std::string_view kFloat("\x20\x1f\x00\x04\x00\x00\x00\x00\x00\x20\x00\x17\x08\x00\x17\x7f\x00\x00\x00",
                                      19);
    constexpr std::string_view kHalf("\x20\x0f\x00\x02\x00\x00\x00\x00\x00\x10\x00\x0a\x05\x00\x0a\x0f\x00\x00\x00",
                                     19);
    constexpr std::string_view kInt("\x08\x00\x00\x04\x00\x00\x00\x00\x00\x20\x00", 11);
    ByteCursor cursor(message, offset);
    const int type_class = cursor.take_number<uint8_t>() & 15;
    const std::string_view rest = as_text(message.subspan(1));
    if (type_class == 1 && rest.starts_with(kFloat)) return {Hdf5Type::Kind::float32, 4};
    if (type_class == 1 && rest.starts_with(kHalf)) return {Hdf5Type::Kind::float16, 2};
    if (type_class == 0 && rest.starts_with(kInt)) return {Hdf5Type::Kind::int32, 4};
    cursor.take(3);
    const auto size_bytes = cursor.take_number<uint32_t>();
    return {type_class == 3 ? Hdf5Type::Kind::text : Hdf5Type::Kind::other, size_bytes};
}

std::vector<int64_t> read_space(Bytes message, uint64_t offset) {
    ByteCursor cursor(message, offset);
    const auto version = cursor.take_number<uint8_t>(), rank = cursor.take_number<uint8_t>();
    if (version != 1 || rank > kMostAxes) {
        throw Error(concat("byte ", offset, ": shape of version ", int(version), " with ", int(rank),
                           " axes, expected version 1 and at most ", kMostAxes, kAdvice));
    }
    cursor.take(6);
    std::vector<int64_t> sizes;
    for (int axis = 0; axis < rank; ++axis) sizes.push_back(static_cast<int64_t>(cursor.take_number<uint64_t>()));
    return sizes;
}

uint64_t values_bytes(const Hdf5Values& values, uint64_t offset) {
    const int64_t count = checked_size(values.sizes);
    uint64_t size_bytes = 0;
    if (count < 0 || __builtin_mul_overflow(uint64_t(count), values.type.size_bytes, &size_bytes)) {
        throw Error(concat("byte ", offset, ": impossible shape ", shape_text(values.sizes),
                           ", expected one that fits the file", kAdvice));
    }
    return size_bytes;
}

void read_attribute(Bytes message, uint64_t offset, Hdf5Object& object) {
    ByteCursor cursor(message, offset);
    const auto version = cursor.take_number<uint8_t>();
    cursor.take(1);
    const auto name_bytes = cursor.take_number<uint16_t>(), type_bytes = cursor.take_number<uint16_t>(),
               space_bytes = cursor.take_number<uint16_t>();
    if (version != 1)
        throw Error(concat("byte ", offset, ": attribute of version ", int(version), ", expected 1", kAdvice));
    const std::string_view padded = as_text(take_padded(cursor, name_bytes));
    const std::string_view name = padded.substr(0, padded.find('\0'));
    Hdf5Values values;
    values.type = read_type(take_padded(cursor, type_bytes), offset);
    values.sizes = read_space(take_padded(cursor, space_bytes), offset);
    values.data = cursor.take(values_bytes(values, offset));
    if (!object.attributes.emplace(name, values).second) {
        throw Error(concat("byte ", offset, ": attribute ", printable(name), " appears twice, expected once", kAdvice));
    }
}

// A group's children hang in a tree of symbol table nodes; their names lie in a heap.
class SymbolTable {
  public:
    SymbolTable(Bytes file, uint64_t heap_address, Hdf5Object& object) : file_(file), object_(object) {
        ByteCursor heap = cursor_at(file, heap_address);
        expect_bytes(heap, std::string_view("HEAP\0\0\0\0", 8), "heap of names");
        const auto size_bytes = heap.take_number<uint64_t>();
        heap.take(8);
        names_offset_ = heap.take_number<uint64_t>();
        names_ = cursor_at(file, names_offset_).take(size_bytes);
    }

    // Levels fall on the way down, so a tree that bites its own tail ends; the count of entries bounds shared branches.
    void read_tree(uint64_t address, int level_above) {
        ByteCursor node = cursor_at(file_, address);
        expect_bytes(node, std::string_view("TREE\0", 5), "tree of a group");
        const auto level = node.take_number<uint8_t>();
        const auto entries = node.take_number<uint16_t>();
        if (level >= level_above)
            throw Error(
                concat("byte ", address, ": tree level ", int(level), ", expected below ", level_above, kAdvice));
        node.take(16 + 8);  // siblings and the first key
        for (int i = 0; i < entries; ++i) {
            const auto child = node.take_number<uint64_t>();
            node.take(8);
            count_entry(address);
            if (level > 0) {
                read_tree(child, level);
            } else {
                read_symbols(child);
            }
        }
    }

  private:
    void count_entry(uint64_t address) {
        if (++entries_ > kMostTreeEntries) {
            throw Error(concat("byte ", address, ": a group of more than ", kMostTreeEntries,
                               " entries, expected fewer", kAdvice));
        }
    }

    void read_symbols(uint64_t address) {
        ByteCursor node = cursor_at(file_, address);
        expect_bytes(node, std::string_view("SNOD\1\0", 6), "symbol table node");
        const auto symbols = node.take_number<uint16_t>();
        for (int i = 0; i < symbols; ++i) {
            count_entry(address);
            const auto name_at = node.take_number<uint64_t>(), child = node.take_number<uint64_t>();
            const auto cache_type = node.take_number<uint32_t>();
            node.take(4 + 16);
            ByteCursor name_cursor(names_, names_offset_);
            name_cursor.take(name_at);
            // Names point into one heap: uncut, thousands of entries could each be as long as the file.
            const std::string_view rest = as_text(name_cursor.take(std::min<uint64_t>(name_cursor.left(), 256)));
            const std::string_view name = rest.substr(0, rest.find('\0'));
            if (cache_type == 2)
                throw Error(concat(printable(name), ": is a link, expected a group or dataset", kAdvice));
            if (!object_.children.emplace(name, child).second)
                throw Error(concat(printable(name), ": appears twice, expected once", kAdvice));
        }
    }

    Bytes file_, names_;
    uint64_t names_offset_ = 0;
    Hdf5Object& object_;
    int entries_ = 0;
};

// What the messages of an object header say, put together when all have been seen.
struct HeaderParts {
    std::optional<Hdf5Type> type;
    std::optional<std::vector<int64_t>> sizes;
    std::optional<std::pair<uint64_t, uint64_t>> data, table;  // address and size; tree and heap
    bool plain = true;
};

void read_message(uint16_t type, uint8_t flags, Bytes message, uint64_t offset, Hdf5Object& object, HeaderParts& parts,
                  std::deque<std::pair<uint64_t, uint64_t>>& chunks) {
    ByteCursor cursor(message, offset);
    const auto two_numbers = [&] {
        const auto first = cursor.take_number<uint64_t>();
        return std::pair(first, cursor.take_number<uint64_t>());
    };
    const bool used = type == 1 || type == 3 || type == 8 || type == 12 || type == 16 || type == 17;
    if (used && (flags & 2) != 0)
        throw Error(concat("byte ", offset, ": shared header message, expected a plain one", kAdvice));
    switch (type) {
        case 1:
            parts.sizes = read_space(message, offset);
            break;
        case 2:  // groups of the newer format, which hold links of every kind
        case 6:
            throw Error(concat("byte ", offset, ": a group of the newer format, expected the original one", kAdvice));
        case 3:
            parts.type = read_type(message, offset);
            break;
        case 7:   // external files
        case 11:  // filters
            parts.plain = false;
            break;
        case 8: {
            const auto version = cursor.take_number<uint8_t>(), layout = cursor.take_number<uint8_t>();
            if (version == 3 && layout == 1) {
                parts.data = two_numbers();
            } else {
                parts.plain = false;
            }
            break;
        }
        case 12:
            read_attribute(message, offset, object);
            break;
        case 16:
            chunks.push_back(two_numbers());
            break;
        case 17:
            parts.table = two_numbers();
            break;
        default:
            break;  // fill values, times, comments
    }
}

}  // namespace

uint64_t hdf5_root(Bytes file) {
    ByteCursor cursor(file);
    expect_bytes(cursor, "\x89HDF\r\n\x1a\n", "signature");
    expect_bytes(cursor, std::string_view("\0\0\0\0\0\x08\x08\0", 8),
                 "superblock");  // versions 0, addresses and lengths of 8 bytes
    cursor.take(8);              // sizes of tree nodes, flags
    expect_bytes(cursor, std::string_view("\0\0\0\0\0\0\0\0", 8), "superblock at address 0");
    cursor.take(3 * 8 + 8);  // free space, end of file, driver; name of the root group
    return cursor.take_number<uint64_t>();
}

Hdf5Object read_hdf5_object(Bytes file, uint64_t address) {
    ByteCursor header = cursor_at(file, address);
    expect_bytes(header, std::string_view("\1\0", 2), "object header");
    header.take(2 + 4);  // counts of messages and links: the sizes decide
    const auto first_bytes = header.take_number<uint32_t>();
    header.take(4);
    Hdf5Object object;
    HeaderParts parts;
    std::deque<std::pair<uint64_t, uint64_t>> chunks{{header.offset(), first_bytes}};
    for (int messages = 0; !chunks.empty(); chunks.pop_front()) {
        ByteCursor chunk(cursor_at(file, chunks.front().first).take(chunks.front().second), chunks.front().first);
        while (chunk.left() >= 8) {
            const auto type = chunk.take_number<uint16_t>(), size_bytes = chunk.take_number<uint16_t>();
            const auto flags = chunk.take_number<uint8_t>();
            chunk.take(3);
            const uint64_t offset = chunk.offset();
            if (++messages > kMostMessages) {
                throw Error(concat("byte ", offset, ": object header of more than ", kMostMessages,
                                   " messages, expected a few", kAdvice));
            }
            read_message(type, flags, chunk.take(size_bytes), offset, object, parts, chunks);
        }
    }
    if (parts.table) {
        object.is_group = true;
        SymbolTable(file, parts.table->second, object).read_tree(parts.table->first, 256);
    }
    if (parts.type && parts.sizes) {
        object.is_dataset = true;
        object.values = {*parts.type, *parts.sizes, {}};
        const uint64_t size_bytes = values_bytes(object.values, address);
        if (!parts.plain || !parts.data || parts.data->first == kUndefined || parts.data->second != size_bytes ||
            size_bytes == 0) {
            throw Error(concat("shape ", shape_text(*parts.sizes), ", not stored as ", size_bytes,
                               " plain uncompressed bytes, expected that", kAdvice));
        }
        object.values.data = cursor_at(file, parts.data->first).take(size_bytes);
    }
    return object;
}

}  // namespace limpid
