// Each transform's size rule, random draw and nodes.
#include "viz/transform/transform.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "graph/ops.h"
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/overloaded.h"
#include "viz/param/param.h"
#include "viz/render/limits.h"

namespace limpid {

namespace {

struct Size {
    int64_t h, w;
    bool operator==(const Size&) const = default;
};

// tf: int32(factor * float32(size)), the product in float32.
int64_t scaled(int64_t size, double factor) { return int64_t(float(factor) * float(size)); }

Size scaled(Size size, double factor) { return {scaled(size.h, factor), scaled(size.w, factor)}; }

// The size behind a transform; scale: index of its factor, for RandomScale.
Size size_after(const Transform& transform, Size size, int scale) {
    return std::visit(Overloaded{
                          [&](const Pad& t) {
                              return Size{size.h + 2 * t.width, size.w + 2 * t.width};
                          },
                          [&](const Jitter& t) {
                              return Size{size.h - t.distance, size.w - t.distance};
                          },
                          [&](const RandomScale& t) { return scaled(size, t.factors[size_t(scale)]); },
                          [&](const RandomCrop& t) {
                              return Size{t.height, t.width};
                          },
                          [&](const CropOrPad& t) {
                              return Size{t.height, t.width};
                          },
                          [&](const auto&) { return size; },
                      },
                      transform);
}

// The first factor that gives the same size: only the size counts, as TensorFlow's resize computes its steps from
// sizes.
int first_alike(const RandomScale& t, Size size, int which) {
    int first = 0;
    while (!(scaled(size, t.factors[size_t(first)]) == scaled(size, t.factors[size_t(which)]))) first++;
    return first;
}

// Lucid's matrix (tf.contrib.image.angles_to_projective_transforms): rotation about the centre of pixel coordinates.
std::array<float, 6> rotation(double degrees, Size size) {
    const double angle = 3.14 * degrees / 180;  // 3.14: Lucid, transform.py
    const double c = elementary::cos(angle), s = elementary::sin(angle), w = double(size.w - 1), h = double(size.h - 1);
    const double x0 = (w - (c * w - s * h)) / 2, y0 = (h - (s * w + c * h)) / 2;
    return {float(c), float(-s), float(x0), float(s), float(c), float(y0)};
}

// Numbers of the spectrum of a random picture: {h, f, 6}.
int64_t spectrum_size(Size size) { return size.h * ((size.w + size.w % 2) / 2 + 1) * 6; }

// Lucid's image_sample: colours of a random spectrum.
NodeId background(Graph& graph, const CollapseAlpha& t, NodeId noise, Size size) {
    const NodeId spectrum =
        ops::reshape(graph, noise, {graph.shape(noise).n, size.h, spectrum_size(size) / size.h / 6, 6});
    auto scale = std::make_shared<const HostTensor>(spectral_scale(size.h, size.w, t.decay_power));
    const NodeId values = spectral_values(graph, spectrum, std::move(scale), size.w);
    return ops::sigmoid(graph, ops::matmul(graph, values, graph.constant(colour_matrix())), "background");
}

NodeId collapse_alpha(Graph& graph, const CollapseAlpha& t, NodeId image, NodeId noise) {
    const Shape shape = graph.shape(image);
    if (shape.c != 4)
        throw Error(concat("collapse_alpha: the image has ", shape.c,
                           " channels, expected colour and alpha; use a parameterisation with alpha"));
    const NodeId rgb = ops::slice_channels(graph, image, 0, 3), alpha = ops::slice_channels(graph, image, 3, 1);
    const NodeId behind = background(graph, t, noise, {shape.h, shape.w});
    return ops::add(graph, ops::mul(graph, rgb, alpha), ops::mul(graph, ops::affine(graph, alpha, -1, 1), behind),
                    "collapse alpha");
}

NodeId pad_image(Graph& graph, const Pad& t, NodeId image, NodeId value) {
    Padding padding;
    padding.before = padding.after = {0, t.width, t.width, 0};
    const NodeId padded = ops::pad(graph, image, t.mode, padding, t.uniform ? 0 : t.value, "pad");
    if (!t.uniform) return padded;
    const Shape shape = graph.shape(padded);
    HostTensor border({1, shape.h, shape.w, 1}, 1.0f);
    for (int64_t y = t.width; y < shape.h - t.width; y++)
        for (int64_t x = t.width; x < shape.w - t.width; x++) border.at(0, y, x, 0) = 0;
    return ops::ternary(graph, Ternary::multiply_add, graph.constant(std::move(border), "border"), value, padded);
}

NodeId crop_or_pad(Graph& graph, const CropOrPad& t, NodeId image) {
    const Shape shape = graph.shape(image);
    const auto before = [](int64_t from, int64_t to) {  // tf.image: half of what is missing or too much, rounded down
        return to >= from ? (to - from) / 2 : -((from - to) / 2);
    };
    Padding padding;
    padding.before = {0, before(shape.h, t.height), before(shape.w, t.width), 0};
    padding.after = {0, t.height - shape.h - padding.before[1], t.width - shape.w - padding.before[2], 0};
    return ops::pad(graph, image, PadMode::constant, padding, 0, "crop or pad");
}

NodeId normalize_gradient(Graph& graph, const NormalizeGradient& t, NodeId image) {
    const float scale = float(t.scale);
    return ops::with_gradient(graph, image, image, "normalize_gradient", [scale](Graph& g, NodeId, NodeId dy) {
        const NodeId squares = ops::reduce(g, Reduce::sum_squares, {false, true, true, true}, dy);
        // No gradient keeps its length 0.
        const NodeId inverse = ops::unary(g, Unary::rsqrt, ops::binary(g, Binary::max, squares, g.scalar(1e-30f)));
        return ops::mul(g, dy, ops::affine(g, inverse, scale, 0));
    });
}

// The side of the smallest square picture that the transforms have room for, with the smallest factors; 0: none.
int64_t least_side(const Transforms& transforms) {
    const auto fits = [&](int64_t side) {
        Size size{side, side};
        for (const Transform& transform : transforms) {
            int smallest = 0;
            if (const auto* t = std::get_if<RandomScale>(&transform))
                smallest = int(std::ranges::min_element(t->factors) - t->factors.begin());
            if (const auto* t = std::get_if<RandomCrop>(&transform); t && (t->height > size.h || t->width > size.w))
                return false;
            if (const auto* t = std::get_if<Pad>(&transform);
                t && t->mode != PadMode::constant && t->width >= std::min(size.h, size.w))
                return false;
            size = size_after(transform, size, smallest);
            if (size.h < 1 || size.w < 1) return false;
        }
        return true;
    };
    for (int64_t side = 1; side <= kSizeLimits.most; side++)
        if (fits(side)) return side;
    return 0;
}

[[noreturn]] void fail_small(const Transforms& transforms, const std::string& why) {
    const int64_t least = least_side(transforms);
    throw UsageError(concat("transforms ", to_string(transforms), ": ", why,
                            least > 0 ? concat("; they need pictures of at least ", least, "x", least) : ""));
}

}  // namespace

void sample(const Transforms& transforms, int64_t h, int64_t w, uint64_t seed, uint32_t step, TransformSample& result) {
    const RandomKey key{seed, 0, step, uint32_t(Purpose::transform)};
    size_t scales = 0, knobs = 0;
    const auto knob = [&]() -> std::vector<float>& {
        if (result.knobs.size() <= knobs) result.knobs.emplace_back();
        return result.knobs[knobs++];
    };
    const auto put = [&](std::span<const float> values) { knob().assign(values.begin(), values.end()); };
    Size size{h, w};
    for (size_t i = 0; i < transforms.size(); i++) {
        const auto draw = [&](int which, int64_t below) {
            return random_below(key, int64_t(4 * i) + which, int(below));
        };
        int scale = 0;
        std::visit(Overloaded{
                       [&](const Pad& t) {
                           if (t.uniform) put(std::array{random_uniform(key, int64_t(4 * i))});
                       },
                       [&](const Jitter& t) {
                           put(std::array{float(draw(0, t.distance + 1)), float(draw(1, t.distance + 1))});
                       },
                       [&](const RandomScale& t) {
                           scale = first_alike(t, size, draw(0, int64_t(t.factors.size())));
                           if (result.scales.size() <= scales) result.scales.emplace_back();
                           result.scales[scales++] = scale;
                       },
                       [&](const RandomRotate& t) {
                           put(rotation(t.degrees[size_t(draw(0, int64_t(t.degrees.size())))], size));
                       },
                       [&](const RandomCrop& t) {
                           put(std::array{float(draw(0, size.h - t.height + 1)), float(draw(1, size.w - t.width + 1))});
                       },
                       [&](const CollapseAlpha& t) {
                           const RandomKey noise{seed, uint32_t(i), step, uint32_t(Purpose::background)};
                           std::vector<float>& values = knob();
                           values.resize(size_t(spectrum_size(size)));
                           for (int64_t k = 0; k < int64_t(values.size()); k++)
                               values[size_t(k)] = float(t.deviation) * random_normal(noise, k);
                       },
                       [](const auto&) {},
                   },
                   transforms[i]);
        size = size_after(transforms[i], size, scale);
    }
    result.scales.resize(scales);
    result.knobs.resize(knobs);
}

std::vector<std::vector<int>> all_scales(const Transforms& transforms, int64_t h, int64_t w) {
    struct Choice {
        std::vector<int> scales;
        Size size;
    };
    std::vector<Choice> choices{{{}, {h, w}}};
    for (const Transform& transform : transforms) {
        const auto* scale = std::get_if<RandomScale>(&transform);
        std::vector<Choice> longer;
        for (const Choice& choice : choices)
            for (int i = 0; i < (scale ? int(scale->factors.size()) : 1); i++) {
                if (scale && first_alike(*scale, choice.size, i) != i) continue;
                longer.push_back({choice.scales, size_after(transform, choice.size, i)});
                if (scale) longer.back().scales.push_back(i);
            }
        choices = std::move(longer);
    }
    std::vector<std::vector<int>> result;
    for (Choice& choice : choices) result.push_back(std::move(choice.scales));
    return result;
}

Transformed transform(Graph& graph, const Transforms& transforms, const std::vector<int>& scales, NodeId image,
                      int64_t draws) {
    Transformed result{image, {}};
    size_t next_scale = 0;
    for (const Transform& transform : transforms) {
        const Shape shape = graph.shape(result.image);
        const int scale = std::holds_alternative<RandomScale>(transform) ? scales.at(next_scale++) : 0;
        const Size size = size_after(transform, {shape.h, shape.w}, scale);
        if (size.h < 1 || size.w < 1)
            fail_small(transforms, concat("an image of ", shape.h, "x", shape.w, " becomes empty"));
        const auto knob = [&](const std::string& name, int64_t count) {
            result.knobs.push_back(graph.input(concat(name, " ", result.knobs.size()), {draws, 1, 1, count}));
            return result.knobs.back();
        };
        const auto window = [&](const std::string& name) {
            return ops::shift_crop(graph, result.image, knob(name, 2), size.h, size.w, name);
        };
        result.image = std::visit(
            Overloaded{
                [&](const Pad& t) {
                    if (t.mode != PadMode::constant && t.width >= std::min(shape.h, shape.w))
                        fail_small(transforms, concat("pad(", t.width, "): an image of ", shape.h, "x", shape.w,
                                                      " has no ", t.width, " pixels to mirror"));
                    return pad_image(graph, t, result.image, t.uniform ? knob("pad", 1) : NodeId{});
                },
                [&](const Jitter&) { return window("jitter"); },
                [&](const RandomScale&) { return ops::resize(graph, result.image, size.h, size.w, "scale"); },
                [&](const RandomRotate&) {
                    return ops::affine_warp(graph, Interpolation::nearest, result.image, knob("rotate", 6), size.h,
                                            size.w, "rotate");
                },
                [&](const RandomCrop& t) {
                    if (t.height > shape.h || t.width > shape.w)
                        fail_small(transforms, concat("crop(", t.height, ", ", t.width, "): the image is only ",
                                                      shape.h, "x", shape.w));
                    return window("crop");
                },
                [&](const CropOrPad& t) { return crop_or_pad(graph, t, result.image); },
                [&](const CollapseAlpha& t) {
                    return collapse_alpha(graph, t, result.image,
                                          knob("background", spectrum_size({shape.h, shape.w})));
                },
                [&](const Gamma& t) {
                    return ops::unary(graph, Unary::power, ops::relu(graph, result.image), float(t.exponent), 0,
                                      "gamma");
                },
                [&](const NormalizeGradient& t) { return normalize_gradient(graph, t, result.image); },
            },
            transform);
    }
    return result;
}

}  // namespace limpid
