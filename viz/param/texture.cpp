// A view is a sparse product with the texture: four terms a pixel.
#include "viz/param/texture.h"

#include <cmath>

#include "kernels/error.h"

namespace limpid {

namespace {

// The two pixels of an axis around a coordinate in pixels, and the share of the second. Lucid,
// bilinearly_sampled_image: floor and ceil, each modulo the size.
struct AxisTaps {
    int64_t first, second;
    double share;
};
AxisTaps axis_taps(double place, int64_t size) {
    const double low = std::floor(place);
    const auto wrapped = [&](double i) {
        const double rest = std::fmod(i, double(size));
        return std::min(int64_t(rest < 0 ? rest + double(size) : rest), size - 1);
    };
    return {wrapped(low), wrapped(std::ceil(place)), place - low};
}

}  // namespace

ops::PixelMix texture_mix(const HostTensor& uv, int64_t size) {
    std::vector<std::vector<std::pair<int64_t, float>>> terms;
    for (int64_t i = 0; i < uv.shape.pixels(); i++) {
        const float* at = uv.values.data() + i * uv.shape.c;
        if (!std::isfinite(at[0]) || !std::isfinite(at[1]))
            throw Error(concat("coordinate ", i, " of the texture is (", at[0], ", ", at[1], "), expected numbers"));
        const AxisTaps column = axis_taps(double(at[0]) * double(size) - 0.5, size),
                       row = axis_taps((1 - double(at[1])) * double(size) - 0.5, size);
        std::vector<std::pair<int64_t, float>> taps;
        const auto add = [&](int64_t y, int64_t x, double share) {
            if (share != 0) taps.emplace_back(y * size + x, float(share));
        };
        add(row.first, column.first, (1 - row.share) * (1 - column.share));
        add(row.first, column.second, (1 - row.share) * column.share);
        add(row.second, column.first, row.share * (1 - column.share));
        add(row.second, column.second, row.share * column.share);
        terms.push_back(std::move(taps));
    }
    return ops::make_pixel_mix(terms);
}

NodeId texture_views(Graph& graph, const ParamConstants& constants, NodeId textures, int64_t batch) {
    const Shape uv = constants.uv, shape = graph.shape(textures);
    if (uv.n != 1 && (uv.n != batch || shape.n != 1))
        throw Error(concat("texture: there are coordinates for ", uv.n, " views and ", shape.n, " textures for ", batch,
                           " pictures; expected one view, or as many as pictures and a texture that they share, "
                           "such as fft(images=1) with a batch of ",
                           uv.n));
    const NodeId views = ops::mix_pixels(graph, textures, constants.texture, constants.texture_adjoint, uv.n * uv.h,
                                         uv.w, "views of the texture");
    const NodeId pictures = ops::reshape(graph, views, {shape.n * uv.n, uv.h, uv.w, shape.c});
    return graph.shape(pictures).n == batch ? pictures : ops::broadcast(graph, pictures, {batch, uv.h, uv.w, shape.c});
}

}  // namespace limpid
