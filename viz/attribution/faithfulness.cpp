// Curves by passes over partly changed photos; ranks by sorting.
#include "viz/attribution/faithfulness.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/random/philox.h"
#include "viz/attribution/variants.h"

namespace limpid {

namespace {

constexpr uint32_t kRandomWeights = 104;  // RandomKey::purpose

// Step i shows `after` at the first i/steps of the pixels in the order of the map, and `before` at the rest.
FaithfulnessCurve curve(Section& section, const HostTensor& before, const HostTensor& after, const HostTensor& map,
                        int64_t class_index, int64_t steps) {
    const auto pixels = map.values.size();
    if (steps < 1) throw UsageError(concat("a curve of ", steps, " steps; expected at least 1"));
    require(before.shape == after.shape && int64_t(pixels) == before.shape.pixels(), "a curve from ", before.shape,
            " to ", after.shape, " along a map of ", map.shape, ", expected one size");
    std::vector<size_t> order(pixels);
    std::iota(order.begin(), order.end(), size_t(0));
    std::ranges::stable_sort(order, [&](size_t a, size_t b) { return map.values[a] > map.values[b]; });
    const auto channels = size_t(before.shape.c);
    FaithfulnessCurve result;
    run_variants(
        section, before, steps + 1,
        [&](int64_t i, MutView copy) {
            const size_t changed = pixels * size_t(i) / size_t(steps);
            for (size_t k = 0; k < changed; k++)
                std::copy_n(after.values.data() + order[k] * channels, channels, copy.data + order[k] * channels);
        },
        [&](int64_t, ConstView logits) {
            Target log_probability{section.to(), {}};
            log_probability.terms.push_back({Target::Kind::logit, class_index, 0, 0, 1, ""});
            log_probability.terms.push_back({Target::Kind::log_sum_exp, 0, 0, 0, -1, ""});
            result.probability.push_back(elementary::exp(value(log_probability, logits)));
        },
        {});
    return result;
}

HostTensor or_grey(const HostTensor& blank, const HostTensor& photo) {
    return blank.values.empty() ? HostTensor(photo.shape, OcclusionOptions().fill) : blank;
}

// Ranks from 0, ties at their mean.
std::vector<double> ranks(const std::vector<float>& values) {
    std::vector<size_t> order(values.size());
    std::iota(order.begin(), order.end(), size_t(0));
    std::ranges::sort(order, [&](size_t a, size_t b) { return values[a] < values[b]; });
    std::vector<double> result(values.size());
    for (size_t begin = 0; begin < order.size();) {
        size_t end = begin;
        while (end < order.size() && values[order[end]] == values[order[begin]]) end++;
        for (size_t i = begin; i < end; i++) result[order[i]] = double(begin + end - 1) / 2;
        begin = end;
    }
    return result;
}

}  // namespace

double FaithfulnessCurve::area() const {
    double sum = 0;
    for (size_t i = 0; i + 1 < probability.size(); i++) sum += (probability[i] + probability[i + 1]) / 2;
    return sum / double(probability.size() - 1);
}

FaithfulnessCurve deletion(Section& section, const HostTensor& photo, const HostTensor& map, int64_t class_index,
                           int64_t steps, const HostTensor& blank) {
    return curve(section, photo, or_grey(blank, photo), map, class_index, steps);
}

FaithfulnessCurve insertion(Section& section, const HostTensor& photo, const HostTensor& map, int64_t class_index,
                            int64_t steps, const HostTensor& blank) {
    return curve(section, or_grey(blank, photo), photo, map, class_index, steps);
}

Net randomised(const Net& net, const std::string& from, uint64_t seed) {
    const Shape image = net.image();
    Graph graph;
    const Layers all = apply(net, graph, graph.input("image", image));
    // `from` and what is computed from it.
    const Layers behind = apply(net, graph, Layers{{from, graph.input("fed", graph.shape(layer(net, all, from)))}});
    std::set<std::string> wanted;
    for (const LayerInfo& info : describe(net, image.h, image.w))
        if (behind.contains(info.name)) wanted.insert(info.parameter_names.begin(), info.parameter_names.end());
    Net result = net;
    uint32_t job = 0;
    for (const auto& [name, tensor] : net.weights->tensors) {
        job++;
        if (!wanted.contains(name)) continue;
        const auto count = double(tensor.values.size());
        double mean = 0, variance = 0;
        for (const float v : tensor.values) mean += double(v) / count;
        for (const float v : tensor.values) variance += std::pow(double(v) - mean, 2) / count;
        const double deviation = std::sqrt(variance);
        HostTensor random(tensor.shape);
        for (int64_t i = 0; i < tensor.shape.size(); i++)
            random.values[size_t(i)] =
                float(mean + deviation * double(random_normal({seed, job, 0, kRandomWeights}, i)));
        result.replaced[name] = std::make_shared<const HostTensor>(std::move(random));
    }
    return result;
}

double rank_correlation(const HostTensor& a, const HostTensor& b) {
    require(a.shape == b.shape, "the rank correlation of ", a.shape, " and ", b.shape, ", expected equal shapes");
    const std::vector<double> x = ranks(a.values), y = ranks(b.values);
    const double middle = (double(x.size()) - 1) / 2;
    double xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < x.size(); i++) {
        xy += (x[i] - middle) * (y[i] - middle);
        xx += (x[i] - middle) * (x[i] - middle);
        yy += (y[i] - middle) * (y[i] - middle);
    }
    return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : 0;
}

}  // namespace limpid
