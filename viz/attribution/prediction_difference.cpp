// Prediction difference analysis. One normal distribution serves all windows: the covariance of two pixels depends on
// their distance alone, so the weights of the surroundings and the spread of what remains are computed once.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "kernels/random/philox.h"
#include "viz/attribution/variants.h"
#include "viz/factor/cholesky.h"

namespace limpid {

namespace {

constexpr uint32_t kWindowSamples = 102;  // RandomKey::purpose

using Matrix = HostArray<double>;

// Autocovariance of a photo: how channel a at a pixel goes with channel b at (dy,dx) from it. The sum is over the
// pixels of the photo but divided by all of them, which keeps every matrix made of it positive semidefinite.
class Autocovariance {
  public:
    Autocovariance(const HostTensor& photo, int64_t reach, const Stop& stop) : reach_(reach), width_(2 * reach + 1) {
        const Shape s = photo.shape;
        for (int64_t c = 0; c < 3; c++) {
            for (int64_t p = 0; p < s.pixels(); p++) mean_[c] += double(photo.values[size_t(p * 3 + c)]);
            mean_[c] /= double(s.pixels());
        }
        HostArray<double> centred(s);
        for (size_t i = 0; i < centred.values.size(); i++) centred.values[i] = double(photo.values[i]) - mean_[i % 3];
        values_.resize(size_t((reach + 1) * width_ * 9));
        for (int64_t dy = 0; dy <= reach; dy++)
            for (int64_t dx = -reach; dx <= reach; dx++) {
                stop.check();
                double* to = &values_[size_t((dy * width_ + dx + reach) * 9)];
                for (int64_t y = 0; y + dy < s.h; y++)
                    for (int64_t x = std::max<int64_t>(0, -dx); x < s.w - std::max<int64_t>(0, dx); x++) {
                        const double *p = &centred.at(0, y, x, 0), *q = &centred.at(0, y + dy, x + dx, 0);
                        for (int64_t a = 0; a < 3; a++)
                            for (int64_t b = 0; b < 3; b++) to[a * 3 + b] += p[a] * q[b];
                    }
                for (int64_t i = 0; i < 9; i++) to[i] /= double(s.pixels());
            }
    }

    double mean(int64_t channel) const { return mean_[channel]; }
    // Half of the differences; the others are these with the ends exchanged.
    double operator()(int64_t dy, int64_t dx, int64_t a, int64_t b) const {
        if (dy < 0) dy = -dy, dx = -dx, std::swap(a, b);
        return values_[size_t((dy * width_ + dx + reach_) * 9 + a * 3 + b)];
    }

  private:
    int64_t reach_, width_;
    double mean_[3]{};
    std::vector<double> values_;
};

// A channel of a pixel of the patch around a window.
struct Element {
    int64_t y = 0, x = 0, channel = 0;
};

class WindowModel {
  public:
    WindowModel(const HostTensor& photo, int64_t window, int64_t margin, const Stop& stop)
        : margin_(margin), covariance_(photo, window + 2 * margin - 1, stop) {
        const int64_t side = window + 2 * margin;
        for (int64_t y = 0; y < side; y++)
            for (int64_t x = 0; x < side; x++)
                for (int64_t c = 0; c < 3; c++) {
                    const bool within = y >= margin && y < margin + window && x >= margin && x < margin + window;
                    (within ? inside_ : outside_).push_back({y, x, c});
                }
        // A thousandth of the variance: noise that keeps the equations solvable for photos with flat areas.
        double variance = 0;
        for (int64_t c = 0; c < 3; c++) variance += covariance_(0, 0, c, c) / 3;
        const double ridge = 1e-3 * variance + 1e-9;
        Matrix rest = between(inside_, inside_, ridge);
        if (!outside_.empty()) {
            const Matrix cross = between(inside_, outside_, 0);
            weights_ = solve_rows(cholesky(between(outside_, outside_, ridge), stop), cross, stop);
            const auto n = int64_t(outside_.size());
            for (int64_t i = 0; i < rest.shape.w; i++) {
                stop.check();
                for (int64_t j = 0; j <= i; j++) {
                    const double* a = &weights_.values[size_t(i * n)];
                    rest.at(0, 0, i, j) -= std::inner_product(a, a + n, &cross.values[size_t(j * n)], 0.0);
                }
            }
        }
        spread_ = cholesky(std::move(rest), stop);
    }

    // At the most: three matrices over the window, two of the window with its surroundings, two of the surroundings.
    static size_t bytes(int64_t window, int64_t margin) {
        const double inside = 3.0 * double(window * window), all = 3.0 * std::pow(double(window + 2 * margin), 2);
        const double outside = all - inside;
        return size_t((3 * inside * inside + 2 * inside * outside + 2 * outside * outside) * sizeof(double));
    }

