// From variables to values, colours, and range.
#include "viz/param/param.h"

#include <algorithm>
#include <cmath>

#include "graph/ops.h"
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/image/array_file.h"
#include "viz/param/sources.h"
#include "viz/param/texture.h"

namespace limpid {

namespace {

// Lucid, param/spatial.py: the image is divided by 4 "to match the scale of a pixel image".
constexpr float kGain = 0.25f;
// Lucid, param/color.py: added where colours are not squashed by a sigmoid.
constexpr double kColourMean[3] = {0.48, 0.46, 0.41};

// What GoogLeNet takes from grey levels.
constexpr double kMeanLevel = 117, kLevels = 255;

using Colour = ImageParam::Colour;
using Range = ImageParam::Range;

bool is_decorrelated(Colour colour) { return colour == Colour::decorrelated || colour == Colour::usual; }

// Channels of the values before colours and range.
int64_t value_channels(const ImageParam& param) {
    const int64_t colours = param.colour == Colour::grey ? 1 : param.colour == Colour::channels ? param.channels : 3;
    return colours + (param.alpha ? 1 : 0);
}

// Of what is optimised: the picture, or its texture.
Size3 size_of(const ImageParam& param) {
    if (param.texture) return {param.texture->size, param.texture->size, value_channels(param)};
    return {param.height, param.width, value_channels(param)};
}

// How many copies of the source's variables a batch has.
int64_t copies(const Source& source, int64_t batch) {
    const int64_t shared = shared_images(source);
    return shared > 0 ? shared : batch;
}

int64_t numbers(const std::vector<Shape>& shapes) {
    int64_t total = 0;
    for (const Shape& shape : shapes) total += shape.size();
    return total;
}

// The variables of a source as nodes {copies, h, w, c}, cut out of theta, in which copies follow each other.
std::vector<NodeId> unpack(Graph& graph, NodeId theta, const std::vector<Shape>& shapes, int64_t count, int64_t first,
                           bool rows) {
    std::vector<NodeId> result;
    const int64_t size = numbers(shapes);
    NodeId part = ops::slice_channels(graph, theta, first, rows ? size : count * size);
    if (!rows) part = ops::reshape(graph, part, {count, 1, 1, size});
    for (int64_t at = 0; const Shape& shape : shapes) {
        const NodeId one = ops::slice_channels(graph, part, at, shape.size());
        result.push_back(ops::reshape(graph, one, {count * shape.n, shape.h, shape.w, shape.c}));
        at += shape.size();
    }
    return result;
}

// One variable, one source: theta is that variable, and nothing needs unpacking.
bool is_plain(const ImageParam& param) {
    return param.sources.size() == 1 && param.per_image() && variables(param.sources[0], size_of(param)).size() == 1;
}

NodeId apply_range(Graph& graph, const ImageParam& param, NodeId t) {
    if (param.range == Range::raw) return t;
    if (param.range == Range::sigmoid) return ops::sigmoid(graph, t, "image");
    if (param.range == Range::centred)
        return ops::affine(graph, t, float(1 / kLevels), float(kMeanLevel / kLevels), "image");
    const Ball ball{.infinite = true, .literal = param.literal};
    return ops::affine(graph, constrain(graph, ops::affine(graph, t, 2, -1), ball), 0.5f, 0.5f, "image");
}

NodeId colours(Graph& graph, const ImageParam& param, NodeId t) {
    if (is_decorrelated(param.colour)) {
        t = ops::matmul(graph, t, graph.constant(colour_matrix(), "colour correlation"), {}, "decorrelated image");
        if (param.range == Range::clip || param.range == Range::raw)
            t = ops::add(graph, t,
                         graph.constant(HostTensor({1, 1, 1, 3}, {float(kColourMean[0]), float(kColourMean[1]),
                                                                  float(kColourMean[2])}),
                                        "mean colour"));
    }
    t = apply_range(graph, param, t);
    if (param.colour != Colour::grey) return t;
    const Shape shape = graph.shape(t);
    return ops::broadcast(graph, t, {shape.n, shape.h, shape.w, 3});
}

}  // namespace

ImageParam fitted(ImageParam param, const Net& net) {
    if (param.colour != Colour::usual) return param;
    param.channels = net.image().c;
    if (sees_grey(net)) param.colour = Colour::grey;
    if (param.channels != 3) param.colour = Colour::channels;
    return param;
}

bool ImageParam::per_image() const {
    return std::ranges::all_of(sources, [](const Source& source) { return shared_images(source) == 0; });
}

std::vector<std::string> files_of(const ImageParam& param) {
    std::vector<std::string> files;
    for (const Source& source : param.sources)
        if (const Photo* photo = std::get_if<Photo>(&source)) files.push_back(photo->file);
    if (param.texture) files.push_back(param.texture->uv);
    return files;
}

int64_t ImageParam::image_channels() const { return (colour == Colour::channels ? channels : 3) + (alpha ? 1 : 0); }

Shape ImageParam::theta(int64_t batch) const {
    if (is_plain(*this)) {
        Shape shape = variables(sources[0], size_of(*this))[0];
        shape.n = batch;
        return shape;
    }
    int64_t size = 0;
    for (const Source& source : sources)
        size += numbers(variables(source, size_of(*this))) * (per_image() ? 1 : copies(source, batch));
    if (size == 0) throw UsageError(concat("param \"", to_string(*this), "\" has no variables; add pixel or a ball"));
    return {per_image() ? batch : 1, 1, 1, size};
}

HostTensor ImageParam::initial(uint64_t seed, uint32_t job) const { return initial(seed, job, 1); }

HostTensor ImageParam::initial(uint64_t seed, uint32_t first_job, int64_t batch) const {
    HostTensor result(theta(batch));
    float* to = result.values.data();
    const auto fill = [&](size_t source, int64_t copy) {
        // Which source: in the place of the update, so that a single source is number 0.
        const RandomKey key{seed, first_job + uint32_t(copy), uint32_t(source), uint32_t(Purpose::initial_image)};
        initialise(sources[source], variables(sources[source], size_of(*this)), key, to);
        to += numbers(variables(sources[source], size_of(*this)));
    };
    if (per_image()) {
        for (int64_t n = 0; n < batch; n++)
            for (size_t i = 0; i < sources.size(); i++) fill(i, n);
    } else {
        for (size_t i = 0; i < sources.size(); i++)
            for (int64_t n = 0; n < copies(sources[i], batch); n++) fill(i, n);
    }
    CHECK(to == result.values.data() + result.values.size());
    return result;
}

HostTensor ImageParam::start(const HostTensor& picture, int64_t batch) const {
    const Shape size = picture.shape;
    const auto [h, w, channels_of_values] = size_of(*this);
    if (size.h != h || size.w != w || size.n != 1)
        throw Error(concat("the picture to start from is ", size, ", expected ", h, "x", w));
    // Back through range and colours.
    HostTensor values({1, h, w, channels_of_values});
    const auto back = [&](double p) {
        if (range == Range::centred) return p * kLevels - kMeanLevel;
        if (range != Range::sigmoid) return p;
        const double inside = std::clamp(p, 1.0 / 1024, 1 - 1.0 / 1024);
        return elementary::log(inside / (1 - inside));
    };
    const HostTensor matrix = colour_matrix();  // rgb = t * matrix
    double m[3][3], inverse[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) m[i][j] = matrix.at(0, 0, i, j);
    const auto minor = [&](int i, int j) {
        const int a = (i + 1) % 3, b = (i + 2) % 3, c = (j + 1) % 3, d = (j + 2) % 3;
        return m[a][c] * m[b][d] - m[a][d] * m[b][c];
    };
    const double determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) inverse[j][i] = minor(i, j) / determinant;
    const int64_t colours = channels_of_values - (alpha ? 1 : 0);
    if (colour == Colour::channels ? size.c != colours : size.c < 3)
        throw Error(concat("the picture to start from has ", size.c, " channels, which the parameterisation \"",
                           to_string(*this), "\" does not make"));
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            const float* p = picture.view().pixel(0, y, x);
            float* t = values.view().pixel(0, y, x);
            if (colour == Colour::grey) {
                t[0] = float(back((double(p[0]) + double(p[1]) + double(p[2])) / 3));
            } else if (is_decorrelated(colour)) {
                double rgb[3];
                for (int c = 0; c < 3; c++)
                    rgb[c] = back(p[c]) - (range == Range::clip || range == Range::raw ? kColourMean[c] : 0);
                for (int j = 0; j < 3; j++)
                    t[j] = float(rgb[0] * inverse[0][j] + rgb[1] * inverse[1][j] + rgb[2] * inverse[2][j]);
            } else {
                for (int64_t c = 0; c < colours; c++) t[c] = float(back(p[c]));
            }
            if (alpha) t[colours] = float(back(size.c == 4 ? double(p[3]) : 1));
        }
    // The first source that can hold it does; the others are silent.
    HostTensor result(theta(batch));
    const auto holder = std::ranges::find_if(sources, [&](const Source& s) { return holds(s, size_of(*this)); });
    if (holder == sources.end())
        throw Error(
            concat("no source of \"", to_string(*this), "\" can start from a picture; use fft, pixel or laplacian"));
    const HostTensor held = hold(*holder, values);
    const int64_t size_held = numbers(variables(*holder, size_of(*this)));
    int64_t at = 0;
    for (const Source& source : sources) {
        if (&source == &*holder) break;
        at += numbers(variables(source, size_of(*this))) * (per_image() ? 1 : copies(source, batch));
    }
    const int64_t stride = per_image() ? result.shape.size() / batch : size_held;
    for (int64_t n = 0; n < copies(*holder, batch); n++)
        std::copy(held.values.begin(), held.values.end(), result.values.begin() + at + n * stride);
    return result;
}

