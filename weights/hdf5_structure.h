// Reads the structure of an HDF5 file in memory: groups, attributes and plain datasets, through the bounds-checked
// cursor.
//
// It knows the original file format (superblock 0, object header 1, symbol tables), which libhdf5 writes when asked to
// be compatible, and of it what converted weights use. Everything else (chunks, filters, links, other files, newer
// headers) is refused. libhdf5 itself is not used for reading, because it trusts what it reads: a flipped bit makes it
// allocate gigabytes.
#pragma once

#include <map>
#include <vector>

#include "weights/bytes.h"

namespace limpid {

struct Hdf5Type {
    enum class Kind { float32, float16, int32, text, other };  // little-endian; text of fixed length
    Kind kind = Kind::other;
    uint64_t size_bytes = 0;
};

// An attribute's value, or a dataset's: shape, and elements where they lie in the file.
struct Hdf5Values {
    Hdf5Type type;
    std::vector<int64_t> sizes;  // empty: one element
    Bytes data;                  // exactly the elements
};

struct Hdf5Object {
    std::map<std::string, Hdf5Values, std::less<>> attributes;
    std::map<std::string, uint64_t, std::less<>> children;  // of a group: addresses for read_hdf5_object
    bool is_group = false, is_dataset = false;
    Hdf5Values values;  // of a dataset
};

uint64_t hdf5_root(Bytes file);
Hdf5Object read_hdf5_object(Bytes file, uint64_t address);

}  // namespace limpid
