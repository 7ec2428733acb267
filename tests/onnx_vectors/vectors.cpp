// Unpacking, and finding the files of each case.
#include "tests/onnx_vectors/vectors.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "kernels/error.h"
#include "tests/harness/golden.h"
#include "weights/file.h"
#include "weights/onnx.h"

namespace limpid::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kArchives[] = {"onnx-1.23.0-node.tar.xz", "onnx-HEAD-pytorch-simple.tar.xz", "light.tar.xz"};

// "input_0.pb", "input_1.pb", ... as many as there are.
std::vector<std::string> numbered(const fs::path& folder, const char* what) {
    std::vector<std::string> paths;
    for (;;) {
        const fs::path next = folder / concat(what, "_", paths.size(), ".pb");
        if (!fs::exists(next)) return paths;
        paths.push_back(next.string());
    }
}

Vector vector_at(const std::string& name, const fs::path& model) {
    Vector vector{name, model.string(), {}, {}, {}, 0};
    const std::vector<std::byte> file = read_file(vector.model);
    const fs::path data = model.parent_path() / "test_data_set_0";
    vector.inputs = numbered(data, "input");
    vector.outputs = numbered(data, "output");
    try {
        const ImportGraph graph = read_onnx(file, "", kOldestVectorOpset);
        vector.opset = graph.opset;
        for (const ImportNode& node : graph.nodes) vector.operators.push_back(node.op);
    } catch (const Error&) {  // of an older opset: nobody asks for its operators
    }
    std::ranges::sort(vector.operators);
    vector.operators.erase(std::ranges::unique(vector.operators).begin(), vector.operators.end());
    return vector;
}

}  // namespace

VectorArchives::VectorArchives() {
    std::string pattern = (fs::temp_directory_path() / "limpid_onnx_XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw Error(concat(pattern, ": cannot be made"));
    folder_ = pattern;
    for (const char* archive : kArchives) {
        const std::string command = concat("tar -C '", folder_, "' -xf '", shared_file("onnx/"), archive, "'");
        if (std::system(command.c_str()) != 0) throw Error(concat(command, ": failed"));
    }
}

VectorArchives::~VectorArchives() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::vector<Vector> VectorArchives::node_cases() const {
    std::ifstream table(shared_file("onnx/cnn_vit_float32_cases.tsv"));
    std::vector<Vector> result;
    std::string line;
    for (std::getline(table, line); std::getline(table, line);) {
        const std::string name = line.substr(0, line.find('\t'));
        result.push_back(vector_at(name, fs::path(folder_) / "node" / name / "model.onnx"));
    }
    return result;
}

std::vector<Vector> VectorArchives::torch_cases(const std::string& family) const {
    std::vector<Vector> result;
    for (const auto& entry : fs::directory_iterator(fs::path(folder_) / "onnx/backend/test/data" / family))
        result.push_back(vector_at(entry.path().filename().string(), entry.path() / "model.onnx"));
    std::ranges::sort(result, {}, &Vector::name);
    return result;
}

std::vector<Vector> VectorArchives::light_networks() const {
    std::vector<Vector> result;
    for (const auto& entry : fs::directory_iterator(fs::path(folder_) / "onnx-light")) {
        if (entry.path().extension() != ".onnx") continue;
        Vector vector = vector_at(entry.path().stem().string(), entry.path());
        vector.outputs = {(entry.path().parent_path() / concat(vector.name, "_output_0.pb")).string()};
        result.push_back(std::move(vector));
    }
    std::ranges::sort(result, {}, &Vector::name);
    return result;
}

ImportTensor read_tensor(const std::string& path) {
    const auto file = std::make_shared<const std::vector<std::byte>>(read_file(path));
    ImportTensor tensor = read_onnx_tensor(Message(*file), [](const std::string& location) -> Bytes {
                              throw Error(concat("lies in ", location, ", expected a tensor that is whole"));
                          }).tensor;
    if (!tensor.owned) tensor.owned = file;  // what its bytes lie in
    return tensor;
}

}  // namespace limpid::testing