HostTensor ImageParam::scale() const {
    for (const Source& source : sources)
        if (const auto* spectral = std::get_if<Spectral>(&source))
            return spectral_scale(size_of(*this).h, size_of(*this).w, spectral->decay_power);
    return {};
}

std::shared_ptr<const ParamConstants> ImageParam::constants() const {
    ParamConstants result{std::make_shared<const HostTensor>(scale()), {}, {}, {}};
    if (texture) {
        const HostTensor uv = load_array(texture->uv);
        if (uv.shape.h != height || uv.shape.w != width || uv.shape.c < 2)
            throw Error(concat(texture->uv, " is ", uv.shape, ", expected ", height, "x", width,
                               " coordinates of 2 channels, u and v; --size is that of the coordinates"));
        result.uv = uv.shape;
        result.texture = texture_mix(uv, texture->size);
        result.texture_adjoint = ops::transposed(result.texture, texture->size * texture->size);
    }
    return std::make_shared<const ParamConstants>(std::move(result));
}

ImageParam ImageParam::flat() const {
    ImageParam result = *this;
    if (texture) result.height = result.width = texture->size;
    result.texture.reset();
    return result;
}

std::vector<ImageParam::Redrawn> ImageParam::redrawn(int64_t batch) const {
    std::vector<Redrawn> parts;
    int64_t row = 0;
    for (const Source& source : sources) row += numbers(variables(source, size_of(*this)));
    int64_t at = 0;
    for (size_t i = 0; i < sources.size(); i++) {
        const int64_t count = numbers(variables(sources[i], size_of(*this)));
        for (int64_t n = 0; n < copies(sources[i], batch); n++)
            if (std::holds_alternative<ImageSample>(sources[i]))
                parts.push_back({at + n * (per_image() ? row : count), count, uint32_t(i), uint32_t(n)});
        at += per_image() ? count : count * copies(sources[i], batch);
    }
    return parts;
}

