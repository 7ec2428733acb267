// One function for each question, with one case for each kind of source.
#include "viz/param/sources.h"

#include <cmath>
#include <numbers>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/image/array_file.h"
#include "viz/overloaded.h"

namespace limpid {

namespace {

constexpr double kGain = 0.25;  // as decoded, see param.cpp

int64_t frequencies(int64_t w) { return (w + w % 2) / 2 + 1; }

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

NodeId cppn_values(Graph& graph, const Cppn& cppn, const std::vector<NodeId>& nodes, Size3 size, int64_t batch) {
    NodeId x = graph.constant(coordinates(batch, size.h, size.w), "coordinates");
    for (size_t i = 0; i + 1 < nodes.size(); i += 2) {
        x = ops::matmul(graph, x, nodes[i], {.transpose_a = false, .transpose_b = false, .batched = true});
        x = ops::add(graph, x, nodes[i + 1]);
        if (i + 2 < nodes.size()) x = activate(graph, cppn.activation, x);
    }
    return x;
}

// 0.5 * ((pure_i + pure_j)/2 [held still where i != j] + (i == j ? pure_i : blend_ij) + 2*shared)
NodeId grid_values(Graph& graph, const Grid& grid, const std::vector<NodeId>& nodes, Size3 size) {
    const NodeId scale = graph.constant(spectral_scale(size.h, size.w, 1));
    const auto spectral = [&](NodeId x) { return spectral_values(graph, x, graph[scale].constant, size.w); };
    // The variables of one copy, side by side: n pure spectra, n*n blends (of which those above the diagonal are used),
    // one shared spectrum and a shared picture of a quarter of the size.
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

}  // namespace

int64_t shared_images(const Source& source) {
    return std::visit(Overloaded{
                          [](const Spectral& s) { return s.images; },
                          [](const Pixels& s) { return s.images; },
                          [](const Lowres& s) { return s.images; },
                          [](const Grid&) { return int64_t(1); },
                          [](const auto&) { return int64_t(0); },
                      },
                      source);
}

std::vector<Shape> variables(const Source& source, Size3 size) {
    const auto [h, w, c] = size;
    const Shape spectrum{1, h, frequencies(w), 2 * c}, picture{1, h, w, c};
    return std::visit(Overloaded{
                          [&](const Spectral&) { return std::vector{spectrum}; },
                          [&](const Pixels&) { return std::vector{picture}; },
                          [&](const Pyramid& s) {
                              std::vector<Shape> levels;
                              for (int64_t n = 0; n < s.levels; n++) {
                                  levels.push_back({1, h >> n, w >> n, c});
                                  if (levels.back().size() == 0)
                                      throw Error(concat("laplacian: level ", n, " of an image of ", h, "x", w,
                                                         " is empty; use fewer levels"));
                              }
                              return levels;
                          },
                          [&](const Lowres& s) {
                              return std::vector{Shape{1, s.height, s.width, c}};
                          },
                          [&](const Cppn& s) {
                              std::vector<Shape> layers;
                              for (int64_t n = 0, in = 2; n <= s.layers; n++, in = widened(s)) {
                                  const int64_t out = n < s.layers ? s.hidden : c;
                                  layers.insert(layers.end(), {{1, 1, in, out}, {1, 1, 1, out}});
                              }
                              return layers;
                          },
                          [&](const Ball&) { return std::vector{picture}; },
                          [&](const Photo&) { return std::vector<Shape>{}; },
                          [&](const Grid& s) {
                              std::vector<Shape> all(size_t(s.n + s.n * s.n + 1), spectrum);
                              all.push_back({1, std::max<int64_t>(1, h / 4), std::max<int64_t>(1, w / 4), c});
                              return all;
                          },
                      },
                      source);
}

void initialise(const Source& source, const std::vector<Shape>& shapes, RandomKey key, float* to) {
    int64_t total = 0;
    for (const Shape& shape : shapes) total += shape.size();
    const auto normal = [&](double deviation) {
        for (int64_t i = 0; i < total; i++) to[i] = float(deviation) * random_normal(key, i);
    };
    std::visit(Overloaded{
                   [&](const Cppn&) {
                       // Lucid, param/cppn.py: weights of variance 1 / inputs, biases 0.1, no weights at the end.
                       for (int64_t i = 0, layer = 0; layer < int64_t(shapes.size()); layer++) {
                           const Shape& shape = shapes[size_t(layer)];
                           const bool bias = layer % 2 == 1, last = layer == int64_t(shapes.size()) - 2;
                           for (int64_t k = 0; k < shape.size(); k++, i++)
                               to[i] = bias   ? 0.1f * random_normal(key, i)
                                       : last ? 0
                                              : truncated_normal(key, i) / std::sqrt(float(shape.w));
                       }
                   },
                   [&](const Ball&) { std::fill(to, to + total, 0.0f); },
                   [&](const Photo&) {},
                   [&](const auto& s) { normal(s.deviation); },
               },
               source);
}

NodeId enlarge(Graph& graph, NodeId x, int64_t n, int64_t h, int64_t w) {
    Shape shape = graph.shape(x);
    if (shape.h != h || shape.w != w) x = ops::resize(graph, x, h, w);
    if (shape.n == n) return x;
    const int64_t row = h * w * shape.c;
    const NodeId images = ops::reshape(graph, x, {1, shape.n, 1, row});
    return ops::reshape(graph, ops::resize(graph, images, n, 1), {n, h, w, shape.c});
}

NodeId source_values(Graph& graph, const Source& source, const std::vector<NodeId>& nodes, Size3 size, int64_t batch,
                     const std::shared_ptr<const HostTensor>& scale) {
    const auto along_batch = [&](NodeId x) {
        const int64_t images = graph.shape(x).n;
        return images == 1 || images == batch ? x : enlarge(graph, x, batch, size.h, size.w);
    };
    return std::visit(
        Overloaded{
            [&](const Spectral& s) {
                HostTensor own = spectral_scale(size.h, size.w, s.decay_power);
                const bool same = scale && scale->values == own.values;
                return along_batch(spectral_values(
                    graph, nodes[0], same ? scale : std::make_shared<const HostTensor>(std::move(own)), size.w));
            },
            [&](const Pixels&) { return along_batch(nodes[0]); },
            [&](const Pyramid&) {
                NodeId sum = nodes[0];
                for (size_t i = 1; i < nodes.size(); i++)
                    sum = ops::add(graph, sum, enlarge(graph, nodes[i], batch, size.h, size.w));
                return sum;
            },
            [&](const Lowres&) {
                return along_batch(enlarge(graph, nodes[0], graph.shape(nodes[0]).n, size.h, size.w));
            },
            [&](const Cppn& s) { return cppn_values(graph, s, nodes, size, batch); },
            [&](const Ball& s) { return constrain(graph, nodes[0], s); },
            [&](const Photo& s) {
                HostTensor picture = load_array(s.file);
                if (!(picture.shape == Shape{1, size.h, size.w, size.c}))
                    throw Error(concat(s.file, " is ", picture.shape, ", expected ", Shape{1, size.h, size.w, size.c}));
                return graph.constant(std::move(picture), s.file);
            },
            [&](const Grid& s) {
                if (batch != s.n * s.n)
                    throw Error(concat("grid(", s.n, ") makes ", s.n * s.n, " pictures, the batch has ", batch));
                return grid_values(graph, s, nodes, size);
            },
        },
        source);
}

bool holds(const Source& source, Size3 size) {
    if (const auto* lowres = std::get_if<Lowres>(&source)) return lowres->height == size.h && lowres->width == size.w;
    return std::holds_alternative<Spectral>(source) || std::holds_alternative<Pixels>(source) ||
           std::holds_alternative<Pyramid>(source);
}

HostTensor hold(const Source& source, const HostTensor& values) {
    const Shape size = values.shape;
    int64_t count = 0;
    for (const Shape& shape : variables(source, {size.h, size.w, size.c})) count += shape.size();
    HostTensor result({1, 1, 1, count});
    const auto* spectral = std::get_if<Spectral>(&source);
    if (!spectral) {
        std::copy(values.values.begin(), values.values.end(), result.values.begin());
        return result;
    }
    // The transform of the rows, then of the columns: S[v,u] = sum t exp(-2 pi i (v y/h + u x/W)). For odd widths the
    // image is one column wider: the last is repeated.
    const int64_t full = size.w + size.w % 2, f = frequencies(size.w);
    const HostTensor scale = spectral_scale(size.h, size.w, spectral->decay_power);
    std::vector<double> cosines(static_cast<size_t>(std::max(full, size.h))), sines(cosines.size());
    const auto table = [&](int64_t period) {
        for (int64_t i = 0; i < period; i++) {
            cosines[size_t(i)] = std::cos(2 * std::numbers::pi * double(i) / double(period));
            sines[size_t(i)] = std::sin(2 * std::numbers::pi * double(i) / double(period));
        }
    };
    std::vector<double> re(size_t(size.h * f)), im(re.size());
    for (int64_t c = 0; c < size.c; c++) {
        table(full);
        for (int64_t y = 0; y < size.h; y++)
            for (int64_t u = 0; u < f; u++) {
                double a = 0, b = 0;
                for (int64_t x = 0; x < full; x++) {
                    const double t = values.at(0, y, std::min(x, size.w - 1), c);
                    a += t * cosines[size_t(u * x % full)], b -= t * sines[size_t(u * x % full)];
                }
                re[size_t(y * f + u)] = a, im[size_t(y * f + u)] = b;
            }
        table(size.h);
        for (int64_t v = 0; v < size.h; v++)
            for (int64_t u = 0; u < f; u++) {
                double a = 0, b = 0;
                for (int64_t y = 0; y < size.h; y++) {
                    const double p = cosines[size_t(v * y % size.h)], q = -sines[size_t(v * y % size.h)];
                    a += re[size_t(y * f + u)] * p - im[size_t(y * f + u)] * q;
                    b += re[size_t(y * f + u)] * q + im[size_t(y * f + u)] * p;
                }
                const double gain = kGain * double(scale.at(0, v, u, 0));
                result.values[size_t(((v * f + u) * size.c + c) * 2)] = float(a / gain);
                result.values[size_t(((v * f + u) * size.c + c) * 2 + 1)] = float(b / gain);
            }
    }
    return result;
}

}  // namespace limpid
