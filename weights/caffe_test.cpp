// Tests of the .caffemodel reader: every form of the format, misshapen files, and the published network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

#include "tests/harness/compare.h"
#include "weights/readers.h"
#include "weights/small_models.h"

namespace limpid::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::map<std::string, HostTensor> read_small(const std::string& file) {
    return read_caffemodel(as_bytes(file), small_caffe_network()).tensors;
}

std::string error_of(const std::string& file) {
    try {
        read_small(file);
    } catch (const Error& error) {
        return error.what();
    }
    return "no error";
}

void expect_same(const std::map<std::string, HostTensor>& expected, const std::map<std::string, HostTensor>& actual) {
    ASSERT_EQ(expected.size(), actual.size());
    for (const auto& [name, tensor] : expected) {
        ASSERT_EQ(actual.count(name), 1u) << name;
        EXPECT_TRUE(same_bits(tensor, actual.at(name))) << name;
    }
}

TEST(Caffe, ReadsV1Layers) { expect_same(small_tensors(), read_small(v1_caffemodel(small_caffe_layers()))); }

TEST(Caffe, ReadsCurrentLayers) { expect_same(small_tensors(), read_small(current_caffemodel(small_caffe_layers()))); }

TEST(Caffe, ReadsLegacyShapesSingleFloatsAndDoubles) {
    std::vector<SmallLayer> layers = small_caffe_layers();
    for (SmallLayer& layer : layers) {
        for (CaffeBlob& blob : layer.blobs) blob.legacy_shape = true;
    }
    expect_same(small_tensors(), read_small(v1_caffemodel(layers)));
    layers[1].blobs[0].form = CaffeBlob::Form::single;
    layers[3].blobs[0].form = CaffeBlob::Form::doubles;
    expect_same(small_tensors(), read_small(v1_caffemodel(layers)));
    expect_same(small_tensors(), read_small(current_caffemodel(layers)));
}

TEST(Caffe, HeadsMayBeAbsentAsAWholeOnly) {
    std::vector<SmallLayer> layers = small_caffe_layers();
    layers[3].blobs.pop_back();
    EXPECT_THAT(error_of(v1_caffemodel(layers)), HasSubstr("loss1/fc bias is missing (our nn0_b, 2)"));
    layers[3].name = "loss1/renamed";
    EXPECT_THAT(error_of(v1_caffemodel(layers)), HasSubstr("loss1/renamed (InnerProduct) is no part of the known"));
    layers.erase(layers.begin() + 3);
    std::map<std::string, HostTensor> expected = small_tensors();
    expected.erase("nn0_w");
    expected.erase("nn0_b");
    expect_same(expected, read_small(v1_caffemodel(layers)));
}

// One message: the first three, their number, and why.
TEST(Caffe, ManyProblemsAreCounted) {
    std::vector<SmallLayer> layers = small_caffe_layers();
    layers[1].blobs[0].shape = {4, 5, 2, 3};
    layers[1].blobs[1].values[2] = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(
        error_of(v1_caffemodel(layers)),
        AllOf(HasSubstr("2 problems: conv1/2x3 weight is 4x5x2x3, expected 5x4x2x3; conv1/2x3 bias has 1 values "
                        "that are not finite numbers; "),
              HasSubstr("is this another network"), Not(HasSubstr("\n"))));
    layers[3].blobs[0].values.pop_back();
    layers[4].name = "loss3/renamed";
    layers.push_back(layers[1]);
    EXPECT_THAT(
        error_of(v1_caffemodel(layers)),
        AllOf(HasSubstr("10 problems, the first three: conv1/2x3 appears twice; conv1/2x3 weight appears twice; "
                        "conv1/2x3 bias appears twice; 2 unused: loss3/renamed bias (5), loss3/renamed weight "
                        "(5x4); expected BVLC GoogLeNet"),
              Not(HasSubstr("\n"))));
}

// A file with nothing known in it: short, and says what it is.
TEST(Caffe, OtherNetworksAreNamed) {
    std::vector<SmallLayer> layers;
    for (int i = 0; i < 500; ++i)
        layers.push_back({concat("fc", i), {{{1}, {1}}, {{1}, {1}}}, "InnerProduct", {"data"}, {"x"}, {}, {}});
    const std::string error = error_of(current_caffemodel(layers));
    EXPECT_THAT(error,
                AllOf(HasSubstr("507 problems, the first three: fc0 (InnerProduct) is no part of the known network; "),
                      HasSubstr("it is another network (SmallNet) than BVLC GoogLeNet, which alone is read")));
    EXPECT_LT(error.size(), 500u);
}

TEST(Caffe, CausesAreNamed) {
    std::vector<SmallLayer> layers = small_caffe_layers();
    for (SmallLayer& layer : layers) layer.name = "net/" + layer.name;
    EXPECT_THAT(error_of(v1_caffemodel(layers)), HasSubstr("its names begin with net/; remove that"));
    layers = small_caffe_layers();
    layers[4].blobs[1] = {{7}, counting_values(4, 7)};
    EXPECT_THAT(error_of(v1_caffemodel(layers)), HasSubstr("it is a GoogLeNet for 7 classes"));
    layers = small_caffe_layers();
    layers.insert(layers.begin() + 2, {"bn", {}, "BatchNorm", {"conv1/2x3"}, {"conv1/2x3"}, {}, {}});
    EXPECT_THAT(
        error_of(current_caffemodel(layers)),
        AllOf(HasSubstr("bn (BatchNorm) is no part of the known network; "), HasSubstr("relu takes bn, expected"),
              HasSubstr("it has batch normalisation, so it is another network")));
    const WireWriter v0 = WireWriter().text(2, "data").message(1, WireWriter().text(1, "conv1").text(2, "conv"));
    EXPECT_THAT(error_of(WireWriter().message(2, v0).bytes()), HasSubstr("is of Caffe's first form (V0)"));
    // NVIDIA's half precision: raw_data_type 2, raw_data.
    const WireWriter raw = WireWriter().integer(1, 5).integer(2, 4).integer(3, 2).integer(4, 3).integer(10, 2).text(
        12, std::string(240, 'h'));
    EXPECT_THAT(error_of(WireWriter().message(2, WireWriter().text(4, "conv1/2x3").message(6, raw)).bytes()),
                HasSubstr("its values are half precision, as NVIDIA's Caffe writes them"));
}

