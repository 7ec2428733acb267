// Keeps the fuzz corpora in step with the writers of small files, and feeds them to the readers where no fuzzer runs.
#include <gtest/gtest.h>

#include <filesystem>

#include "weights/file.h"
#include "weights/idx.h"
#include "weights/import/import_network.h"
#include "weights/onnx.h"
#include "weights/readers.h"
#include "weights/sha256.h"
#include "weights/small_models.h"
#include "weights/small_onnx.h"

namespace limpid::testing {
namespace {

const std::filesystem::path kCorpus = std::filesystem::path(LIMPID_SOURCE_DIR) / "tests/fuzz/corpus";

std::map<std::string, std::string> protobuf_files() {
    std::vector<SmallLayer> legacy = small_caffe_layers(), doubles = legacy;
    for (SmallLayer& layer : legacy) {
        for (CaffeBlob& blob : layer.blobs) {
            blob.form = CaffeBlob::Form::single;
            blob.legacy_shape = true;
        }
    }
    for (SmallLayer& layer : doubles) {
        for (CaffeBlob& blob : layer.blobs) blob.form = CaffeBlob::Form::doubles;
    }
    std::vector<WireWriter> packed = small_graph_nodes(), single = packed;
    const std::vector<GraphConstant> constants = small_graph_constants();
    for (size_t i = 0; i < constants.size(); ++i) {
        GraphConstant constant = constants[i];
        constant.form = GraphConstant::Form::packed;
        packed[i + 1] = const_node(constant);  // after the placeholder
        constant.form = GraphConstant::Form::single;
        constant.values.assign(1, 0.5f);
        single[i + 1] = const_node(constant);
    }
    OnnxModel cut = small_onnx_model();
    cut.nodes[11].op = "Warp";
    return {{"onnx/small", small_onnx_model().bytes()},
            {"onnx/unknown_operator", cut.bytes()},
            {"onnx/own", small_own_model().bytes()},
            {"caffe/v1", v1_caffemodel(small_caffe_layers())},
            {"caffe/v1_legacy_shapes", v1_caffemodel(legacy)},
            {"caffe/current", current_caffemodel(small_caffe_layers())},
            {"caffe/current_doubles", current_caffemodel(doubles)},
            {"lucid_pb/graph", graph_file(small_graph_nodes())},
            {"lucid_pb/float_val", graph_file(packed)},
            {"lucid_pb/repeated_value", graph_file(single)}};
}

// With the digest that converted files end with; the corpus lacks it, as hdf5_fuzz.cpp says.
std::vector<std::byte> sealed(std::vector<std::byte> file) {
    const std::string trailer = "LIMPID-SHA256 " + sha256_of(file) + " \n";
    file.insert(file.end(), as_bytes(trailer).begin(), as_bytes(trailer).end());
    return file;
}

TEST(FuzzCorpus, HoldsWhatTheWritersWrite) {
    for (const auto& [name, expected] : protobuf_files()) {
        const std::vector<std::byte> file = read_file((kCorpus / name).string());
        EXPECT_TRUE(as_text(file) == expected)
            << name << " differs: run this program with --gtest_also_run_disabled_tests "
            << "--gtest_filter=FuzzCorpus.DISABLED_Write";
    }
}

TEST(FuzzCorpus, SmallNetworksInItAreRead) {
    const std::map<std::string, HostTensor> expected = small_tensors();
    for (const auto& [name, text] : protobuf_files()) {
        if (name.starts_with("onnx/")) {
            EXPECT_GE(import_network(read_onnx(as_bytes(text)), {}).parameters.size(), 2u) << name;
            continue;
        }
        const bool caffe = name.starts_with("caffe/");
        const Weights weights = caffe ? read_caffemodel(as_bytes(text), small_caffe_network())
                                      : read_lucid_pb(as_bytes(text), small_graph_network());
        EXPECT_EQ(weights.tensors.size(), expected.size()) << name;
    }
    EXPECT_EQ(read_hdf5(sealed(read_file((kCorpus / "hdf5/small").string()))).checksum, small_weights().checksum);
}

// Files that a fuzzer found go into the corpus too; here they are replayed.
TEST(FuzzCorpus, EveryFileIsReadOrRefused) {
    int files = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(kCorpus)) {
        if (!entry.is_regular_file()) continue;
        const std::vector<std::byte> file = read_file(entry.path().string());
        const std::string reader = entry.path().parent_path().filename().string();
        SCOPED_TRACE(entry.path().string());
        try {
            if (reader == "caffe") {
                read_caffemodel(file, small_caffe_network());
            } else if (reader == "lucid_pb") {
                read_lucid_pb(file, small_graph_network());
            } else if (reader == "onnx") {
                NetworkOptions options;
                options.most_made_values = 4096;
                import_network(read_onnx(file), options);
            } else if (reader == "idx") {
                read_idx(file);
            } else {
                read_hdf5(sealed(file));
            }
        } catch (const Error&) {
        }
        ++files;
    }
    EXPECT_GE(files, 8);
}

TEST(FuzzCorpus, DISABLED_Write) {
    std::filesystem::create_directories(kCorpus / "caffe");
    std::filesystem::create_directories(kCorpus / "lucid_pb");
    std::filesystem::create_directories(kCorpus / "onnx");
    std::filesystem::create_directories(kCorpus / "hdf5");
    for (const auto& [name, text] : protobuf_files()) write_file_atomically((kCorpus / name).string(), as_bytes(text));
    const std::vector<std::byte> hdf5 = write_hdf5(small_weights());
    write_file_atomically((kCorpus / "hdf5/small").string(), Bytes(hdf5).first(hdf5.size() - 80));
}

}  // namespace
}  // namespace limpid::testing