    // Writes a draw over the window at (top, left) of `copy`, given the photo around it.
    void draw(const HostTensor& photo, int64_t top, int64_t left, const RandomKey& key, MutView copy) const {
        const Shape s = photo.shape;
        std::vector<double> around;
        for (const Element& e : outside_)
            around.push_back(double(photo.at(0, mirrored(top + e.y - margin_, s.h), mirrored(left + e.x - margin_, s.w),
                                             e.channel)) -
                             covariance_.mean(e.channel));
        std::vector<double> noise;
        for (size_t i = 0; i < inside_.size(); i++) noise.push_back(double(random_normal(key, int64_t(i))));
        for (size_t i = 0; i < inside_.size(); i++) {
            const Element& e = inside_[i];
            const double* spread = &spread_.values[i * inside_.size()];
            double v = covariance_.mean(e.channel) + std::inner_product(spread, spread + i + 1, noise.data(), 0.0);
            if (!around.empty())
                v += std::inner_product(around.begin(), around.end(), &weights_.values[i * around.size()], 0.0);
            copy.at(0, top + e.y - margin_, left + e.x - margin_, e.channel) = float(std::clamp(v, 0.0, 1.0));
        }
    }

  private:
    static int64_t mirrored(int64_t i, int64_t size) {
        while (i < 0 || i >= size) i = i < 0 ? -1 - i : 2 * size - 1 - i;
        return i;
    }

    Matrix between(const std::vector<Element>& a, const std::vector<Element>& b, double ridge) const {
        Matrix m({1, 1, int64_t(a.size()), int64_t(b.size())});
        for (size_t i = 0; i < a.size(); i++)
            for (size_t j = 0; j < b.size(); j++)
                m.values[i * b.size() + j] =
                    covariance_(b[j].y - a[i].y, b[j].x - a[i].x, a[i].channel, b[j].channel) + (i == j ? ridge : 0);
        return m;
    }

    int64_t margin_;
    Autocovariance covariance_;
    std::vector<Element> inside_, outside_;
    Matrix weights_;  // {inside, outside}: the conditional mean
    Matrix spread_;   // Cholesky factor of the conditional covariance
};

double probability(ConstView logits, int64_t class_index) {
    const double most = *std::max_element(logits.data, logits.data + logits.shape.c);
    double sum = 0;
    for (int64_t c = 0; c < logits.shape.c; c++) sum += elementary::exp(double(logits.data[c]) - most);
    return elementary::exp(double(logits.data[class_index]) - most) / sum;
}

}  // namespace

HostTensor prediction_difference(Section& section, const HostTensor& photo, int64_t class_index,
                                 const PredictionDifferenceOptions& options, const PassWatcher& watcher) {
    check_window(photo, options.window, options.stride);
    if (options.samples < 1 || options.margin < 0)
        throw UsageError(concat("prediction difference with ", options.samples, " samples and a margin of ",
                                options.margin, "; expected at least 1 and 0"));
    const Shape s = photo.shape;
    const int64_t classes = section.to_shape().c;
    require(class_index >= 0 && class_index < classes, "class ", class_index, ", expected 0 to ", classes - 1);
    const auto log2_odds = [&](double p) {
        const auto n = double(options.training_photos);
        const double smooth = (p * n + 1) / (n + double(classes));
        return elementary::log2(smooth / (1 - smooth));
    };
    Stream& stream = section.stream();
    check_memory(stream, WindowModel::bytes(options.window, options.margin),
                 concat("prediction difference with a window of ", options.window, " pixels"),
                 "a smaller --window needs less");
    const WindowModel model(photo, options.window, options.margin, stream.stop());
    const std::vector<int64_t> rows = window_places(s.h, options.window, options.stride);
    const std::vector<int64_t> columns = window_places(s.w, options.window, options.stride);
    const auto top = [&](int64_t window) { return rows[size_t(window) / columns.size()]; };
    const auto left = [&](int64_t window) { return columns[size_t(window) % columns.size()]; };
    const double whole = log2_odds(probability(section.forward(photo).view(), class_index));
    WindowMean mean(s.h, s.w);
    double sum = 0;
    run_variants(
        section, photo, int64_t(rows.size() * columns.size()) * options.samples,
        [&](int64_t i, MutView copy) {
            const int64_t window = i / options.samples;
            const RandomKey key{options.seed, uint32_t(window), uint32_t(i % options.samples), kWindowSamples};
            model.draw(photo, top(window), left(window), key, copy);
        },
        [&](int64_t i, ConstView logits) {
            sum += probability(logits, class_index);
            if ((i + 1) % options.samples != 0) return;
            const int64_t window = i / options.samples;
            mean.add(top(window), left(window), options.window, whole - log2_odds(sum / double(options.samples)));
            sum = 0;
        },
        watcher);
    return mean.map();
}

}  // namespace limpid
