// Factorisations of activations, their order, and dot products with gradients.
#include "viz/factor/groups.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.h"

namespace limpid {

namespace {

// What is not a number stays so.
double above_zero(float activation) { return activation < 0 ? 0.0 : double(activation); }

HostArray<double> as_matrix(const HostTensor& activations) {
    HostArray<double> matrix({1, 1, activations.shape.pixels(), activations.shape.c});
    std::ranges::transform(activations.values, matrix.values.begin(), above_zero);
    return matrix;
}

// sum x * W^2 / sum W^2; an empty map stands last.
double centre_of(const HostTensor& spatial, int64_t i) {
    double moment = 0, mass = 0;
    const Shape s = spatial.shape;
    for (int64_t p = 0; p < s.pixels(); p++) {
        const double weight = std::pow(double(spatial.values[size_t(p * s.c + i)]), 2);
        moment += weight * double(p % s.w);
        mass += weight;
    }
    return mass > 0 ? moment / mass : double(s.w);
}

// The leftmost column that holds the largest value.
double peak_of(const HostTensor& spatial, int64_t i) {
    const Shape s = spatial.shape;
    int64_t best = 0;
    float most = -1;
    for (int64_t x = 0; x < s.w; x++)
        for (int64_t p = x; p < s.pixels(); p += s.w)
            if (const float v = spatial.values[size_t(p * s.c + i)]; v > most) most = v, best = x;
    return double(best);
}

Groups ordered(const HostArray<double>& w, const HostArray<double>& h, Shape s, GroupOrder order, int64_t iterations) {
    const int64_t k = h.shape.w, c = h.shape.c;
    Groups groups{HostTensor({s.n, s.h, s.w, k}), HostTensor({1, 1, k, c}), iterations};
    std::ranges::copy(w.values, groups.spatial.values.begin());
    std::vector<int64_t> place(static_cast<size_t>(k));
    std::iota(place.begin(), place.end(), 0);
    std::vector<double> key(static_cast<size_t>(k));
    if (order != GroupOrder::none)
        for (int64_t i = 0; i < k; i++)
            key[size_t(i)] = order == GroupOrder::centre ? centre_of(groups.spatial, i) : peak_of(groups.spatial, i);
    std::ranges::stable_sort(place, [&](int64_t i, int64_t j) { return key[size_t(i)] < key[size_t(j)]; });
    for (int64_t i = 0; i < k; i++) {
        const int64_t from = place[size_t(i)];
        for (int64_t p = 0; p < s.pixels(); p++)
            groups.spatial.values[size_t(p * k + i)] = float(w.values[size_t(p * k + from)]);
        for (int64_t j = 0; j < c; j++) groups.channel.at(0, 0, i, j) = float(h.values[size_t(from * c + j)]);
    }
    return groups;
}

}  // namespace

Groups find_groups(const HostTensor& activations, int64_t count, GroupOrder order, const NmfOptions& options) {
    const Factors factors = nmf(as_matrix(activations), count, options);
    return ordered(factors.w, factors.h, activations.shape, order, factors.iterations);
}

HostTensor project(const HostTensor& activations, const Groups& groups, const NmfOptions& options) {
    const Shape s = activations.shape;
    if (s.c != groups.channel.shape.c)
        throw Error(concat("activations of ", s.c, " channels, the groups are of ", groups.channel.shape.c,
                           "; expected the same layer"));
    const HostArray<double> w = nmf_transform(as_matrix(activations), as_matrix(groups.channel), options);
    return {{s.n, s.h, s.w, groups.count()}, std::vector<float>(w.values.begin(), w.values.end())};
}

std::vector<double> magnitudes(const Groups& groups) {
    const int64_t k = groups.count();
    std::vector<double> result;
    for (int64_t i = 0; i < k; i++) {
        double map = 0, mix = 0;
        for (size_t p = size_t(i); p < groups.spatial.values.size(); p += size_t(k))
            map += std::pow(double(groups.spatial.values[p]), 2);
        for (int64_t c = 0; c < groups.channel.shape.c; c++) mix += std::pow(double(groups.channel.at(0, 0, i, c)), 2);
        result.push_back(std::sqrt(map * mix));
    }
    return result;
}

HostTensor group_activations(const Groups& groups, int64_t i) {
    const Shape s = groups.spatial.shape;
    const int64_t c = groups.channel.shape.c;
    HostTensor result({s.n, s.h, s.w, c});
    for (int64_t p = 0; p < s.pixels(); p++)
        for (int64_t j = 0; j < c; j++)
            result.values[size_t(p * c + j)] =
                groups.spatial.values[size_t(p * s.c + i)] * groups.channel.at(0, 0, i, j);
    return result;
}

HostTensor all_group_activations(const Groups& groups) {
    const Shape s = groups.spatial.shape;
    require(s.n == 1, "groups of ", s, ", expected those of one image");
    HostTensor all({groups.count(), s.h, s.w, groups.channel.shape.c});
    for (int64_t i = 0; i < groups.count(); i++) {
        const HostTensor one = group_activations(groups, i);
        std::ranges::copy(one.values, all.values.begin() + i * one.shape.size());
    }
    return all;
}

std::vector<std::vector<double>> group_shares(const Groups& groups, const HostTensor& gradients) {
    const Shape s = gradients.shape;
    const int64_t k = groups.count();
    require(groups.spatial.shape == (Shape{1, s.h, s.w, k}) && groups.channel.shape.c == s.c, "gradients of ", s,
            " for groups at ", groups.spatial.shape, ", expected their layer's shape");
    std::vector<std::vector<double>> shares;
    for (int64_t n = 0; n < s.n; n++) {
        std::vector<double> sum(static_cast<size_t>(k));
        for (int64_t p = 0; p < s.h * s.w; p++) {
            const float* g = gradients.values.data() + (n * s.h * s.w + p) * s.c;
            for (int64_t i = 0; i < k; i++) {
                const double weight = double(groups.spatial.values[size_t(p * k + i)]);
                if (weight == 0) continue;
                double dot = 0;
                for (int64_t c = 0; c < s.c; c++) dot += double(groups.channel.at(0, 0, i, c)) * double(g[c]);
                sum[size_t(i)] += weight * dot;
            }
        }
        shares.push_back(std::move(sum));
    }
    return shares;
}

std::vector<std::vector<double>> groups_to_groups(Section& section, const HostTensor& activations,
                                                  const Groups& earlier, const Groups& later) {
    return group_shares(earlier, section.pull_back(activations, all_group_activations(later)));
}

Groups aligned_groups(Section& section, const HostTensor& activations, const Groups& later, int64_t count,
                      GroupOrder order, const NmfOptions& options) {
    const Shape s = activations.shape;
    const int64_t n = later.count();
    const HostTensor attribution = product(activations, section.pull_back(activations, all_group_activations(later)));
    HostArray<double> split({1, 1, s.pixels(), s.c * n});
    for (int64_t p = 0; p < s.pixels(); p++)
        for (int64_t c = 0; c < s.c; c++) {
            const int64_t element = p * s.c + c;
            const auto owed = [&](int64_t i) {
                return std::fabs(double(attribution.values[size_t(i * s.size() + element)]));
            };
            double sum = 0;
            for (int64_t i = 0; i < n; i++) sum += owed(i);
            for (int64_t i = 0; i < n; i++)
                split.values[size_t((p * n + i) * s.c + c)] =
                    above_zero(activations.values[size_t(element)]) * (sum > 0 ? owed(i) / sum : 1.0 / double(n));
        }
    const Factors factors = nmf(split, count, options);
    HostArray<double> channel({1, 1, count, s.c});
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < s.c * n; j++)
            channel.values[size_t(i * s.c + j % s.c)] += factors.h.values[size_t(i * s.c * n + j)];
    return ordered(factors.w, channel, s, order, factors.iterations);
}

}  // namespace limpid
