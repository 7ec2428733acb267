// Test vectors of the ONNX project: models, each with inputs and the outputs that are expected. Data only, from
// LIMPID_SHARED/onnx; what they are and where they come from is said there.
#pragma once

#include <string>
#include <vector>

#include "weights/import_graph.h"

namespace limpid::testing {

// Torch's are of opset 6. What they are made of means the same in 7.
inline constexpr int64_t kOldestVectorOpset = 6;

struct Vector {
    std::string name;                          // "test_averagepool_2d_ceil"
    std::string model;                         // path of the model
    std::vector<std::string> inputs, outputs;  // paths of tensors, in the order of the graph's
    std::vector<std::string> operators;        // of its nodes, each once
    int64_t opset = 0;
};

// The archives, unpacked into a folder that goes away with this. Throws Error where tar fails.
class VectorArchives {
  public:
    VectorArchives();
    ~VectorArchives();
    VectorArchives(const VectorArchives&) = delete;

    // Of single operators, and functions made of some: those of cnn_vit_float32_cases.tsv.
    std::vector<Vector> node_cases() const;
    // Layers and expressions as torch wrote them: family is "pytorch-converted" or "pytorch-operator".
    std::vector<Vector> torch_cases(const std::string& family) const;
    // Whole networks whose weights are of one value each.
    std::vector<Vector> light_networks() const;

  private:
    std::string folder_;
};

// A TensorProto.
ImportTensor read_tensor(const std::string& path);

}  // namespace limpid::testing
