// Networks that somebody writes: from a text in a file to values and gradients, against plain loops over the same text.
#include <gmock/gmock.h>

#include <cmath>
#include <filesystem>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/run.h"
#include "nets/known_networks.h"
#include "nets/net.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"
#include "weights/readers.h"

namespace limpid::testing {
namespace {

using ::testing::HasSubstr;

// Rectangular windows and strides, borders that differ on every side, two outputs.
std::string hand_written_text(int64_t channels, const std::string& normalise) {
    return concat(
        "network: by hand\n"
        "logits: digit\n"
        "outputs: digit, slant\n"
        "default: edge\n"
        "input = image(size=12x9, channels=",
        channels,
        ")\n"
        "preprocessed = normalise(input, ",
        normalise,
        ")\n"
        "edge = conv(preprocessed, channels=3, window=3x5, stride=2x1, pad=1x2x0x1, activation=relu)\n"
        "texture = conv(edge, channels=4, window=1x3, pad=same)\n"
        "small = max_pool(texture, window=2x3, stride=1x2, pad=0x1, round=up)\n"
        "mean = average_pool(edge, window=2x3, stride=2x2, pad=1x0x0x1)\n"
        "digit = dense(small, channels=5)\n"
        "slant = dense(mean, channels=2)\n");
}

struct HandWritten {
    int64_t channels;
    std::string normalise;
    std::vector<double> scale, mean;  // of each channel of the picture
};
const HandWritten kHandWritten[] = {
    {1, "scale=2, mean=0.5", {2}, {0.5}},
    {3, "scale=2 3 4, mean=0.5 1 1.5", {2, 3, 4}, {0.5, 1, 1.5}},
    {2, "order=1 0, scale=2 3, mean=0.5 1", {3, 2}, {1, 0.5}},
};

Weights hand_written_weights(const HandWritten& net) {
    Weights weights;
    weights.variant = "by hand";
    weights.source = "nowhere";
    weights.network = hand_written_text(net.channels, net.normalise);
    uint32_t salt = 1;
    for (const auto& [name, shape] : parameter_shapes(architecture_of(weights)))
        weights.tensors[name] = random_tensor(shape, -1, 1, salt++);
    weights.labels = {"zero", "one", "two", "three", "four"};
    weights.checksum = checksum_of(weights.tensors);
    return weights;
}

using Map = HostArray<double>;

// By the definitions, in the numbers of the text above.
struct ByDefinition {
    const HandWritten& net;
    const Weights& weights;

    double w(const std::string& name, int64_t r, int64_t s, int64_t c, int64_t k) const {
        return weights.tensors.at(name).at(r, s, c, k);
    }
    Map conv(const Map& x, const std::string& name, Shape y, int64_t sy, int64_t sx, int64_t top, int64_t left) const {
        const Shape f = weights.tensors.at(name + "_w").shape;
        Map result(y);
        for (int64_t p = 0; p < y.h; p++)
            for (int64_t q = 0; q < y.w; q++)
                for (int64_t k = 0; k < y.c; k++) {
                    double sum = w(name + "_b", 0, 0, 0, k);
                    for (int64_t r = 0; r < f.n; r++)
                        for (int64_t s = 0; s < f.h; s++) {
                            const int64_t h = p * sy + r - top, v = q * sx + s - left;
                            if (h < 0 || v < 0 || h >= x.shape.h || v >= x.shape.w) continue;
                            for (int64_t c = 0; c < f.w; c++) sum += x.at(0, h, v, c) * w(name + "_w", r, s, c, k);
                        }
                    result.at(0, p, q, k) = sum;
                }
        return result;
    }
    static Map pool(const Map& x, Shape y, int64_t r, int64_t s, int64_t sy, int64_t sx, int64_t top, int64_t left,
                    bool average) {
        Map result(y);
        for (int64_t p = 0; p < y.h; p++)
            for (int64_t q = 0; q < y.w; q++)
                for (int64_t c = 0; c < y.c; c++) {
                    double most = -1e300, sum = 0;
                    int cells = 0;
                    for (int64_t h = p * sy - top; h < p * sy - top + r; h++)
                        for (int64_t v = q * sx - left; v < q * sx - left + s; v++) {
                            if (h < 0 || v < 0 || h >= x.shape.h || v >= x.shape.w) continue;
                            most = std::max(most, x.at(0, h, v, c));
                            sum += x.at(0, h, v, c), cells++;
                        }
                    result.at(0, p, q, c) = average ? sum / cells : most;
                }
        return result;
    }
    Map dense(const Map& x, const std::string& name, int64_t channels) const {
        Map result({1, 1, 1, channels});
        for (int64_t k = 0; k < channels; k++) {
            result.at(0, 0, 0, k) = w(name + "_b", 0, 0, 0, k);
            for (int64_t i = 0; i < x.shape.size(); i++)
                result.at(0, 0, 0, k) += x.values[size_t(i)] * w(name + "_w", 0, 0, i, k);
        }
        return result;
    }

