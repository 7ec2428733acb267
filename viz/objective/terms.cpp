// Lucid's objectives, one function each, and their table. Formulas: Lucid, objectives.py; README.md lists departures.
#include "viz/objective/terms.h"

#include <algorithm>
#include <cmath>

#include "graph/ops.h"
#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/image/array_file.h"
#include "viz/param/param.h"

namespace limpid {

namespace {

using namespace terms;

constexpr Axes kBatch{true, false, false, false}, kChannels{false, false, false, true}, kAll{true, true, true, true};

NodeId square(Graph& g, NodeId x) { return ops::unary(g, Unary::square, x); }
NodeId negative(Graph& g, NodeId x) { return ops::unary(g, Unary::neg, x); }
NodeId minus_square(Graph& g, NodeId a, NodeId b) { return square(g, ops::sub(g, a, b)); }

// Units -------------------------------------------------------------------------------------------------------------

// By default the middle, below and right of it where sizes are even. Lucid, and we before, called the row x and the
// column y.
NodeId at_position(const TermScope& s, NodeId x) {
    const Shape shape = s.graph().shape(x);
    return pick_position(s, x, s.counts("row", shape.h / 2), s.counts("column", shape.w / 2));
}

NodeId neuron(const TermScope& s) { return pick_channels(s, at_position(s, s.layer()), s.counts("channel")); }

NodeId channel(const TermScope& s) {
    const std::vector<int64_t> channels = s.counts("channel");
    if (s.fed()) return pick_channels(s, mean_over_space(s.graph(), s.layer()), channels);
    // Space first where channels differ: what follows is then small. The sums over space are the same.
    if (channels.size() > 1) {
        const auto [least, most] = std::ranges::minmax(channels);
        const NodeId layer = s.layer();
        if (most < s.graph().shape(layer).c) {
            std::vector<int64_t> shifted;
            for (const int64_t c : channels) shifted.push_back(c - least);
            const NodeId range = ops::slice_channels(s.graph(), layer, least, most - least + 1);
            return pick_channels(s, mean_over_space(s.graph(), range), shifted);
        }
    }
    return mean_over_space(s.graph(), pick_channels(s, s.layer(), channels));
}

NodeId class_logit(const TermScope& s) {
    if (s.net().logits.empty() && !s.has("layer")) throw UsageError(concat(s.net().name, " has no classes"));
    std::vector<int64_t> classes;
    for (const std::string& label : s.texts("label")) classes.push_back(find_class(s.net(), label));
    return mean_over_space(s.graph(), pick_channels(s, s.layer("layer", s.net().logits), classes));
}

// Directions --------------------------------------------------------------------------------------------------------

// The arrays of the arguments file= or seed=: {k,h,w,c}, one for all or one per image.
HostTensor direction_arrays(const TermScope& s, Shape random) {
    if (s.has("file") == s.has("seed"))
        throw UsageError("one of file= (.npy) and seed= (a random direction) is needed");
    std::vector<HostTensor> arrays;
    if (s.has("file")) {
        for (const std::string& file : s.texts("file")) arrays.push_back(load_array(file));
    } else {
        for (const int64_t seed : s.counts("seed")) {
            HostTensor array(random);
            const RandomKey key{uint64_t(seed), 0, 0, uint32_t(Purpose::direction)};
            for (int64_t i = 0; i < random.size(); i++) array.values[size_t(i)] = random_normal(key, i);
            arrays.push_back(std::move(array));
        }
    }
    if (arrays.size() == 1) return arrays[0];
    HostTensor joined({int64_t(arrays.size()), arrays[0].shape.h, arrays[0].shape.w, arrays[0].shape.c});
    for (size_t n = 0; n < arrays.size(); n++) {
        if (arrays[n].shape != arrays[0].shape || arrays[n].shape.n != 1)
            throw Error(concat("arrays of ", arrays[0].shape, " and ", arrays[n].shape, "; expected equal ones"));
        std::copy(arrays[n].values.begin(), arrays[n].values.end(),
                  joined.values.begin() + int64_t(n) * arrays[n].shape.size());
    }
    return joined;
}

// a.v at each position, times max(0.1, cosine)^power.
NodeId along(const TermScope& s, NodeId a, const HostTensor& v) {
    Graph& g = s.graph();
    const Shape shape = g.shape(a);
    for (int axis = 0; axis < 4; axis++)
        if (v.shape[axis] != shape[axis] && (axis == 3 || v.shape[axis] != 1))
            throw Error(concat("the direction is ", v.shape, ", the layer ", shape));
    const NodeId dot = ops::reduce(g, Reduce::sum, kChannels, ops::mul(g, a, s.varying(HostTensor(v), "direction")));
    const double power = s.number("cossim_pow", 0);
    if (power == 0) return dot;
    HostTensor lengths({v.shape.n, v.shape.h, v.shape.w, 1});
    for (int64_t i = 0; i < lengths.shape.size(); i++) {
        double squares = 0;
        for (int64_t c = 0; c < v.shape.c; c++) squares += std::pow(double(v.values[size_t(i * v.shape.c + c)]), 2);
        lengths.values[size_t(i)] = float(1e-4 + std::sqrt(squares));  // 1e-4: Lucid, _dot_cossim
    }
    const NodeId size = ops::affine(g, length(g, ops::reduce(g, Reduce::sum_squares, kChannels, a)), 1, 1e-4f);
    const NodeId cosine =
        ops::binary(g, Binary::div, dot, ops::mul(g, size, s.varying(std::move(lengths), "length of direction")));
    const NodeId floored = ops::binary(g, Binary::max, cosine, g.scalar(0.1f));
    return ops::mul(g, dot, ops::unary(g, Unary::power, floored, float(power)));
}

NodeId direction(const TermScope& s) {
    const NodeId layer = s.layer();
    return mean_over_space(s.graph(), along(s, layer, direction_arrays(s, {1, 1, 1, s.graph().shape(layer).c})));
}

NodeId direction_neuron(const TermScope& s) {
    const NodeId layer = s.layer();
    return along(s, at_position(s, layer), direction_arrays(s, {1, 1, 1, s.graph().shape(layer).c}));
}

NodeId tensor_direction(const TermScope& s) {
    const NodeId layer = s.layer();
    const Shape shape = s.graph().shape(layer);
    const HostTensor v = direction_arrays(s, {1, shape.h, shape.w, shape.c});
    if (v.shape.h > shape.h || v.shape.w > shape.w)
        throw Error(concat("the direction is ", v.shape, ", larger than the layer ", shape));
    const NodeId middle = ops::slice(s.graph(), layer, {0, (shape.h - v.shape.h) / 2, (shape.w - v.shape.w) / 2, 0},
                                     {shape.n, v.shape.h, v.shape.w, shape.c});
    return mean_over_space(s.graph(), along(s, middle, v));
}

// Whole layers and the picture itself ---------------------------------------------------------------------------------

NodeId deepdream(const TermScope& s) { return mean_of_image(s.graph(), square(s.graph(), s.layer())); }

NodeId total_variation(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId x = s.layer("layer", "input");
    const Shape shape = g.shape(x);
    const auto variation = [&](int64_t dy, int64_t dx) {
        const Shape part{shape.n, shape.h - dy, shape.w - dx, shape.c};
        const NodeId difference =
            ops::sub(g, ops::slice(g, x, {0, dy, dx, 0}, part), ops::slice(g, x, {0, 0, 0, 0}, part));
        return sum_of_image(g, ops::unary(g, Unary::abs, difference));
    };
    return ops::add(g, variation(1, 0), variation(0, 1));
}

NodeId less_constant(const TermScope& s) {
    return ops::affine(s.graph(), s.layer("layer", "input"), 1, -float(s.number("constant", 0)));
}

NodeId l1(const TermScope& s) { return sum_of_image(s.graph(), ops::unary(s.graph(), Unary::abs, less_constant(s))); }

// One length for the whole batch where the objective is joint, as in Lucid.
NodeId l2(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId squares =
        ops::reduce(g, Reduce::sum_squares, s.joint() ? kAll : Axes{false, true, true, true}, less_constant(s));
    return ops::unary(g, Unary::sqrt, ops::affine(g, squares, 1, float(s.number("epsilon", 1e-6))));
}

NodeId difference_from_blur(const TermScope& s, NodeId image) {
    Graph& g = s.graph();
    const NodeId blurred = ops::stop_gradient(g, blur(g, image, 3));
    return ops::affine(g, sum_of_image(g, minus_square(g, image, blurred)), 0.5f, 0);
}

NodeId blur_input_each_step(const TermScope& s) { return difference_from_blur(s, s.layer("layer", "input")); }

NodeId alpha(const TermScope& s) {
    const NodeId image = s.layer("layer", "input");
    if (s.graph().shape(image).c != 4)
        throw UsageError(concat("the image has ", s.graph().shape(image).c,
                                " channels, expected 4: colour and alpha; use a parameterisation with alpha"));
    return ops::slice_channels(s.graph(), image, 3, 1);
}

NodeId blur_alpha_each_step(const TermScope& s) { return difference_from_blur(s, alpha(s)); }

NodeId penalize_alpha(const TermScope& s) { return mean_of_image(s.graph(), alpha(s)); }

NodeId penalize_boundary_complexity(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId image = s.layer("layer", "input");
    const Shape shape = g.shape(image);
    const int64_t width = s.count("w", 20);
    HostTensor mask({1, shape.h, shape.w, 1});
    if (s.has("mask")) {
        mask = load_array(s.text("mask"));
    } else {
        for (int64_t y = 0; y < shape.h; y++)
            for (int64_t x = 0; x < shape.w; x++)
                mask.at(0, y, x, 0) = y < width || y >= shape.h - width || x < width || x >= shape.w - width ? 1 : 0;
    }
    const NodeId rough = minus_square(g, blur(g, image, 5), image);
    const NodeId coloured = square(g, ops::affine(g, image, 1, -float(s.number("C", 0.5))));
    const NodeId penalty =
        ops::mul(g, ops::add(g, rough, ops::affine(g, coloured, 0.8f, 0)), g.constant(std::move(mask), "boundary"));
    return negative(g, sum_of_image(g, penalty));
}

NodeId input_diff(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId image = s.layer("layer", "input");
    const Shape shape = g.shape(image);
    HostTensor original = load_photo(s.text("file"), shape.h, shape.w, shape.c == 4);
    if (original.shape.h != shape.h || original.shape.w != shape.w || original.shape.c != shape.c)
        throw Error(concat(s.text("file"), " is ", original.shape, ", the image ", shape));
    const NodeId squares = minus_square(g, image, g.constant(std::move(original), "original"));
    return length(g, s.joint() ? ops::reduce(g, Reduce::mean, kAll, squares) : mean_of_image(g, squares));
}

// The batch -----------------------------------------------------------------------------------------------------------

NodeId channel_interpolate(const TermScope& s) {
    Graph& g = s.graph();
    const auto weighted = [&](const char* layer, const char* channel, bool rising) {
        HostTensor weights({s.images(), 1, 1, 1});
        for (int64_t n = 0; n < s.images(); n++) {
            const double w = s.images() > 1 ? double(n) / double(s.images() - 1) : 0;
            weights.values[size_t(n)] = float(rising ? w : 1 - w);
        }
        const NodeId mean = mean_over_space(g, pick_channels(s, s.layer(layer), {s.count(channel)}));
        return ops::reduce(g, Reduce::sum, kBatch, ops::mul(g, mean, g.constant(std::move(weights))));
    };
    return ops::add(g, weighted("layer1", "channel1", false), weighted("layer2", "channel2", true));
}

NodeId alignment(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId x = s.layer();
    const Shape shape = g.shape(x);
    NodeId total;
    for (int64_t d = 1; d <= 4 && d < shape.n; d++) {  // 4: Lucid
        const Shape part{shape.n - d, shape.h, shape.w, shape.c};
        const NodeId apart =
            minus_square(g, ops::slice(g, x, {0, 0, 0, 0}, part), ops::slice(g, x, {d, 0, 0, 0}, part));
        const NodeId sum = ops::reduce(g, Reduce::sum, kBatch, mean_of_image(g, apart));
        const NodeId term = ops::affine(g, sum, -float(elementary::pow(s.number("decay_ratio", 2), -double(d))), 0);
        total = total.valid() ? ops::add(g, total, term) : term;
    }
    if (!total.valid()) throw UsageError("a batch of one image has nothing to align; give --batch");
    return total;
}

// Gram matrices F^T F of each image: {N,1,c,c}.
NodeId gram_matrices(Graph& g, NodeId x) {
    return ops::matmul(g, x, x, {.transpose_a = true, .transpose_b = false, .batched = true});
}

NodeId diversity(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId x = s.layer();
    const Shape shape = g.shape(x);
    if (shape.n < 2) throw UsageError("a batch of one image has no diversity; give --batch");
    const NodeId grams = gram_matrices(g, x);
    const NodeId squares = ops::reduce(g, Reduce::sum_squares, {false, true, true, true}, grams);
    const NodeId scale = ops::unary(g, Unary::rsqrt, ops::binary(g, Binary::max, squares, g.scalar(1e-10f)));
    const NodeId rows = ops::reshape(g, ops::mul(g, grams, scale), {1, 1, shape.n, shape.c * shape.c});
    const NodeId products = ops::matmul(g, rows, rows, {.transpose_a = false, .transpose_b = true, .batched = false});
    HostTensor others({1, 1, shape.n, shape.n}, 1 / float(shape.n));
    for (int64_t n = 0; n < shape.n; n++) others.at(0, 0, n, n) = 0;
    return ops::reduce(g, Reduce::sum, kAll, ops::mul(g, products, g.constant(std::move(others), "other images")));
}

// batch: here the image that is compared with `reference`; so the layer is taken whole.
struct Compared {
    NodeId image, reference;
};
Compared compared(const TermScope& s) {
    const NodeId whole = s.whole_layer();
    return {s.image_of(whole, s.count("batch", 1)), s.image_of(whole, s.count("reference", 0))};
}

NodeId dot_compare(const TermScope& s) {
    Graph& g = s.graph();
    const auto [image, reference] = compared(s);
    const NodeId dot = sum_of_image(g, ops::mul(g, reference, image));
    const double power = s.number("cossim_pow", 0);
    if (power == 0) return dot;
    const NodeId size = length(g, ops::reduce(g, Reduce::sum_squares, kAll, image));
    const NodeId cosine = ops::binary(g, Binary::div, dot, ops::affine(g, size, 1, 1e-6f));
    const NodeId floored = ops::binary(g, Binary::max, cosine, g.scalar(0.1f));
    return ops::mul(g, dot, ops::unary(g, Unary::power, floored, float(power)));
}

NodeId mean_difference(Graph& g, NodeId a, NodeId b) {
    return mean_of_image(g, ops::unary(g, Unary::abs, ops::sub(g, a, b)));
}

NodeId activation_difference(const TermScope& s) {
    const auto [image, reference] = compared(s);
    return mean_difference(s.graph(), image, reference);
}

NodeId style_difference(const TermScope& s) {
    Graph& g = s.graph();
    const auto [image, reference] = compared(s);
    const Shape shape = g.shape(image);
    const auto gram = [&](NodeId x) { return ops::affine(g, gram_matrices(g, x), 1 / float(shape.h * shape.w), 0); };
    NodeId style = gram(image);
    if (s.has("ema")) {
        const double decay = s.number("ema");
        if (!(decay >= 0 && decay < 1))
            throw UsageError(concat("ema is ", decay, ", expected 0 or more and less than 1"));
        // The value of the average, the gradient of the matrix (Lucid, StyleLoss).
        const NodeId gap = ops::sub(g, s.moving_average(style, decay), ops::stop_gradient(g, style));
        style = ops::add(g, style, gap);
    }
    return mean_difference(g, style, gram(reference));
}

// Factors that depend on the number of the update ---------------------------------------------------------------------

NodeId decay(const TermScope& s) {
    const double n = s.number("n");
    if (!(n > 0)) throw UsageError(concat("n is ", n, ", expected more than 0"));
    return ops::affine(s.graph(), s.step(), float(-1 / n), 1);
}

NodeId only_after(const TermScope& s) {
    Graph& g = s.graph();
    const NodeId before = ops::binary(g, Binary::greater, g.scalar(float(s.number("n"))), s.step());
    return ops::affine(g, before, -1, 1);
}

using Parameter = TermParameter;
constexpr auto kLayer = Parameter::Kind::layer;
constexpr auto kCount = Parameter::Kind::count;
constexpr auto kNumber = Parameter::Kind::number;
constexpr auto kText = Parameter::Kind::text;
constexpr auto kArray = Parameter::Kind::file;

const Parameter kTheLayer{"layer", kLayer, true}, kOnInput{"layer", kLayer}, kTheChannel{"channel", kCount, true, true},
    kRow{"row", kCount, false, true, "x"}, kColumn{"column", kCount, false, true, "y"},
    kFile{"file", kArray, false, true}, kSeed{"seed", kCount, false, true}, kPower{"cossim_pow", kNumber},
    kImage{"batch", kCount}, kReference{"reference", kCount};

constexpr auto kMean = Term::Reach::image_mean, kSum = Term::Reach::image_sum, kJoint = Term::Reach::batch;

// clang-format off
const Term kTerms[] = {
    {"channel", {kTheLayer, kTheChannel, kImage}, kMean, channel, "mean of a channel; short: LAYER:CHANNEL"},
    {"neuron", {kTheLayer, kTheChannel, kRow, kColumn, kImage}, kMean, neuron, "one position of a channel, rows from the top and columns from the left, from 0; by default the middle"},
    {"class_logit", {{"label", kText, true, true}, kOnInput, kImage}, kSum, class_logit, "logit of a class; short: class:LABEL"},
    {"direction", {kTheLayer, kFile, kSeed, kPower, kImage}, kMean, direction, "mean product with a vector from file=, or random from seed="},
    {"direction_neuron", {kTheLayer, kFile, kSeed, kRow, kColumn, kPower, kImage}, kMean, direction_neuron, "the same at one position"},
    {"tensor_direction", {kTheLayer, kFile, kSeed, kPower, kImage}, kMean, tensor_direction, "mean product with an array h x w x c in the middle of the layer"},
    {"deepdream", {kTheLayer, kImage}, kMean, deepdream, "mean square of a layer"},
    {"total_variation", {kOnInput, kImage}, kSum, total_variation, "sum of the differences of neighbours"},
    {"L1", {kOnInput, {"constant", kNumber}, kImage}, kSum, l1, "sum of the differences from a constant"},
    {"L2", {kOnInput, {"constant", kNumber}, {"epsilon", kNumber}, kImage}, kSum, l2, "root of the sum of squares"},
    {"blur_input_each_step", {}, kSum, blur_input_each_step, "half the squared difference from its blur: with -k in front, blurs by k"},
    {"blur_alpha_each_step", {}, kSum, blur_alpha_each_step, "the same of alpha"},
    {"penalize_alpha", {kImage}, kMean, penalize_alpha, "mean of alpha"},
    {"penalize_boundary_complexity", {{"w", kCount}, {"mask", kArray}, {"C", kNumber}}, kSum, penalize_boundary_complexity, "minus what differs from its blur and from C within w pixels of the border"},
    {"input_diff", {{"file", kArray, true}, kImage}, kMean, input_diff, "root mean square difference from a picture"},
    {"channel_interpolate", {{"layer1", kLayer, true}, {"channel1", kCount, true}, {"layer2", kLayer, true}, {"channel2", kCount, true}}, kJoint, channel_interpolate, "from one channel to another along the batch"},
    {"alignment", {kTheLayer, {"decay_ratio", kNumber}}, kJoint, alignment, "minus the differences of neighbouring images"},
    {"diversity", {kTheLayer}, kJoint, diversity, "similarity of the styles of the images: with -1e2 in front, makes them differ"},
    {"dot_compare", {kTheLayer, kImage, kPower, kReference}, kJoint, dot_compare, "product of an image's layer with that of a reference"},
    {"activation_difference", {kTheLayer, kImage, kReference}, kJoint, activation_difference, "mean difference from a reference's layer"},
    {"style_difference", {kTheLayer, kImage, kReference, {"ema", kNumber}}, kJoint, style_difference, "mean difference from a reference's Gram matrix; ema=0.95: of the moving average over the updates"},
    {"decay", {{"n", kNumber, true}}, kMean, decay, "1 - update/n", true},
    {"only_after", {{"n", kNumber, true}}, kMean, only_after, "0 before update n, then 1", true},
};
// clang-format on

}  // namespace

const TermTable& known_terms() {
    static const TermTable table = [] {
        TermTable rows;
        for (const Term& term : kTerms) rows.push_back(std::make_shared<const Term>(term));
        return rows;
    }();
    return table;
}

}  // namespace limpid
