// One function for each question, with one case for each kind of source.
#include "viz/param/sources.h"

#include <cmath>
#include <numbers>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/image/array_file.h"
#include "viz/image/half_spectrum.h"
#include "viz/overloaded.h"
#include "viz/param/cppn.h"
#include "viz/param/mixtures.h"

namespace limpid {

namespace {

constexpr double kDecodeGain = 0.25;  // as decoded, see param.cpp

int64_t frequencies(int64_t w) { return (w + w % 2) / 2 + 1; }

}  // namespace

int64_t shared_images(const Source& source) {
    return std::visit(Overloaded{
                          [](const Spectral& s) { return s.images; },
                          [](const Pixels& s) { return s.images; },
                          [](const Lowres& s) { return s.images; },
                          [](const Cppn& s) { return s.images; },
                          [](const Grid&) { return int64_t(1); },
                          [](const Pairs&) { return int64_t(1); },
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
                          [&](const Cppn& s) { return cppn_variables(s, c); },
                          [&](const Ball&) { return std::vector{picture}; },
                          [&](const Photo&) { return std::vector<Shape>{}; },
                          [&](const Grid& s) { return grid_variables(s, size); },
                          [&](const Pairs& s) { return pairs_variables(s, size); },
                          [&](const ImageSample&) { return std::vector{spectrum}; },
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
                   [&](const Cppn& s) { initialise_cppn(s, shapes, key, to); },
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
    const auto spectral = [&](double decay_power) {
        HostTensor own = spectral_scale(size.h, size.w, decay_power);
        const bool same = scale && scale->values == own.values;
        return spectral_values(graph, nodes[0], same ? scale : std::make_shared<const HostTensor>(std::move(own)),
                               size.w);
    };
    return std::visit(
        Overloaded{
            [&](const Spectral& s) { return along_batch(spectral(s.decay_power)); },
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
                HostTensor picture = load_photo(s.file, size.h, size.w, size.c == 4);
                if (!(picture.shape == Shape{1, size.h, size.w, size.c}))
                    throw Error(concat(s.file, " is ", picture.shape, ", expected ", Shape{1, size.h, size.w, size.c}));
                return graph.constant(std::move(picture), s.file);
            },
            [&](const Grid& s) { return grid_values(graph, s, nodes, size, batch); },
            [&](const Pairs& s) { return pairs_values(graph, s, nodes, size, batch); },
            [&](const ImageSample& s) { return ops::stop_gradient(graph, spectral(s.decay_power)); },
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
    // For odd widths the image is one column wider: the last is repeated.
    const int64_t full = size.w + size.w % 2;
    const HostTensor scale = spectral_scale(size.h, size.w, spectral->decay_power);
    std::vector<double> plane(size_t(size.h * full));
    for (int64_t c = 0; c < size.c; c++) {
        for (int64_t y = 0; y < size.h; y++)
            for (int64_t x = 0; x < full; x++)
                plane[size_t(y * full + x)] = values.at(0, y, std::min(x, size.w - 1), c);
        const HalfSpectrum s = half_spectrum(plane, size.h, full);
        for (int64_t k = 0; k < s.h * s.f; k++) {
            const double gain = kDecodeGain * double(scale.values[size_t(k)]);
            result.values[size_t((k * size.c + c) * 2)] = float(s.re[size_t(k)] / gain);
            result.values[size_t((k * size.c + c) * 2 + 1)] = float(s.im[size_t(k)] / gain);
        }
    }
    return result;
}

}  // namespace limpid
