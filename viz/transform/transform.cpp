// Each transform's size rule, random draw and node.
#include "viz/transform/transform.h"

#include <array>
#include <cmath>
#include <span>

#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/param/param.h"

namespace limpid {

namespace {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // Clang 14 does not deduce aggregates yet

struct Size {
    int64_t h, w;
};

// tf: int32(factor * float32(size)), the product in float32.
int64_t scaled(int64_t size, double factor) { return int64_t(float(factor) * float(size)); }

// The size behind a transform; scale: index of its factor, for RandomScale.
Size size_after(const Transform& transform, Size size, int scale) {
    return std::visit(Overloaded{
                          [&](const Pad& t) {
                              return Size{size.h + 2 * t.width, size.w + 2 * t.width};
                          },
                          [&](const Jitter& t) {
                              return Size{size.h - t.distance, size.w - t.distance};
                          },
                          [&](const RandomScale& t) {
                              const double factor = t.factors[size_t(scale)];
                              return Size{scaled(size.h, factor), scaled(size.w, factor)};
                          },
                          [&](const RandomRotate&) { return size; },
                      },
                      transform);
}

// Lucid's matrix (tf.contrib.image.angles_to_projective_transforms): rotation about the centre of pixel coordinates.
std::array<float, 6> rotation(double degrees, Size size) {
    const double angle = 3.14 * degrees / 180;  // 3.14: Lucid, transform.py
    const double c = std::cos(angle), s = std::sin(angle), w = double(size.w - 1), h = double(size.h - 1);
    const double x0 = (w - (c * w - s * h)) / 2, y0 = (h - (s * w + c * h)) / 2;
    return {float(c), float(-s), float(x0), float(s), float(c), float(y0)};
}

std::string print(const std::vector<double>& values) {
    std::string text;
    for (const double value : values) text += concat(text.empty() ? "" : ",", value);
    return text;
}

}  // namespace

Transforms standard_transforms() {
    RandomScale scale;
    RandomRotate rotate;
    for (int i = 0; i <= 10; i++) scale.factors.push_back(1 + (i - 5) / 50.0);
    for (int angle = -10; angle <= 10; angle++) rotate.degrees.push_back(angle);
    rotate.degrees.insert(rotate.degrees.end(), 5, 0.0);
    return {Pad{12, PadMode::constant, 0.5f}, Jitter{8}, scale, rotate, Jitter{4}};
}

Transforms named_transforms(const std::string& name) {
    if (name == "standard") return standard_transforms();
    if (name == "none") return {};
    throw UsageError(concat("transforms \"", name, "\" are not known; expected standard or none"));
}

std::string to_string(const Transforms& transforms) {
    std::string text;
    for (const Transform& transform : transforms) {
        if (!text.empty()) text += " ";
        text +=
            std::visit(Overloaded{
                           [](const Pad& t) { return concat("pad(", t.width, ",", name(t.mode), ",", t.value, ")"); },
                           [](const Jitter& t) { return concat("jitter(", t.distance, ")"); },
                           [](const RandomScale& t) { return concat("scale(", print(t.factors), ")"); },
                           [](const RandomRotate& t) { return concat("rotate(", print(t.degrees), ")"); },
                       },
                       transform);
    }
    return text.empty() ? "none" : text;
}

void sample(const Transforms& transforms, int64_t h, int64_t w, uint64_t seed, uint32_t step, TransformSample& result) {
    const RandomKey key{seed, 0, step, uint32_t(Purpose::transform)};
    size_t scales = 0, knobs = 0;
    const auto knob = [&](std::span<const float> values) {
        if (result.knobs.size() <= knobs) result.knobs.emplace_back();
        result.knobs[knobs++].assign(values.begin(), values.end());
    };
    Size size{h, w};
    for (size_t i = 0; i < transforms.size(); i++) {
        const auto draw = [&](int which, size_t below) {
            return random_below(key, int64_t(4 * i) + which, int(below));
        };
        int scale = 0;
        std::visit(
            Overloaded{
                [](const Pad&) {},
                [&](const Jitter& t) {
                    const size_t places = size_t(t.distance) + 1;
                    knob(std::array{float(draw(0, places)), float(draw(1, places))});
                },
                [&](const RandomScale& t) {
                    scale = draw(0, t.factors.size());
                    if (result.scales.size() <= scales) result.scales.emplace_back();
                    result.scales[scales++] = scale;
                },
                [&](const RandomRotate& t) { knob(rotation(t.degrees[size_t(draw(0, t.degrees.size()))], size)); },
            },
            transforms[i]);
        size = size_after(transforms[i], size, scale);
    }
    result.scales.resize(scales);
    result.knobs.resize(knobs);
}

std::vector<std::vector<int>> all_scales(const Transforms& transforms) {
    std::vector<std::vector<int>> result{{}};
    for (const Transform& transform : transforms) {
        const auto* scale = std::get_if<RandomScale>(&transform);
        if (!scale) continue;
        std::vector<std::vector<int>> longer;
        for (const std::vector<int>& choice : result)
            for (int i = 0; i < int(scale->factors.size()); i++) {
                longer.push_back(choice);
                longer.back().push_back(i);
            }
        result = std::move(longer);
    }
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
            throw Error(concat("transforms ", to_string(transforms), ": an image of ", shape.h, "x", shape.w,
                               " becomes empty; use a larger one"));
        const auto knob = [&](const std::string& name, int64_t count) {
            result.knobs.push_back(graph.input(concat(name, " ", result.knobs.size()), {draws, 1, 1, count}));
            return result.knobs.back();
        };
        std::visit(
            Overloaded{
                [&](const Pad& t) {
                    Padding padding;
                    padding.before = padding.after = {0, t.width, t.width, 0};
                    result.image = ops::pad(graph, result.image, t.mode, padding, t.value, "pad");
                },
                [&](const Jitter&) {
                    result.image = ops::shift_crop(graph, result.image, knob("jitter", 2), size.h, size.w, "jitter");
                },
                [&](const RandomScale&) { result.image = ops::resize(graph, result.image, size.h, size.w, "scale"); },
                [&](const RandomRotate&) {
                    result.image = ops::affine_warp(graph, Interpolation::nearest, result.image, knob("rotate", 6),
                                                    size.h, size.w, "rotate");
                },
            },
            transform);
    }
    return result;
}

}  // namespace limpid
