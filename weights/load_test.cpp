// Tests of what surrounds the readers: telling formats apart, variants, labels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "weights/file.h"
#include "weights/labels.h"
#include "weights/readers.h"
#include "weights/sha256.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

std::string kind_error(std::string_view file) {
    return error_of([&] { kind_of(as_bytes(file)); });
}

class Load : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(::testing::TempDir()) / concat("limpid-load-", ::getpid());
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string write(const std::string& name, std::string_view text) const {
        const std::string path = (folder_ / name).string();
        write_file_atomically(path, as_bytes(text));
        return path;
    }

    std::filesystem::path folder_;
};

TEST_F(Load, TellsFormatsApartByContent) {
    EXPECT_EQ(kind_of(as_bytes(v1_caffemodel(small_caffe_layers()))), FileKind::caffemodel);
    EXPECT_EQ(kind_of(as_bytes(current_caffemodel(small_caffe_layers()))), FileKind::caffemodel);
    EXPECT_EQ(kind_of(as_bytes(graph_file(small_graph_nodes()))), FileKind::lucid_pb);
    EXPECT_EQ(kind_of(write_hdf5(small_weights())), FileKind::hdf5);
    // A network without a name, and one whose name happens to be readable as a message.
    EXPECT_EQ(kind_of(as_bytes(WireWriter().message(100, WireWriter().text(1, "x")).bytes())), FileKind::caffemodel);
    EXPECT_EQ(kind_of(as_bytes(WireWriter().text(1, "\x08\x01").message(2, WireWriter()).bytes())),
              FileKind::caffemodel);
}

TEST_F(Load, NamesWhatAWrongFileSeemsToBe) {
    EXPECT_THAT(kind_error(std::string_view("PK\x03\x04....", 8)),
                HasSubstr("zip archive or a PyTorch file; unpack it first"));
    EXPECT_THAT(kind_error("<!DOCTYPE html>"), HasSubstr("web page"));
    EXPECT_THAT(kind_error("name: \"GoogleNet\"\n"), HasSubstr("the trained parameters are in the .caffemodel"));
    EXPECT_THAT(kind_error("version https://git-lfs.github.com/spec/v1"), HasSubstr("git-lfs pointer"));
    EXPECT_THAT(kind_error(""), HasSubstr("starts with \"\" (0 bytes), expected a .caffemodel"));
    EXPECT_THAT(kind_error("\xff\xfe\n nonsense"), HasSubstr("starts with \"??? nonsense\""));
}

TEST_F(Load, ErrorsNameTheFileOnceAndAreShort) {
    const std::string path = write("small.caffemodel", v1_caffemodel(small_caffe_layers()));
    const std::string error = error_of([&] { import_weights(path); });
    EXPECT_THAT(error,
                AllOf(::testing::StartsWith(path + ": "),
                      HasSubstr(" problems, the first three: conv1/2x3 (Convolution) is no part of the known network; "
                                "relu (ReLU) is no part of the known network; conv1/7x7_s2 (Convolution) is missing; "),
                      HasSubstr("it is a GoogLeNet for 5 classes")));
    EXPECT_EQ(error.find(path, path.size()), std::string::npos);
    EXPECT_LT(error.size(), 600u);
}

TEST_F(Load, OtherProtocolBuffersAreNamed) {
    // ONNX: ir_version, producer_name; SavedModel: saved_model_schema_version, meta_graphs.
    EXPECT_THAT(kind_error(WireWriter().integer(1, 7).text(2, "pytorch").bytes()), HasSubstr("ONNX model"));
    EXPECT_THAT(kind_error(WireWriter().integer(1, 1).message(2, WireWriter().text(1, "x")).bytes()),
                HasSubstr("TensorFlow SavedModel"));
}

TEST_F(Load, VariantsMustBelongToTheFormat) {
    const std::string caffe = write("small.caffemodel", v1_caffemodel(small_caffe_layers()));
    const std::string h5 = write("small.h5", as_text(write_hdf5(small_weights())));
    ImportOptions options;
    options.variant = "inception5h";
    EXPECT_THAT(error_of([&] { import_weights(caffe, options); }),
                HasSubstr("variant inception5h asked for, expected bvlc of a file of this kind"));
    EXPECT_THAT(error_of([&] { import_weights(h5, options); }), HasSubstr("holds variant tiny, asked for inception5h"));
    options.variant = "tiny";
    EXPECT_EQ(import_weights(h5, options).variant, "tiny");
}