TEST(Caffe, ImpossibleShapesAreRefused) {
    for (const std::vector<int64_t>& shape :
         {std::vector<int64_t>{-5, -4, 2, 3}, {int64_t(1) << 62, 4, 2, 3}, {0, 4, 2, 3}, {}}) {
        std::vector<SmallLayer> layers = small_caffe_layers();
        layers[1].blobs[0].shape = shape;
        EXPECT_THAT(error_of(current_caffemodel(layers)),
                    HasSubstr("conv1/2x3 weight has 120 values, but its shape is"));
    }
    WireWriter blob;
    blob.packed(5, counting_values(0, 4));
    const std::string file = WireWriter().message(2, WireWriter().text(4, "conv1/2x3").message(6, blob)).bytes();
    try {
        read_caffemodel(as_bytes(file), parse_network(kSmallTable, ""));
        FAIL() << "nothing was thrown";
    } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("conv1/2x3 weight has no shape, and 4 values"));
    }
}

TEST(Caffe, GroupsAndWrongWireTypesAreRefused) {
    EXPECT_THAT(error_of(WireWriter().varint(7 << 3 | 3).bytes()), HasSubstr("field 7 has wire type 3 (a group)"));
    EXPECT_THAT(error_of(WireWriter().varint(7 << 3 | 6).bytes()), HasSubstr("field 7 has wire type 6, expected"));
    EXPECT_THAT(error_of(WireWriter().varint(0).bytes()), HasSubstr("field number 0"));
    EXPECT_THAT(error_of(WireWriter().integer(2, 5).bytes()),
                HasSubstr("field 2 is an integer, expected a string or message"));
    EXPECT_THAT(error_of(std::string("\x08") + std::string(10, '\xff')), HasSubstr("more than 64 bits"));
    EXPECT_THAT(error_of(std::string("\x08") + std::string(9, '\xff') + '\x02'), HasSubstr("more than 64 bits"));
    EXPECT_THAT(error_of(WireWriter().message(2, WireWriter().message(6, WireWriter().text(5, "abc"))).bytes()),
                HasSubstr("packed array of 3 bytes, expected a multiple of 4"));
}

TEST(Caffe, CountsAreBounded) {
    WireWriter dims, layer, net;
    for (int i = 0; i < 100; ++i) dims.varint(1);
    for (int i = 0; i < 100; ++i) layer.text(6, "");
    for (int i = 0; i < 20000; ++i) net.text(2, "");
    const WireWriter blob = WireWriter().message(7, WireWriter().text(1, dims.bytes()));
    EXPECT_THAT(error_of(WireWriter().message(2, WireWriter().message(6, blob)).bytes()),
                HasSubstr("more than 8 integers in field 1"));
    EXPECT_THAT(error_of(WireWriter().message(2, layer).bytes()), HasSubstr("more than 16 blobs"));
    EXPECT_THAT(error_of(net.bytes()), HasSubstr("more than 10000 layers"));
}

// The published file, through the front door. An independent script (plain loops in another language) arrives at the
// same checksum.
TEST(Caffe, ReadsBvlcGoogleNet) {
    const char* shared = std::getenv("LIMPID_SHARED");
    if (shared == nullptr) GTEST_SKIP() << "LIMPID_SHARED is not set: no real weights";
    const Weights weights = import_weights(std::string(shared) + "/models/bvlc_googlenet.caffemodel");
    EXPECT_EQ(weights.variant, "bvlc");
    EXPECT_EQ(weights.source, "bvlc_googlenet.caffemodel");
    EXPECT_EQ(weights.source_sha256, "ab22b168d07cd301fcad71954b4c9dff8b529231b19e208d471d24154cd96a12");
    EXPECT_EQ(weights.checksum, "fde401d4c68d7c744924f631b4a6575050a40f50a68dd33fba4c6917e3e40ec0");
    EXPECT_EQ(weights.preprocessing, (Preprocessing{{2, 1, 0}, 255.0f, {104.00698793f, 116.66876762f, 122.67891434f}}));
    EXPECT_EQ(weights.tensors.size(), 116u);
    EXPECT_TRUE(weights.unused.empty());
    int64_t parameters = 0;
    for (const auto& [name, tensor] : weights.tensors) parameters += tensor.shape.size();
    EXPECT_EQ(parameters, 6998552);
    EXPECT_EQ(weights.tensors.at("mixed4a_3x3_w").shape, (Shape{3, 3, 96, 208}));
    EXPECT_EQ(weights.tensors.at("softmax2_w").shape, (Shape{1, 1, 1024, 1000}));
    ASSERT_EQ(weights.labels.size(), 1000u);
    EXPECT_EQ(weights.labels[0], "tench, Tinca tinca");
    EXPECT_EQ(weights.labels[285], "Egyptian cat");
    EXPECT_EQ(weights.labels[999], "toilet tissue, toilet paper, bathroom tissue");
}

}  // namespace
}  // namespace limpid::testing
