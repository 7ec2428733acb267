// The readers of each file format, from bytes in memory: what load.cpp chooses between, and what the fuzz targets
// attack.
#pragma once

#include "weights/bytes.h"
#include "weights/name_table.h"
#include "weights/weights.h"

namespace limpid {

// The tensors of a name table out of a foreign file, and what was unused; the caller knows the rest.
Weights read_caffemodel(Bytes file, const std::vector<NameRow>& table);
Weights read_lucid_pb(Bytes file, const std::vector<NameRow>& table);

// The converted file, complete.
Weights read_hdf5(Bytes file);
std::vector<std::byte> write_hdf5(const Weights& weights, Storage storage = Storage::float32);

enum class FileKind { caffemodel, lucid_pb, hdf5 };
// Told by content. Throws Error that names what the file seems to be, where it is none of ours.
FileKind kind_of(Bytes file);

}  // namespace limpid
