// Lucid's interaction grid (appendix of Feature Visualization) and multi_interpolation_basis (param/lowres.py).
#include "viz/param/mixtures.h"

#include "graph/ops.h"
#include "kernels/error.h"

namespace limpid {

namespace {

void check_batch(const std::string& source, int64_t makes, int64_t batch) {
    if (batch != makes) throw Error(concat(source, " makes ", makes, " pictures, the batch has ", batch));
}

// A picture of 1/part of the size.
Shape part_of(Size3 size, int64_t images, int64_t part) {
    return {images, std::max<int64_t>(1, size.h / part), std::max<int64_t>(1, size.w / part), size.c};
}

// {n,h,w,c} with the images in the opposite order.
NodeId backwards(Graph& graph, NodeId x) {
    const Shape shape = graph.shape(x);
    std::vector<NodeId> images;
    for (int64_t n = shape.n - 1; n >= 0; n--)
        images.push_back(ops::slice(graph, x, {n, 0, 0, 0}, {1, shape.h, shape.w, shape.c}));
    return ops::concatenate(graph, images, 0);
}

// Sizes of which Lucid adds up what is shared and what an end looks like; and what lies between two.
constexpr int64_t kParts[] = {1, 2, 4, 8}, kPartsBetween[] = {1, 2};

}  // namespace

// n pure spectra, n*n blends (of which those above the diagonal are used), one shared spectrum and a shared picture of
// a quarter of the size.
std::vector<Shape> grid_variables(const Grid& grid, Size3 size) {
    const Shape spectrum{1, size.h, (size.w + size.w % 2) / 2 + 1, 2 * size.c};
    std::vector<Shape> all(size_t(grid.n + grid.n * grid.n + 1), spectrum);
    all.push_back(part_of(size, 1, 4));
    return all;
}

// 0.5 * ((pure_i + pure_j)/2 [held still where i != j] + (i == j ? pure_i : blend_ij) + 2*shared)
NodeId grid_values(Graph& graph, const Grid& grid, const std::vector<NodeId>& nodes, Size3 size, int64_t batch) {
    check_batch(concat("grid(", grid.n, ")"), grid.n * grid.n, batch);
    const NodeId scale = graph.constant(spectral_scale(size.h, size.w, 1));
    const auto spectral = [&](NodeId x) { return spectral_values(graph, x, graph[scale].constant, size.w); };
    const NodeId shared = ops::add(graph, spectral(nodes[size_t(grid.n + grid.n * grid.n)]),
                                   enlarge(graph, nodes.back(), 1, size.h, size.w));
    std::vector<NodeId> pure, pictures;
    for (int64_t i = 0; i < grid.n; i++) pure.push_back(spectral(nodes[size_t(i)]));
    for (int64_t i = 0; i < grid.n; i++)
        for (int64_t j = 0; j < grid.n; j++) {
            NodeId both = ops::affine(graph, ops::add(graph, pure[size_t(i)], pure[size_t(j)]), 0.5f, 0);
            NodeId own = pure[size_t(i)];
            if (i != j) {
                both = ops::stop_gradient(graph, both);
                own = spectral(nodes[size_t(grid.n + grid.n * std::min(i, j) + std::max(i, j))]);
            }
            const NodeId sum = ops::add(graph, ops::add(graph, both, own), ops::affine(graph, shared, 2, 0));
            pictures.push_back(ops::affine(graph, sum, 0.5f, 0));
        }
    return ops::concatenate(graph, pictures, 0);
}

// What all share; for each end, two pictures from which the way is interpolated; for each pair i < j, the steps
// between.
std::vector<Shape> pairs_variables(const Pairs& pairs, Size3 size) {
    std::vector<Shape> all;
    for (const int64_t part : kParts) all.push_back(part_of(size, 1, part));
    for (int64_t i = 0; i < pairs.n; i++)
        for (const int64_t part : kParts) all.push_back(part_of(size, 2, part));
    for (int64_t pair = 0; pair < pairs.n * (pairs.n - 1) / 2; pair++)
        for (const int64_t part : kPartsBetween) all.push_back(part_of(size, pairs.steps, part));
    return all;
}

// shared + way_i + backwards(way_j) + between_ij, where between_ji is backwards(between_ij), and 0 for i = j. (Lucid's
// index for the mirror, N - n, is off by one.)
NodeId pairs_values(Graph& graph, const Pairs& pairs, const std::vector<NodeId>& nodes, Size3 size, int64_t batch) {
    check_batch(concat("pairs(n=", pairs.n, ", steps=", pairs.steps, ")"), pairs.n * pairs.n * pairs.steps, batch);
    size_t next = 0;
    const auto sum_of = [&](auto& parts, int64_t images) {
        NodeId sum;
        for (size_t k = 0; k < std::size(parts); k++) {
            const NodeId part = enlarge(graph, nodes[next++], images, size.h, size.w);
            sum = sum.valid() ? ops::add(graph, sum, part) : part;
        }
        return sum;
    };
    const NodeId shared = sum_of(kParts, 1);
    std::vector<NodeId> ways, returns;
    for (int64_t i = 0; i < pairs.n; i++) {
        ways.push_back(sum_of(kParts, pairs.steps));
        returns.push_back(backwards(graph, ways.back()));
    }
    std::vector<NodeId> pictures(size_t(pairs.n * pairs.n));
    for (int64_t i = 0; i < pairs.n; i++)
        for (int64_t j = i; j < pairs.n; j++) {
            NodeId way = ops::add(graph, ops::add(graph, ways[size_t(i)], returns[size_t(j)]), shared);
            if (i != j) way = ops::add(graph, way, sum_of(kPartsBetween, pairs.steps));
            pictures[size_t(pairs.n * i + j)] = way;
            if (i != j) pictures[size_t(pairs.n * j + i)] = backwards(graph, way);
        }
    return ops::concatenate(graph, pictures, 0);
}

}  // namespace limpid
