// Tests of converted files: round trips, integrity, hostile contents behind a valid digest, and failures of writing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>

#include "tests/harness/compare.h"
#include "weights/file.h"
#include "weights/readers.h"
#include "weights/sha256.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

// A folder of this test alone.
class Hdf5 : public ::testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(::testing::TempDir()) / concat("limpid-hdf5-", ::getpid());
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }
    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    size_t files() const { return size_t(std::distance(std::filesystem::directory_iterator(folder_), {})); }

    std::filesystem::path folder_;
};

std::string error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

void expect_same(const Weights& expected, const Weights& actual) {
    EXPECT_EQ(expected.variant, actual.variant);
    EXPECT_EQ(expected.source, actual.source);
    EXPECT_EQ(expected.source_sha256, actual.source_sha256);
    EXPECT_EQ(expected.checksum, actual.checksum);
    EXPECT_EQ(expected.preprocessing, actual.preprocessing);
    EXPECT_EQ(expected.labels, actual.labels);
    ASSERT_EQ(expected.tensors.size(), actual.tensors.size());
    for (const auto& [name, tensor] : expected.tensors) {
        ASSERT_EQ(actual.tensors.count(name), 1u) << name;
        EXPECT_TRUE(same_bits(tensor, actual.tensors.at(name))) << name;
    }
}

// The digest that belongs to changed contents: what a forger would append.
std::vector<std::byte> resealed(std::vector<std::byte> file) {
    const std::string digest = sha256_of(Bytes(file).first(file.size() - 80));
    std::memcpy(file.data() + file.size() - 80 + 14, digest.data(), digest.size());
    return file;
}

