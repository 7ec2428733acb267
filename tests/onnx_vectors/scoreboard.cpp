// The selection, and the table.
#include "tests/onnx_vectors/scoreboard.h"

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "kernels/error.h"
#include "weights/bytes.h"

namespace limpid::testing {
namespace {

// What convolutional networks are made of, and the arithmetic on shapes around it. Detectors, transformers, training
// and volumes have more.
constexpr std::string_view kInScope[] = {
    "Conv",
    "BatchNormalization",
    "Gemm",
    "MatMul",  //
    "Relu",
    "Clip",
    "LeakyRelu",
    "PRelu",
    "Elu",
    "Sigmoid",
    "Tanh",
    "HardSigmoid",
    "HardSwish",
    "Swish",  //
    "Softplus",
    "Abs",
    "Neg",
    "Exp",
    "Log",
    "Sqrt",
    "Reciprocal",
    "Pow",  //
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Sum",
    "Mean",
    "Max",
    "Min",  //
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "ReduceMean",
    "ReduceMax",
    "ReduceSum",  //
    "LRN",
    "Softmax",
    "LogSoftmax",  //
    "Pad",
    "Slice",
    "Split",
    "Concat",
    "Transpose",
    "Reshape",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Gather",  //
    "DepthToSpace",
    "SpaceToDepth",
    "Identity",
    "Dropout",  //
    "Constant",
    "ConstantOfShape",
    "Shape",
    "Cast",
    "Where",
};

bool in_scope(const Vector& vector) {
    return !vector.operators.empty() && std::ranges::all_of(vector.operators, [](const std::string& op) {
        return std::ranges::count(kInScope, op) > 0;
    });
}

std::string joined(const std::vector<std::string>& words, const char* between) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : between) + word;
    return text;
}

// "Conv2d" of "test_Conv2d_depthwise_padded", "add" of "test_operator_add_broadcast".
std::string layer_of(std::string name) {
    for (const std::string prefix : {"test_", "operator_"})
        if (name.starts_with(prefix)) name.erase(0, prefix.size());
    return name.substr(0, name.find('_'));
}

Family run(const std::string& title, const std::string& what, std::vector<Vector> vectors, Stream& stream,
           std::string (*group)(const Vector&)) {
    Family family{title, what, {}};
    for (Vector& vector : vectors) {
        if (!in_scope(vector)) continue;
        VectorResult result = run_vector(vector, stream);
        std::string row = group(vector);
        family.scores.push_back({std::move(row), std::move(vector), std::move(result)});
    }
    if (family.scores.empty()) throw Error(concat(title, ": no vector is in scope; is the archive whole?"));
    return family;
}

struct Row {
    int64_t oldest = 1 << 30, newest = 0, passed = 0, all = 0, folded = 0;
    double worst = 0;
    std::map<std::string, int> missing;
};

std::string short_number(double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.0e", value);
    return value == 0 ? "equal" : text;
}

std::string line_of(const std::string& name, const Row& row) {
    std::vector<std::string> reasons;
    for (const auto& [reason, count] : row.missing) reasons.push_back(concat(count, ": ", reason));
    return concat("| ", name, " | ", row.oldest, row.newest > row.oldest ? concat(" to ", row.newest) : std::string(),
                  " | ", row.passed, " of ", row.all, " | ", row.passed > 0 ? short_number(row.worst) : "", " | ",
                  joined(reasons, "; "), " |\n");
}

}  // namespace

std::vector<Family> run_all(const VectorArchives& archives, Stream& stream) {
    return {
        run("Operators", "the node tests of onnx 1.23, of float32, those made of these operators",
            archives.node_cases(), stream, [](const Vector& v) { return joined(v.operators, " + "); }),
        run("Layers of torch", "layers that torch exported (pytorch-converted)",
            archives.torch_cases("pytorch-converted"), stream, [](const Vector& v) { return layer_of(v.name); }),
        run("Expressions of torch", "expressions that torch exported (pytorch-operator)",
            archives.torch_cases("pytorch-operator"), stream, [](const Vector& v) { return layer_of(v.name); }),
        run("Networks", "whole networks whose weights are of one value each (light): shapes and wiring, not numbers",
            archives.light_networks(), stream, [](const Vector& v) { return v.name.substr(v.name.find('_') + 1); })};
}

std::map<std::string, std::string> expected_misses() {
    const std::string path = concat(LIMPID_SOURCE_DIR, "/tests/onnx_vectors/misses.txt");
    std::ifstream file(path);
    if (!file) throw Error(concat(path, ": cannot be read"));
    std::map<std::string, std::string> misses;
    std::string line;
    while (std::getline(file, line)) {
        const size_t colon = line.find(": ");
        if (line.empty() || line.starts_with('#')) continue;
        if (colon == line.npos || !misses.emplace(line.substr(0, colon), line.substr(colon + 2)).second)
            throw Error(concat(path, ": \"", line, "\", expected NAME: REASON, each name once"));
    }
    return misses;
}

std::string document_of(const std::vector<Family>& families, const std::map<std::string, std::string>& misses) {
    std::string text =
        "# Test vectors of ONNX\n\n"
        "Models, inputs and outputs that the ONNX project publishes, computed by Limpid: what `tests/onnx_vectors` "
        "finds, "
        "written by\n`tools/dev onnx`. *Error*: the largest difference, as a part of the largest value of the output; "
        "*equal*: to the bit. What is\nallowed follows from the layers: 4 epsilon sqrt(K) for each of which the values "
        "are sums of K terms, none for those that move or\nchoose values.\n";
    for (const Family& family : families) {
        std::map<std::string, Row> rows;
        Row all;
        for (const Score& score : family.scores)
            for (Row* row : {&rows[score.group], &all}) {
                row->oldest = std::min(row->oldest, score.vector.opset);
                row->newest = std::max(row->newest, score.vector.opset);
                row->all++;
                if (score.result.passed) {
                    row->passed++;
                    row->folded += score.result.as_constants ? 1 : 0;
                    row->worst = std::max(row->worst, score.result.worst_error);
                } else if (const auto miss = misses.find(score.vector.name); row != &all) {
                    row->missing[miss == misses.end() ? "not known yet" : miss->second]++;
                }
            }
        text += concat("\n## ", family.title, ": ", all.passed, " of ", all.all, "\n\n", "From ", family.what,
                       all.folded > 0
                           ? concat(". ", all.folded, " of those that pass are folded: all that they take is constant")
                           : "",
                       ".\n\n| | opset | passed | error | missing |\n|---|---|---|---|---|\n");
        for (const auto& [name, row] : rows) text += line_of(name, row);
    }
    return text;
}

}  // namespace limpid::testing
