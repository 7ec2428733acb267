// The readers of each file format, from bytes in memory: what load.cpp chooses between, and what the fuzz targets
// attack.
#pragma once

#include "weights/bytes.h"
#include "weights/graph_list.h"
#include "weights/weights.h"

namespace limpid {

// The tensors of a known network out of a foreign file, and what was unused; the caller knows the rest. Throws Error
// where the file holds any other network.
Weights read_caffemodel(Bytes file, const KnownNetwork& network);
Weights read_lucid_pb(Bytes file, const KnownNetwork& network);

// What to do with a damaged file of weights.
inline constexpr std::string_view kMakeAgain = "convert or train it again";

// The converted file, complete. Errors end with `remedy`.
Weights read_hdf5(Bytes file, std::string_view remedy = kMakeAgain);
std::vector<std::byte> write_hdf5(const Weights& weights, Storage storage = Storage::float32);

enum class FileKind { caffemodel, lucid_pb, onnx, hdf5 };
// Told by content. Throws Error that names what the file seems to be, where it is none of ours.
FileKind kind_of(Bytes file);

}  // namespace limpid