    // digit, then slant. The picture's channels meet the filters in the order of the text.
    std::pair<Map, Map> outputs(const Map& picture) const {
        Map x(picture.shape);
        const bool turned = net.normalise.starts_with("order");
        for (size_t i = 0; i < x.values.size(); i++) {
            const size_t c = i % size_t(net.channels), j = turned ? size_t(net.channels) - 1 - c : c;
            x.values[i - c + j] = net.scale[c] * picture.values[i] - net.mean[c];
        }
        Map edge = conv(x, "edge", {1, 6, 8, 3}, 2, 1, 1, 2);
        for (double& value : edge.values) value = std::max(value, 0.0);
        const Map texture = conv(edge, "texture", {1, 6, 8, 4}, 1, 1, 0, 1);
        const Map small = pool(texture, {1, 5, 5, 4}, 2, 3, 1, 2, 0, 1, false);
        const Map mean = pool(edge, {1, 3, 4, 3}, 2, 3, 2, 2, 1, 0, true);
        return {dense(small, "digit", 5), dense(mean, "slant", 2)};
    }
    // digit[k] * (k+1) - slant[k] * (k+2), summed.
    double score(const Map& picture) const {
        const auto [digit, slant] = outputs(picture);
        double sum = 0;
        for (size_t k = 0; k < 5; k++) sum += digit.values[k] * double(k + 1);
        for (size_t k = 0; k < 2; k++) sum -= slant.values[k] * double(k + 2);
        return sum;
    }
};

struct Computed {
    HostTensor digit, slant, gradient;
};

Computed computed(const Net& net, const HostTensor& picture, Device device) {
    Graph graph;
    const NodeId image = graph.input("image", picture.shape);
    const Layers layers = apply(net, graph, image);
    const NodeId digit = layer(net, layers, "digit"), slant = layer(net, layers, "slant");
    const auto weighted = [&](NodeId x, std::vector<float> by) {
        const Shape shape = graph.shape(x);
        return ops::reduce(graph, Reduce::sum, {true, true, true, true},
                           ops::mul(graph, x, graph.constant(HostTensor(shape, std::move(by)))));
    };
    const NodeId score = ops::sub(graph, weighted(digit, {1, 2, 3, 4, 5}), weighted(slant, {2, 3}));
    Stream stream(device, 1);
    std::vector<HostTensor> values = evaluate(graph, {digit, slant, grad(graph, score, {image})[0]}, stream, {picture});
    return {values[0], values[1], values[2]};
}

TEST(HandWrittenNetwork, IsReadFromAFileAndRunAsItSays) {
    for (const HandWritten& row : kHandWritten) {
        const Weights weights = hand_written_weights(row);
        const std::string path =
            (std::filesystem::path(::testing::TempDir()) / concat("by-hand-", ::getpid(), ".h5")).string();
        save_weights(path, weights);
        const Weights read = load_weights(path);
        std::filesystem::remove(path);
        EXPECT_EQ(read.network, weights.network);
        EXPECT_EQ(read.checksum, weights.checksum);
        const Net net = make_net(read);
        EXPECT_EQ(net.name, "by hand");
        EXPECT_EQ(find_class(net, "three"), 3);
        EXPECT_EQ(usual_layer(net, ""), "edge");
        EXPECT_EQ(parse_architecture(to_string(net)), static_cast<const Architecture&>(net));
        EXPECT_EQ(parse_architecture(net.weights->network), static_cast<const Architecture&>(net));

        const HostTensor picture = random_tensor(net.image(), 0, 1, 77);
        const ByDefinition plain{row, weights};
        Map exact(picture.shape);
        std::ranges::copy(picture.values, exact.values.begin());
        const auto [digit, slant] = plain.outputs(exact);
        // Central differences of the plain loops, in double.
        Map gradient(picture.shape);
        for (size_t i = 0; i < exact.values.size(); i++) {
            Map up = exact, down = exact;
            up.values[i] += 1e-6, down.values[i] -= 1e-6;
            gradient.values[i] = (plain.score(up) - plain.score(down)) / 2e-6;
        }
        for (const Device device : {Device{DeviceKind::reference}, Device{DeviceKind::cpu}}) {
            const Computed actual = computed(net, picture, device);
            const Tolerance tolerance = sum_tolerance(15 * 3 + 9 * 100);
            EXPECT_TRUE(matches(digit, actual.digit, tolerance)) << row.normalise;
            EXPECT_TRUE(matches(slant, actual.slant, tolerance)) << row.normalise;
            EXPECT_TRUE(matches(gradient, actual.gradient, tolerance)) << row.normalise;
        }
    }
}

// A reordered image is turned into the filters where only filters take it, and otherwise reordered: the same values.
TEST(HandWrittenNetwork, ReordersItsImageInOneWayOrTheOther) {
    Weights filters = hand_written_weights(kHandWritten[2]), both = filters;
    both.network += "other = softmax(preprocessed)\n";
    const Net turned = make_net(filters), reordered = make_net(both);
    EXPECT_EQ(to_string(turned).find("order="), std::string::npos);
    EXPECT_NE(to_string(reordered).find("order=1 0"), std::string::npos);
    const HostTensor picture = random_tensor(turned.image(), 0, 1, 5);
    const Computed a = computed(turned, picture, {DeviceKind::reference}),
                   b = computed(reordered, picture, {DeviceKind::reference});
    EXPECT_TRUE(matches(a.digit, b.digit, sum_tolerance(1000)));
    EXPECT_TRUE(matches(a.gradient, b.gradient, sum_tolerance(1000)));
    EXPECT_EQ(normalisation_of(turned).mean, (std::vector<float>{1, 0.5}));
    EXPECT_EQ(normalisation_of(reordered).order, (std::vector<int64_t>{1, 0}));
}

std::string error_of_weights(const Weights& weights) {
    try {
        make_net(weights);
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

TEST(HandWrittenNetwork, RefusesTensorsLabelsAndTextsThatDoNotFit) {
    const Weights weights = hand_written_weights(kHandWritten[0]);
    Weights other = weights;
    other.tensors.erase("digit_b");
    other.tensors["edge_w"] = HostTensor({5, 3, 1, 3});
    EXPECT_EQ(error_of_weights(other),
              "weights nowhere: 2 problems: digit_b is missing; edge_w is 5x3x1x3, expected 3x5x1x3; expected those of "
              "by hand; are "
              "these of another network?");
    other = weights;
    other.labels.pop_back();
    EXPECT_EQ(error_of_weights(other),
              "weights nowhere: 4 labels, expected 5, one for each channel of the logits digit");
    other = weights;
    other.network += "again = warp(slant)\n";
    EXPECT_THAT(error_of_weights(other),
                HasSubstr("weights nowhere: network: line 13: kind \"warp\" is not known, expected one of image"));
    EXPECT_EQ(with_network_text(weights).network, weights.network);
    EXPECT_THROW(with_network_text(other), Error);
}

TEST(HandWrittenNetwork, ChannelsOfThePictureAreTheNetworks) {
    const Net net = make_net(hand_written_weights(kHandWritten[0]));
    Graph graph;
    try {
        apply(net, graph, graph.input("image", {1, 12, 9, 3}));
        FAIL() << "nothing was thrown";
    } catch (const UsageError& error) {
        EXPECT_THAT(error.what(), HasSubstr("the image has 3 channels, by hand takes 1"));
    }
    // At another size the dense layers do not exist, and the others do.
    Graph wide;
    const Layers layers = apply(net, wide, wide.input("image", {2, 20, 30, 1}));
    EXPECT_TRUE(layers.contains("small"));
    EXPECT_FALSE(layers.contains("digit"));
}

// What converted files keep is what their variant is, said in full; weights that are not whole are kept without.
TEST(KnownNetworks, GetTheirTextWhenTheyAreConverted) {
    Weights weights = hand_written_weights(kHandWritten[0]);
    weights.network.clear();
    weights.variant = "tiny";
    EXPECT_EQ(with_network_text(weights).network, "");
    weights.variant = "no such";
    EXPECT_EQ(with_network_text(weights).network, "");
}

}  // namespace
}  // namespace limpid::testing