void ImageParam::redraw(const Redrawn& part, uint64_t seed, uint32_t first_job, uint32_t update, float* to) const {
    const RandomKey key{seed, first_job + part.picture, update, uint32_t(Purpose::image_sample) | part.source << 16};
    initialise(sources[part.source], variables(sources[part.source], size_of(*this)), key, to);
}

HostTensor spectral_scale(int64_t height, int64_t width, double decay_power) {
    const int64_t frequencies = (width + width % 2) / 2 + 1;
    HostTensor result({1, height, frequencies, 1});
    const double lowest = 1.0 / double(std::max(height, width));
    for (int64_t v = 0; v < height; v++)
        for (int64_t u = 0; u < frequencies; u++) {
            // numpy.fft.fftfreq; only the magnitude matters. For odd widths Lucid's last frequency is fftfreq's first
            // negative one.
            const double fy = double(std::min(v, height - v)) / double(height),
                         fx = double(std::min(u, width - u)) / double(width);
            const double f = std::max(std::hypot(fx, fy), lowest);
            result.at(0, v, u, 0) = float(std::sqrt(double(width * height)) / elementary::pow(f, decay_power));
        }
    return result;
}

NodeId spectral_values(Graph& graph, NodeId theta, std::shared_ptr<const HostTensor> scale, int64_t width) {
    return ops::spectral_inverse(graph, theta, graph.constant(std::move(scale), "spectral scale"), width, kGain,
                                 "spectral image");
}

