// A layer is a product, a bias, perhaps a normalisation, and an activation; the last has neither of the latter two.
#include "viz/param/cppn.h"

#include <cmath>
#include <numbers>

#include "graph/ops.h"
#include "kernels/elementary.h"

namespace limpid {

namespace {

constexpr float kVarianceFloor = 1e-6f;  // slim.instance_norm

// A normal number within two deviations, as TensorFlow's truncated_normal: drawn again until it is.
float truncated_normal(const RandomKey& key, int64_t i) {
    for (RandomKey attempt = key;; attempt.purpose += 1u << 16)
        if (const float z = random_normal(attempt, i); std::fabs(z) <= 2) return z;
}

NodeId activate(Graph& graph, const std::string& kind, NodeId x) {
    if (kind == "relu") return ops::affine(graph, ops::relu(graph, x), float(1 / 0.58), float(-0.40 / 0.58));
    if (kind == "abs") return ops::unary(graph, Unary::abs, x);
    // Lucid, param/cppn.py
    const NodeId a = ops::unary(graph, Unary::atan, x), squares = ops::unary(graph, Unary::square, a);
    const NodeId even = kind == "unbiased" ? ops::affine(graph, squares, float(1 / 0.396), float(-0.45 / 0.396))
                                           : ops::affine(graph, squares, float(1 / 0.6), 0);
    return ops::concatenate(graph, {ops::affine(graph, a, float(1 / 0.67), 0), even}, 3);
}

// Channels after the activation.
int64_t widened(const Cppn& cppn) {
    return cppn.activation == "relu" || cppn.activation == "abs" ? cppn.hidden : 2 * cppn.hidden;
}

// x from -sqrt(3) to sqrt(3), so that its deviation is 1; y likewise. The same for each picture.
HostTensor coordinates(int64_t batch, int64_t h, int64_t w) {
    HostTensor result({batch, h, w, 2});
    const auto place = [](int64_t i, int64_t size) {
        return size > 1 ? float(std::sqrt(3.0) * (2 * double(i) / double(size - 1) - 1)) : 0.0f;
    };
    for (int64_t n = 0; n < batch; n++)
        for (int64_t y = 0; y < h; y++)
            for (int64_t x = 0; x < w; x++) {
                result.at(n, y, x, 0) = place(x, w);
                result.at(n, y, x, 1) = place(y, h);
            }
    return result;
}

NodeId normalise(Graph& graph, NodeId x, NodeId scale, NodeId shift) {
    constexpr Axes kPlane{false, true, true, false};
    const NodeId centred = ops::sub(graph, x, ops::reduce(graph, Reduce::mean, kPlane, x));
    const NodeId variance = ops::reduce(graph, Reduce::mean, kPlane, ops::unary(graph, Unary::square, centred));
    const NodeId inverse = ops::unary(graph, Unary::rsqrt, ops::affine(graph, variance, 1, kVarianceFloor));
    return ops::add(graph, ops::mul(graph, ops::mul(graph, centred, inverse), scale), shift);
}

// Each picture's share in each network: {batch,1,1,networks}.
HostTensor network_shares(int64_t networks, int64_t batch) {
    HostTensor shares({batch, 1, 1, networks});
    for (int64_t n = 0; n < batch; n++) {
        if (networks == 1 || batch == 1) {
            shares.at(n, 0, 0, 0) = 1;
            continue;
        }
        const double place = double(n * (networks - 1)) / double(batch - 1);
        const int64_t network = std::min(int64_t(place), networks - 2);
        const double t = (1 - elementary::cos(std::numbers::pi * (place - double(network)))) / 2,
                     swell = 1 + t * (1 - t);
        shares.at(n, 0, 0, network) = float((1 - t) * swell);
        shares.at(n, 0, 0, network + 1) = float(t * swell);
    }
    return shares;
}

}  // namespace

std::vector<Shape> cppn_variables(const Cppn& cppn, int64_t colours) {
    std::vector<Shape> layers;
    for (int64_t n = 0, in = 2; n <= cppn.layers; n++, in = widened(cppn)) {
        const bool last = n == cppn.layers;
        const int64_t out = last ? colours : cppn.hidden;
        layers.insert(layers.end(), {{1, 1, in, out}, {1, 1, 1, out}});
        if (cppn.normalize && !last) layers.insert(layers.end(), 2, {1, 1, 1, out});
    }
    return layers;
}

// Lucid, param/cppn.py: weights of variance 1 / inputs, biases 0.1, no weights at the end; normalisation does nothing.
void initialise_cppn(const Cppn& cppn, const std::vector<Shape>& shapes, RandomKey key, float* to) {
    const int64_t each = cppn.normalize ? 4 : 2;
    for (int64_t i = 0, k = 0; k < int64_t(shapes.size()); k++) {
        const Shape& shape = shapes[size_t(k)];
        const int64_t kind = k % each;  // weights, biases, scales, shifts
        const bool last = k == int64_t(shapes.size()) - 2;
        for (int64_t j = 0; j < shape.size(); j++, i++)
            to[i] = kind == 1           ? 0.1f * random_normal(key, i)
                    : kind == 2         ? 1
                    : kind == 3 || last ? 0
                                        : truncated_normal(key, i) / std::sqrt(float(shape.w));
    }
}

NodeId cppn_values(Graph& graph, const Cppn& cppn, std::vector<NodeId> nodes, Size3 size, int64_t batch) {
    if (cppn.images > 0) {
        const NodeId shares = graph.constant(network_shares(cppn.images, batch), "shares of networks");
        for (NodeId& node : nodes) {
            const Shape shape = graph.shape(node);
            const NodeId rows = ops::reshape(graph, node, {1, 1, cppn.images, shape.size() / cppn.images});
            node = ops::reshape(graph, ops::matmul(graph, shares, rows), {batch, shape.h, shape.w, shape.c});
        }
    }
    NodeId x = graph.constant(coordinates(batch, size.h, size.w), "coordinates");
    for (size_t i = 0; i < nodes.size();) {
        x = ops::matmul(graph, x, nodes[i], {.transpose_a = false, .transpose_b = false, .batched = true});
        x = ops::add(graph, x, nodes[i + 1]);
        i += 2;
        if (i == nodes.size()) break;
        if (cppn.normalize) {
            x = normalise(graph, x, nodes[i], nodes[i + 1]);
            i += 2;
        }
        x = activate(graph, cppn.activation, x);
    }
    return x;
}

}  // namespace limpid
