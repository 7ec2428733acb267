// Evaluates the score around a random picture.
#include "viz/objective/gradcheck.h"

#include <algorithm>
#include <cmath>

#include "graph/grad.h"
#include "graph/ops.h"
#include "kernels/error.h"
#include "viz/param/param.h"

namespace limpid {

namespace {

double total(const HostTensor& t) {
    double sum = 0;
    for (const float value : t.values) sum += double(value);
    return sum;
}

double dot(const HostTensor& a, const HostTensor& b) {
    double sum = 0;
    for (size_t i = 0; i < a.values.size(); i++) sum += double(a.values[i]) * double(b.values[i]);
    return sum;
}

}  // namespace

bool GradcheckResult::passed() const {
    return !rows.empty() && std::ranges::all_of(rows, [](const GradcheckRow& row) { return row.error <= row.allowed; });
}

GradcheckResult check_gradient(const Net& net, const Objective& objective, const GradcheckOptions& options,
                               Stream& stream) {
    ImageParam param = fitted(ImageParam(), net);
    param.height = param.width = options.size;
    param.alpha = options.alpha;
    param.sources = {Spectral{.deviation = 0.3}};
    Graph graph;
    const NodeId image = graph.input("image", param.image(options.batch));
    Layers layers = apply(net, graph, options.alpha ? ops::slice_channels(graph, image, 0, net.image().c) : image);
    layers["input"] = image;
    const NodeId value = score(graph, objective, net, layers, graph.scalar(1));
    const NodeId gradient = grad(graph, value, {image})[0];
    Graph pictures;
    const HostTensor theta = param.initial(options.seed, 0, options.batch);
    const NodeId picture = decode(pictures, param, pictures.input("theta", theta.shape), nullptr);
    const HostTensor start = evaluate(pictures, {picture}, stream, {theta})[0];
    const std::vector<HostTensor> at = evaluate(graph, {value, gradient}, stream, {start});

    GradcheckResult result;
    result.score = total(at[0]);
    result.length = std::sqrt(dot(at[1], at[1]));
    if (!(result.length > 0))
        throw Error(concat("objective ", to_string(objective), ": the gradient is zero or not finite here (score ",
                           result.score, "); try another --seed or --size"));
    for (int64_t direction = 0; direction <= options.directions; direction++) {
        HostTensor v = at[1];
        const RandomKey key{options.seed, uint32_t(direction), 0, uint32_t(Purpose::direction)};
        if (direction > 0)
            for (size_t i = 0; i < v.values.size(); i++) v.values[i] = random_normal(key, int64_t(i));
        // The largest change of a pixel is the step.
        float most = 0;
        for (const float x : v.values) most = std::max(most, std::fabs(x));
        for (float& x : v.values) x /= most;
        double size = 0;
        const auto along = [&](double h) {
            HostTensor moved = start;
            for (size_t i = 0; i < v.values.size(); i++) moved.values[i] += float(h * double(v.values[i]));
            const double sum = total(evaluate(graph, {value}, stream, {moved})[0]);
            size = std::max(size, std::fabs(sum));
            return sum;
        };
        const auto slope = [&](double h) { return (along(h) - along(-h)) / (2 * h); };
        const double coarse = slope(options.step_size), fine = slope(options.step_size / 2);
        GradcheckRow row;
        row.direction = direction;
        row.expected = dot(at[1], v);
        row.measured = fine + (fine - coarse) / 3;
        row.error = std::fabs(row.measured - row.expected);
        // Values between nodes are floats: some hundred roundings of 2^-24 in the score, over the step; the rest is
        // what the two differences say of kinks and curvature, and a thousandth of the gradient's own length.
        row.allowed = 64 * 0x1p-24 * size / options.step_size + 2 * std::fabs(fine - coarse) +
                      1e-3 * result.length * std::sqrt(dot(v, v));
        result.rows.push_back(row);
    }
    return result;
}

}  // namespace limpid
