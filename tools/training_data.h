// What limpid train learns from: the procedural world, folders of pictures, IDX files.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/stop.h"
#include "nets/train/dataset.h"

namespace limpid {

inline constexpr int64_t kTrainedSize = 64;  // pixels

struct TrainingData {
    Dataset train, test;
};

// data: "world", in pictures of size x size; or a folder: with IDX files (train-images-idx3-ubyte, ...), or with a
// folder of pictures for each class, brought to size x size. test: a folder of the same kind; "": t10k-* of IDX files,
// every tenth picture of a folder, another seed of the world. Throws Error naming the file that cannot be used and why.
// Pictures of folders are held in memory: check_bytes is told how much they take before they are read, and may throw.
TrainingData load_training_data(const std::string& data, const std::string& test, uint64_t seed, int64_t size,
                                const std::function<void(double bytes)>& check_bytes = {}, const Stop& stop = {});

// The files that it may read: pictures in folders of these folders, IDX files.
std::vector<std::string> training_files(const std::string& data, const std::string& test);

}  // namespace limpid