// Writes a file with `change` applied through the HDF5 library, properly sealed.
std::vector<std::byte> changed_file(const std::string& scratch, const std::function<void(hid_t)>& change) {
    const std::vector<std::byte> original = write_hdf5(small_weights());
    write_file_atomically(scratch, Bytes(original).first(original.size() - 80));
    const hid_t file = H5Fopen(scratch.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    EXPECT_GE(file, 0);
    change(file);
    H5Fclose(file);
    std::vector<std::byte> bytes = read_file(scratch);
    bytes.insert(bytes.end(), original.end() - 80, original.end());
    return resealed(bytes);
}

// A dataset with a place in the file, unless it is `unwritten`.
void add_dataset(hid_t group, const char* name, hid_t type, std::vector<hsize_t> sizes,
                 H5D_layout_t layout = H5D_CONTIGUOUS, bool unwritten = false) {
    const hid_t space = H5Screate_simple(int(sizes.size()), sizes.data(), nullptr),
                properties = H5Pcreate(H5P_DATASET_CREATE);
    if (layout == H5D_CHUNKED) {
        H5Pset_chunk(properties, int(sizes.size()), sizes.data());
    } else {
        H5Pset_layout(properties, layout);
    }
    if (!unwritten) H5Pset_alloc_time(properties, H5D_ALLOC_TIME_EARLY);
    const hid_t dataset = H5Dcreate2(group, name, type, space, H5P_DEFAULT, properties, H5P_DEFAULT);
    EXPECT_GE(dataset, 0);
    H5Dclose(dataset);
    H5Pclose(properties);
    H5Sclose(space);
}

TEST_F(Hdf5, RoundTripIsBitExact) {
    const Weights weights = small_weights();
    save_weights(path("w.h5"), weights);
    expect_same(weights, load_weights(path("w.h5")));
    expect_same(weights, import_weights(path("w.h5")));
    EXPECT_EQ(files(), 1u);
}

TEST_F(Hdf5, KeepsTheTextOfTheNetwork) {
    Weights weights = small_weights();
    weights.network = "input = image(size=8, channels=3)\n" + std::string(200000, '#') + "\n";
    save_weights(path("w.h5"), weights);
    EXPECT_EQ(load_weights(path("w.h5")).network, weights.network);
    EXPECT_EQ(load_weights(path("w.h5")).checksum, weights.checksum) << "the checksum is that of the parameters";
    weights.preprocessing.scale = 2;
    EXPECT_EQ(write_hdf5(weights), read_file(path("w.h5"))) << "the text says it";
    EXPECT_EQ(read_hdf5(write_hdf5(small_weights())).network, "");
    weights.network.resize((size_t(4) << 20) + 1, '#');
    EXPECT_THAT(error_of([&] { write_hdf5(weights); }), HasSubstr("network input = image("));
    weights.network = std::string("a\0b", 3);
    EXPECT_THAT(error_of([&] { write_hdf5(weights); }), HasSubstr("or with a zero byte"));
}

TEST_F(Hdf5, RefusesOtherThingsThanOneTextAsNetwork) {
    const auto error_with = [&](hid_t type, std::vector<hsize_t> sizes) {
        const std::vector<std::byte> file = changed_file(path("changed.h5"), [&](hid_t root) {
            H5Adelete(root, "format_version");
            const int two = 2;
            const hid_t space = H5Screate(H5S_SCALAR);
            const hid_t attribute = H5Acreate2(root, "format_version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
            H5Awrite(attribute, H5T_NATIVE_INT, &two);
            H5Aclose(attribute);
            H5Sclose(space);
            add_dataset(root, "network", type, sizes);
        });
        return error_of([&] { read_hdf5(file); });
    };
    const hid_t text = H5Tcopy(H5T_C_S1), huge = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, 10);
    H5Tset_size(huge, (size_t(4) << 20) + 1);
    EXPECT_THAT(error_with(H5T_IEEE_F32LE, {1}), HasSubstr("network: shape 1, expected at most 1 texts"));
    EXPECT_THAT(error_with(text, {2}), HasSubstr("network: shape 2, expected at most 1 texts"));
    EXPECT_THAT(error_with(text, {1, 1}), HasSubstr("network: shape 1x1, expected at most 1 texts"));
    EXPECT_THAT(error_with(text, {1}), HasSubstr("network: is empty, expected the text of the network"));
    EXPECT_THAT(error_with(huge, {1}), HasSubstr("network: texts of 4194305 bytes, expected at most 4194304"));
    H5Tclose(text);
    H5Tclose(huge);
}

TEST_F(Hdf5, KeepsEveryBitOfEveryFiniteFloat) {
    Weights weights = small_weights();
    for (uint32_t i = 0; i < 120; ++i)
        weights.tensors["conv2d0_w"].values[i] = std::bit_cast<float>(i * 0x0b4ff3a1u & 0xbfffffffu);
    weights.tensors["conv2d0_b"].values = {0.0f, -0.0f, std::numeric_limits<float>::max(),
                                           -std::numeric_limits<float>::min(), 1e-45f};
    weights.checksum = checksum_of(weights.tensors);
    weights.labels.clear();
    weights.source.clear();
    save_weights(path("w.h5"), weights);
    expect_same(weights, load_weights(path("w.h5")));
}

// Enough names for a tree of several levels.
TEST_F(Hdf5, KeepsThousandsOfTensors) {
    Weights weights = small_weights();
    for (int i = 0; i < 2000; ++i)
        weights.tensors[concat("layer", i, "_w")] = HostTensor({1, 1, 1, 1}, std::vector<float>{float(i)});
    weights.checksum = checksum_of(weights.tensors);
    expect_same(weights, read_hdf5(write_hdf5(weights)));
}

TEST_F(Hdf5, SameWeightsMakeTheSameBytes) {
    const std::vector<std::byte> first = write_hdf5(small_weights());
    save_weights(path("w.h5"), small_weights());
    EXPECT_EQ(first, read_file(path("w.h5")));
    EXPECT_EQ(first, write_hdf5(load_weights(path("w.h5"))));
}

TEST_F(Hdf5, ChecksumDependsOnNamesShapesAndValues) {
    std::map<std::string, HostTensor> tensors{{"a", HostTensor({1, 1, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})}};
    // SHA-256 of "a\n1x1x2x3\n" and 24 bytes of floats: stable across versions, or every converted file would be
    // refused.
    EXPECT_EQ(checksum_of(tensors), "1f868b19f7aa5f9ea8e910222b572189fd8efd017813344ac6aef43f41d90864");
    const std::string before = checksum_of(tensors);
    tensors["a"].shape = {1, 1, 3, 2};
    EXPECT_NE(checksum_of(tensors), before);
    tensors["a"] = HostTensor({1, 1, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 7});
    EXPECT_NE(checksum_of(tensors), before);
    EXPECT_NE(checksum_of({{"b", HostTensor({1, 1, 2, 3}, std::vector<float>{1, 2, 3, 4, 5, 6})}}), before);
}

TEST_F(Hdf5, FilesOfOtherToolsAndOtherKindsAreRefused) {
    const std::vector<std::byte> file = write_hdf5(small_weights());
    write_file_atomically(path("w.h5"), Bytes(file).first(file.size() - 80));
    EXPECT_THAT(error_of([&] { load_weights(path("w.h5")); }),
                HasSubstr("w.h5: no digest at the end, expected a file as limpid writes it"));
    write_file_atomically(path("w.caffemodel"), as_bytes(v1_caffemodel(small_caffe_layers())));
    EXPECT_THAT(error_of([&] { load_weights(path("w.caffemodel")); }), HasSubstr("run `limpid convert` on it first"));
    EXPECT_THAT(error_of([&] { load_weights(path("absent.h5")); }),
                HasSubstr("absent.h5: cannot be opened (No such file"));
    EXPECT_THAT(error_of([&] { load_weights(folder_.string()); }), HasSubstr("is a folder"));
}

TEST_F(Hdf5, EveryTruncationAndBitFlipIsRefused) {
    std::vector<std::byte> file = write_hdf5(small_weights());
    for (size_t size = 0; size < file.size(); ++size) EXPECT_THROW(read_hdf5(Bytes(file).first(size)), Error) << size;
    for (size_t i = 0; i < file.size(); ++i) {
        const std::byte flip{static_cast<unsigned char>(1u << (i % 8))};
        file[i] ^= flip;
        EXPECT_THROW(read_hdf5(file), Error) << i;
        file[i] ^= flip;
    }
    EXPECT_NO_THROW(read_hdf5(file));
}

// Well-formed HDF5 with a valid digest and contents that are not ours.
TEST_F(Hdf5, MisshapenContentsAreRefused) {
    const auto error_after = [&](const std::function<void(hid_t)>& change) {
        const std::vector<std::byte> file = changed_file(path("scratch"), change);
        return error_of([&] { read_hdf5(file); });
    };
    EXPECT_EQ(error_after([](hid_t) {}), "no error");
    EXPECT_THAT(error_after([](hid_t file) { H5Adelete(file, "variant"); }),
                HasSubstr("attribute variant: is missing"));
    EXPECT_THAT(error_after([](hid_t file) { H5Ldelete(file, "tensors", H5P_DEFAULT); }),
                HasSubstr("tensors: is missing"));
    EXPECT_THAT(error_after([](hid_t file) { H5Ldelete(file, "tensors/nn0_w", H5P_DEFAULT); }),
                HasSubstr("checksum of the tensors is"));
    EXPECT_THAT(error_after([](hid_t file) {
                    H5Lcreate_soft("/tensors/nn0_w", file, "tensors/link", H5P_DEFAULT, H5P_DEFAULT);
                }),
                HasSubstr("link: is a link"));
    EXPECT_THAT(error_after([](hid_t file) {
                    H5Lcreate_external("other.h5", "/x", file, "tensors/away", H5P_DEFAULT, H5P_DEFAULT);
                }),
                HasSubstr("a group of the newer format"));
    EXPECT_THAT(error_after([](hid_t file) {
                    H5Gclose(H5Gcreate2(file, "tensors/group", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
                }),
                HasSubstr("group is no float32 or float16 dataset"));
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F64LE, {1, 1, 1, 1});
                }),
                HasSubstr("d is no float32 or float16 dataset of four axes"));
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F32LE, {1, 2});
                }),
                HasSubstr("d is no float32 or float16 dataset of four axes"));
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F32LE, {9, 9, 9, 9}, H5D_CHUNKED);
                }),
                HasSubstr("d: shape 9x9x9x9, not stored as 26244 plain uncompressed bytes"));
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F32LE, {1, 1, 2, 2}, H5D_COMPACT);
                }),
                HasSubstr("d: shape 1x1x2x2, not stored as 16 plain uncompressed bytes"));
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F32LE, {1, 1, 2, 2});
                }),
                HasSubstr("checksum of the tensors is"));
    // Never written, so without a place in the file; the second would be 4 TiB.
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F32LE, {1, 1, 2, 2}, H5D_CONTIGUOUS, true);
                }),
                HasSubstr("d: shape 1x1x2x2, not stored as"));
    EXPECT_THAT(error_after([](hid_t file) {
                    add_dataset(file, "tensors/d", H5T_IEEE_F32LE, {1024, 1024, 1024, 1024}, H5D_CONTIGUOUS, true);
                }),
                HasSubstr("d: shape 1024x1024x1024x1024, not stored as 4398046511104"));
    // The same array under many names: more than the file could hold.
    EXPECT_THAT(
        error_after([](hid_t file) {
            for (int i = 0; i < 2000; ++i) {
                H5Lcreate_hard(file, "tensors/conv2d0_w", file, concat("tensors/again", i).c_str(), H5P_DEFAULT,
                               H5P_DEFAULT);
            }
        }),
        ::testing::AnyOf(HasSubstr("arrays are larger than the file"), HasSubstr("checksum of the tensors is")));
    EXPECT_THAT(error_after([](hid_t file) {
                    H5Adelete(file, "format_version");
                    const int two = 2;
                    const hid_t space = H5Screate(H5S_SCALAR),
                                attribute =
                                    H5Acreate2(file, "format_version", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
                    H5Awrite(attribute, H5T_NATIVE_INT, &two);
                    H5Aclose(attribute);
                    H5Sclose(space);
                }),
                HasSubstr("format version 2, expected 1"));
    EXPECT_THAT(error_after([](hid_t file) {
                    H5Adelete(file, "preprocessing_source");
                    const int channels[3] = {0, 1, 3};
                    const hsize_t three = 3;
                    const hid_t space = H5Screate_simple(1, &three, nullptr);
                    const hid_t attribute =
                        H5Acreate2(file, "preprocessing_source", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
                    H5Awrite(attribute, H5T_NATIVE_INT, channels);
                    H5Aclose(attribute);
                    H5Sclose(space);
                }),
                HasSubstr("preprocessing_source has channel 3, expected 0 to 2"));
    EXPECT_THAT(error_after([](hid_t file) {
                    H5Adelete(file, "source");
                    const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
                    H5Tset_size(type, H5T_VARIABLE);
                    const hid_t attribute = H5Acreate2(file, "source", type, space, H5P_DEFAULT, H5P_DEFAULT);
                    const char* text = "x";
                    H5Awrite(attribute, type, &text);
                    H5Aclose(attribute);
                    H5Sclose(space);
                    H5Tclose(type);
                }),
                HasSubstr("attribute source: is of another type or shape than expected; convert or train it again"));
    EXPECT_THAT(error_after([](hid_t file) {
                    const float nan = std::numeric_limits<float>::quiet_NaN(), values[5] = {0, nan, 0, nan, 0};
                    const hid_t dataset = H5Dopen2(file, "tensors/conv2d0_b", H5P_DEFAULT);
                    H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
                    H5Dclose(dataset);
                }),
                HasSubstr("conv2d0_b has 2 values that are not finite numbers"));
}

TEST_F(Hdf5, WhatCannotBeUsedIsNotWritten) {
    Weights weights = small_weights();
    weights.tensors["conv2d0_b"].values[2] = std::numeric_limits<float>::infinity();
    EXPECT_THAT(error_of([&] { save_weights(path("w.h5"), weights); }),
                HasSubstr("w.h5: conv2d0_b: 1 values are not finite numbers"));
    EXPECT_FALSE(std::filesystem::exists(path("w.h5")));
    weights = small_weights();
    weights.preprocessing.source = {0, 1, 1};
    save_weights(path("w.h5"), weights);
    EXPECT_THAT(error_of([&] { load_weights(path("w.h5")); }),
                HasSubstr("preprocessing_source has channel 1 twice, expected each once"));
}

// A tree of names whose node is its own child.
TEST_F(Hdf5, TreesThatBiteTheirTailAreRefused) {
    std::vector<std::byte> file = write_hdf5(small_weights());
    const uint64_t node = as_text(file).find("TREE");
    ASSERT_LT(node, file.size());
    file[node + 5] = std::byte{1};                             // level
    std::memcpy(file.data() + node + 32, &node, sizeof node);  // first child
    EXPECT_THAT(error_of([&] { read_hdf5(resealed(file)); }), HasSubstr("tree level 1, expected below 1"));
}

TEST_F(Hdf5, UnstorableWeightsAreRefused) {
    Weights weights = small_weights();
    weights.tensors["a/b"] = HostTensor({1, 1, 1, 1});
    EXPECT_THAT(error_of([&] { save_weights(path("w.h5"), weights); }),
                HasSubstr("w.h5: tensor a/b 1x1x1x1: cannot be stored"));
    weights = small_weights();
    weights.labels[1] = std::string("a\0b", 3);
    EXPECT_THAT(error_of([&] { save_weights(path("w.h5"), weights); }), HasSubstr("label a?b"));
    EXPECT_EQ(files(), 0u);
}

// A file size limit stands for a full disk: both fail in write().
TEST_F(Hdf5, FullDiskLeavesTheOldFile) {
    Weights weights = small_weights();
    save_weights(path("w.h5"), weights);
    weights.variant = "other";
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 2000;
    ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
    const std::string error = error_of([&] { save_weights(path("w.h5"), weights); });
    setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_THAT(error,
                HasSubstr("w.h5: cannot be written (File too large), expected files of that size to be allowed"));
    EXPECT_EQ(load_weights(path("w.h5")).variant, "tiny");
    EXPECT_EQ(files(), 1u);
    EXPECT_THAT(error_of([&] { save_weights(path("no/folder/w.h5"), weights); }),
                HasSubstr("cannot be created (No such file"));
}

TEST_F(Hdf5, RealWeightsSurvive) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "LIMPID_SHARED is not set: no real weights";
    const Weights weights = import_weights(std::string(shared) + "/models/bvlc_googlenet.caffemodel");
    save_weights(path("bvlc.h5"), weights);
    expect_same(weights, load_weights(path("bvlc.h5")));
}

}  // namespace
}  // namespace limpid::testing