TEST_F(Load, LabelsComeFromAFileOnRequest) {
    const std::string h5 = write("small.h5", as_text(write_hdf5(small_weights())));
    ImportOptions options;
    const auto labels_of = [&](const std::string& text) {
        options.labels_file = write("labels.txt", text);
        return import_weights(h5, options).labels;
    };
    const auto error_with = [&](const std::string& text) { return error_of([&] { labels_of(text); }); };
    EXPECT_THAT(labels_of("n01440764 tench, Tinca tinca\r\nn0144076x odd\nplain\nd\ne"),
                ::testing::ElementsAre("tench, Tinca tinca", "n0144076x odd", "plain", "d", "e"));
    EXPECT_THAT(
        error_with("a\nb\nc\nd\n"),
        HasSubstr("labels.txt: labels: 4 lines, for the outputs from 0, expected a label for each of 5 classes"));
    EXPECT_THAT(error_with(""), HasSubstr("labels: 0 lines, for the outputs from 0, expected a label for each"));
    EXPECT_THAT(error_with("a\nb\nc\nd\ne\nf"), HasSubstr("labels: 6 lines, expected at most 5, one for each output"));
    EXPECT_THAT(error_with("a\nb\nc\ncaf\xe9\ne"),
                HasSubstr("labels.txt: line 4: byte 4 is not UTF-8, expected labels in UTF-8"));
    options.labels_first_output = 1;
    EXPECT_THAT(error_with("b\nc\nd\ne"),
                HasSubstr("labels: 4 lines, for the outputs from 1, expected a label for each"));
    options.labels_first_output = 6;
    EXPECT_THAT(error_with("a"), HasSubstr("first output 6, expected 0 to 5"));
    options.labels_file = "absent.txt";
    EXPECT_THAT(error_of([&] { import_weights(h5, options); }), HasSubstr("absent.txt: cannot be opened"));
}

// Files whose list is short were once written; another list mends them.
TEST_F(Load, ConvertedFilesHaveALabelForEachClass) {
    Weights weights = small_weights();
    weights.labels.pop_back();
    const std::string h5 = write("small.h5", as_text(write_hdf5(weights)));
    EXPECT_THAT(error_of([&] { import_weights(h5); }), HasSubstr("labels: 4, expected one for each of the 5 outputs"));
    EXPECT_THAT(error_of([&] { load_weights(h5); }), HasSubstr("labels: 4, expected one for each of the 5 outputs"));
    ImportOptions options;
    options.labels_file = write("labels.txt", "a\nb\nc\nd\ne");
    EXPECT_EQ(import_weights(h5, options).labels.size(), 5u);
    weights.variant = "bvlc";
    weights.tensors["softmax2_b"] = HostTensor({1, 1, 1, 1000});
    weights.labels.assign(1000, "x");
    const std::string whole = write("bvlc.h5", as_text(write_hdf5(weights)));
    EXPECT_EQ(load_weights(whole).labels.size(), 1000u);
    std::fill(weights.labels.begin() + 500, weights.labels.end(), "");
    const std::string half = write("half.h5", as_text(write_hdf5(weights)));
    EXPECT_THAT(error_of([&] { load_weights(half); }),
                HasSubstr("labels: output 500 has none, expected one for each of 1000 classes, outputs 0 to 999"));
}

TEST_F(Load, BuiltInLabelsAgreeWithLucidsTable) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "LIMPID_SHARED is not set: no table to compare with";
    const std::vector<std::string> wnid_order = parse_labels(embedded("ilsvrc2012_labels.txt"), 0, {1000, 0, 1000});
    const std::vector<std::string> lucid_order = parse_labels(embedded("inception5h_labels.txt"), 0, {1008, 1, 1000});
    std::ifstream table(std::string(shared) + "/golden/lucid/labels.csv");
    std::string line;
    std::getline(table, line);
    int rows = 0;
    for (; std::getline(table, line); ++rows) {
        std::istringstream columns(line);
        std::string index, wnid, sorted, label;
        std::getline(columns, index, ',');
        std::getline(columns, wnid, ',');
        std::getline(columns, sorted, ',');
        std::getline(columns, label);
        if (label.front() == '"') label = label.substr(1, label.size() - 2);
        EXPECT_EQ(lucid_order[std::stoul(index)], label);
        if (sorted.empty()) continue;
        // Lucid shortened the synonyms, with two exceptions.
        const std::string& synonyms = wnid_order[std::stoul(sorted)];
        if (label != "cannon [ground]" && label != "teddy bear") {
            EXPECT_EQ(synonyms.substr(0, synonyms.find(',')), label);
        }
    }
    EXPECT_EQ(rows, 1001);
    EXPECT_EQ(lucid_order[1007], "");
}

TEST_F(Load, DigestsAgreeWithPublishedVectors) {
    EXPECT_EQ(sha256_of(as_bytes("abc")),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2
    EXPECT_EQ(sha256_of({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(digest_of_file(write("abc", "abc"), Hasher::Kind::sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_THAT(error_of([] { digest_of_file("absent"); }), HasSubstr("absent: cannot be opened"));
}

}  // namespace
}  // namespace limpid::testing