HostTensor colour_matrix() {
    constexpr double kCorrelation[3][3] = {{0.26, 0.09, 0.02}, {0.27, 0.00, -0.05}, {0.27, -0.09, 0.03}};
    double largest = 0;
    for (int j = 0; j < 3; j++)
        largest = std::max(largest, std::hypot(kCorrelation[0][j], kCorrelation[1][j], kCorrelation[2][j]));
    HostTensor result({1, 1, 3, 3});
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) result.at(0, 0, j, i) = float(kCorrelation[i][j] / largest);
    return result;
}

NodeId constrain(Graph& graph, NodeId x, const Ball& ball) {
    constexpr Axes kImage{false, true, true, true};
    const float inverse = float(1 / ball.radius);
    const bool literal = ball.literal;
    const NodeId size = ball.infinite
                            ? ops::unary(graph, Unary::abs, x)
                            : ops::unary(graph, Unary::sqrt, ops::reduce(graph, Reduce::sum_squares, kImage, x));
    const NodeId excess = ops::binary(graph, Binary::max, ops::affine(graph, size, inverse, 0), graph.scalar(1));
    const NodeId inside = ops::binary(graph, Binary::div, x, excess);
    if (ball.infinite) {
        const bool by_sign = ball.by_sign;
        const float radius = float(ball.radius);
        return ops::with_gradient(graph, inside, x, "constrain_l_inf", [=](Graph& g, NodeId, NodeId dy) {
            const NodeId step = by_sign ? ops::unary(g, Unary::sign, dy) : dy;
            const NodeId within = ops::binary(g, Binary::greater, g.scalar(radius), ops::unary(g, Unary::abs, x));
            const NodeId inward = ops::binary(g, Binary::greater, g.scalar(0), ops::mul(g, x, step));
            const NodeId allowed = literal ? ops::affine(g, inward, -1, 1) : inward;
            return ops::mul(g, step, ops::binary(g, Binary::max, within, allowed));
        });
    }
    const float radius = float(ball.radius);
    return ops::with_gradient(graph, inside, x, "constrain_l2", [=](Graph& g, NodeId, NodeId dy) {
        // Outside, the radial part is taken away where it leads further out; literally, where it leads in.
        const NodeId unit = ops::binary(g, Binary::div, x, ops::binary(g, Binary::max, size, g.scalar(1e-30f)));
        const NodeId radial = ops::reduce(g, Reduce::sum, kImage, ops::mul(g, unit, dy));
        const NodeId outside = ops::binary(g, Binary::greater, size, g.scalar(radius));
        const NodeId inward = ops::unary(g, Unary::relu, ops::unary(g, Unary::neg, radial));
        const NodeId taken = literal ? ops::unary(g, Unary::neg, inward) : ops::unary(g, Unary::relu, radial);
        return ops::sub(g, dy, ops::mul(g, unit, ops::mul(g, outside, taken)));
    });
}

NodeId decode(Graph& graph, const ImageParam& param, NodeId theta, std::shared_ptr<const ParamConstants> constants,
              int64_t batch) {
    if (batch == 0) batch = graph.shape(theta).n;
    if (!constants) constants = param.constants();
    const Size3 size = size_of(param);
    NodeId t;
    for (int64_t first = 0; const Source& source : param.sources) {
        const std::vector<Shape> shapes = variables(source, size);
        const int64_t count = copies(source, batch);
        const bool rows = param.per_image();
        const std::vector<NodeId> nodes =
            is_plain(param) ? std::vector{theta} : unpack(graph, theta, shapes, count, first, rows);
        first += numbers(shapes) * (rows ? 1 : count);
        const NodeId values = source_values(graph, source, nodes, size, batch, constants->scale);
        t = t.valid() ? ops::add(graph, t, values) : values;
    }
    const Shape shape = graph.shape(t);
    if (shape.n != batch && !param.texture) t = ops::broadcast(graph, t, {batch, shape.h, shape.w, shape.c});
    const auto seen = [&](NodeId image) {
        return param.texture ? texture_views(graph, *constants, image, batch) : image;
    };
    if (!param.alpha) return seen(colours(graph, param, t));
    const NodeId rgb = colours(graph, param, ops::slice_channels(graph, t, 0, shape.c - 1));
    const NodeId alpha = apply_range(graph, param, ops::slice_channels(graph, t, shape.c - 1, 1));
    return seen(ops::concatenate(graph, {rgb, alpha}, 3, "image with alpha"));
}

}  // namespace limpid
