// SLIC: k-means in colour and place, each centre looking only at its neighbourhood; then every piece that hangs loose
// joins a neighbour.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/attribution/perturbation_methods.h"

namespace limpid {

namespace {

using Colour = std::array<double, 3>;

// CIE L*a*b* of sRGB, white D65 (IEC 61966-2-1, CIE 15).
Colour lab(const float* rgb) {
    Colour linear;
    for (size_t c = 0; c < 3; c++) {
        const auto v = double(rgb[c]);
        linear[c] = v <= 0.04045 ? v / 12.92 : elementary::pow((v + 0.055) / 1.055, 2.4);
    }
    const auto [r, g, b] = linear;
    const auto f = [](double t) { return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116; };
    const double x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047);
    const double y = f(0.2126729 * r + 0.7151522 * g + 0.0721750 * b);
    const double z = f((0.0193339 * r + 0.1191920 * g + 0.9503041 * b) / 1.08883);
    return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

struct Centre {
    Colour colour{};
    double y = 0, x = 0, count = 0;
};

// Connected pieces of equal label, numbered in reading order; a piece below `smallest` pixels gets the number of a
// neighbour that was there before it.
std::vector<int64_t> connected(const std::vector<int64_t>& label, int64_t h, int64_t w, int64_t smallest) {
    std::vector<int64_t> result(label.size(), -1);
    int64_t next = 0;
    for (int64_t start = 0; start < h * w; start++) {
        if (result[size_t(start)] >= 0) continue;
        std::vector<int64_t> piece{start};
        result[size_t(start)] = next;
        int64_t neighbour = -1;
        for (size_t i = 0; i < piece.size(); i++) {
            const int64_t y = piece[i] / w, x = piece[i] % w;
            for (const auto& [dy, dx] : {std::pair{0, -1}, {-1, 0}, {0, 1}, {1, 0}}) {
                const int64_t p = y + dy, q = x + dx;
                if (p < 0 || q < 0 || p >= h || q >= w) continue;
                int64_t& other = result[size_t(p * w + q)];
                if (other < 0 && label[size_t(p * w + q)] == label[size_t(start)]) {
                    other = next;
                    piece.push_back(p * w + q);
                } else if (other >= 0 && other != next && neighbour < 0) {
                    neighbour = other;
                }
            }
        }
        if (int64_t(piece.size()) < smallest && neighbour >= 0)
            for (const int64_t p : piece) result[size_t(p)] = neighbour;
        else
            next++;
    }
    return result;
}

}  // namespace

HostTensor superpixels(const HostTensor& photo, int64_t count, const Stop& stop, double compactness,
                       int64_t iterations) {
    const Shape s = photo.shape;
    require(s.n == 1 && s.c == 3, "superpixels of ", s, ", expected one RGB picture");
    if (count < 1 || count > s.pixels() / 4)
        throw UsageError(concat(count, " segments of ", s.w, "x", s.h, " pixels; expected 1 to ", s.pixels() / 4));
    std::vector<Colour> colours;
    for (int64_t p = 0; p < s.pixels(); p++) colours.push_back(lab(photo.values.data() + 3 * p));
    const double spacing = std::sqrt(double(s.pixels()) / double(count));
    const auto rows = std::max<int64_t>(1, std::llround(double(s.h) / spacing));
    const auto columns = std::max<int64_t>(1, std::llround(double(s.w) / spacing));
    std::vector<Centre> centres;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            Centre c;
            c.y = (double(i) + 0.5) * double(s.h) / double(rows) - 0.5;
            c.x = (double(j) + 0.5) * double(s.w) / double(columns) - 0.5;
            c.colour = colours[size_t(std::llround(c.y) * s.w + std::llround(c.x))];
            centres.push_back(c);
        }
    std::vector<int64_t> label(static_cast<size_t>(s.pixels()));
    const double place_weight = std::pow(compactness / spacing, 2);
    for (int64_t iteration = 0; iteration < iterations; iteration++) {
        std::vector<double> best(label.size(), std::numeric_limits<double>::infinity());
        for (size_t k = 0; k < centres.size(); k++) {
            stop.check();
            const Centre& c = centres[k];
            const auto top = std::max<int64_t>(0, int64_t(c.y - 2 * spacing));
            const auto left = std::max<int64_t>(0, int64_t(c.x - 2 * spacing));
            const auto bottom = std::min<int64_t>(s.h - 1, int64_t(c.y + 2 * spacing));
            const auto right = std::min<int64_t>(s.w - 1, int64_t(c.x + 2 * spacing));
            for (int64_t y = top; y <= bottom; y++)
                for (int64_t x = left; x <= right; x++) {
                    const auto p = size_t(y * s.w + x);
                    double distance = place_weight * (std::pow(double(y) - c.y, 2) + std::pow(double(x) - c.x, 2));
                    for (size_t i = 0; i < 3; i++) distance += std::pow(colours[p][i] - c.colour[i], 2);
                    if (distance < best[p]) best[p] = distance, label[p] = int64_t(k);
                }
        }
        std::vector<Centre> sums(centres.size());
        for (size_t p = 0; p < label.size(); p++) {
            Centre& c = sums[size_t(label[p])];
            c.count += 1;
            c.y += double(int64_t(p) / s.w);
            c.x += double(int64_t(p) % s.w);
            for (size_t i = 0; i < 3; i++) c.colour[i] += colours[p][i];
        }
        for (size_t k = 0; k < centres.size(); k++) {
            Centre& c = sums[k];
            if (c.count == 0) continue;  // it keeps its place
            c.y /= c.count, c.x /= c.count;
            for (double& v : c.colour) v /= c.count;
            centres[k] = c;
        }
    }
    const std::vector<int64_t> pieces = connected(label, s.h, s.w, int64_t(spacing * spacing / 4));
    HostTensor result({1, s.h, s.w, 1});
    for (size_t p = 0; p < pieces.size(); p++) result.values[p] = float(pieces[p]);
    return result;
}

}  // namespace limpid
