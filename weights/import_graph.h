// A network as another program's file tells it: operators that take and make named values. It knows no file format; a
// reader fills it (onnx.h), weights/import/ makes a network text and parameters of it.
//
// Operators, attributes and the meaning of both are ONNX's (opset 13 and later, where versions differ; what older
// versions say by attributes instead of inputs is accepted in either place). Maps are {N,C,H,W}, filters
// {K,C/groups,R,S}.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "weights/bytes.h"

namespace limpid {

enum class NumberType {
    float32,
    float64,
    float16,
    bfloat16,
    int64,
    int32,
    int16,
    int8,
    uint64,
    uint32,
    uint16,
    uint8,
    boolean,
};
size_t size_bytes_of(NumberType type);
const char* name_of(NumberType type);
inline bool is_real(NumberType type) { return type <= NumberType::bfloat16; }

using Dimensions = std::vector<int64_t>;
// -1: a negative size, or more than 2^62 elements.
int64_t element_count(const Dimensions& shape);

// A tensor that lies in a file, undecoded; or one that was computed.
struct ImportTensor {
    NumberType type = NumberType::float32;
    Dimensions shape;
    bool uniform = false;                                 // all elements are the one in `bytes`
    Bytes bytes;                                          // little-endian, row-major
    std::shared_ptr<const std::vector<std::byte>> owned;  // what `bytes` lies in, where that is not the file
    std::string fault;                                    // why it cannot be used: "has 3 values, ..."; empty: it can

    int64_t size() const { return element_count(shape); }
    // All elements; of a uniform tensor, as many as `most` at most. Throw Error with the fault, for more elements, and
    // (integers) for elements that are no integers. Integers beyond 64 bits, as of uint64, are cut to the largest.
    std::vector<float> reals(int64_t most = int64_t(1) << 31) const;
    std::vector<int64_t> integers(int64_t most) const;
};
ImportTensor tensor_of(std::vector<float> values, Dimensions shape);
ImportTensor tensor_of(std::vector<int64_t> values, Dimensions shape);

// What an attribute says. monostate: something that cannot be said here (a subgraph, a sparse tensor).
using ImportAttribute = std::variant<std::monostate, int64_t, float, std::string, ImportTensor, std::vector<int64_t>,
                                     std::vector<float>, std::vector<std::string>>;

struct ImportNode {
    std::string op;      // "Conv"; of a domain of its own, "com.example.Conv"
    std::string name;    // may be empty
    std::string module;  // where in the program's tree of modules: "layer3.1.conv2"; empty: not known
    std::vector<std::string> inputs, outputs;  // names of values; "": an optional one that is left out
    std::map<std::string, ImportAttribute> attributes;
    std::map<std::string, std::string> metadata = {};  // said of the node by this program alone ("limpid.alpha")

    // The attribute, or `otherwise` where it is missing. Throws Error where it is of another kind.
    int64_t integer(const std::string& key, int64_t otherwise) const;
    float real(const std::string& key, float otherwise) const;
    std::string text(const std::string& key, const std::string& otherwise) const;
    std::vector<int64_t> integers(const std::string& key, const std::vector<int64_t>& otherwise) const;
    bool has(const std::string& key) const { return attributes.contains(key); }
    // The input at that place; "": there is none.
    const std::string& input(size_t place) const;
};
// Of a node: its name, or else what it makes, with its operator: "Conv conv1".
std::string described(const ImportNode& node);

struct ImportInput {
    std::string name;
    Dimensions shape;  // -1: any size
};

struct ImportGraph {
    std::string name;
    std::vector<ImportNode> nodes;  // each after those whose values it takes
    std::map<std::string, ImportTensor> constants;
    std::vector<ImportInput> inputs;  // without the constants
    std::vector<std::string> outputs;
    std::map<std::string, std::string> metadata;  // of the whole file
    int64_t opset = 0;                            // of ONNX, whose operators these are; 0: the file says none
    int64_t held_values = 0, made_values = 0;     // of constants that were there, and that folding added
    // Files beside the graph's own that tensors lie in.
    std::vector<std::shared_ptr<const std::vector<std::byte>>> files;
};

// Puts nodes after those whose values they take. Throws Error where two make one value, where a value that is taken
// is made by none, and where values depend on themselves.
void sort_nodes(ImportGraph& graph);

}  // namespace limpid
