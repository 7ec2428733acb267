// The step and its rules, one function each.
#include "viz/render/optimiser.h"

#include <algorithm>
#include <cmath>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "viz/overloaded.h"

namespace limpid {

namespace {

using Values = std::vector<double>;

// A dense picture of doubles.
struct Picture {
    Shape shape;
    Values values;
    double& at(int64_t y, int64_t x, int64_t c) { return values[size_t((y * shape.w + x) * shape.c + c)]; }
};

// numpy.percentile: linear between the ranks around percent/100 * (count - 1).
double percentile(Values values, double percent) {
    CHECK(!values.empty());
    const double rank = percent / 100 * double(values.size() - 1);
    const size_t low = size_t(rank), high = std::min(low + 1, values.size() - 1);
    std::ranges::sort(values);
    return values[low] + (values[high] - values[low]) * (rank - double(low));
}

// scipy.ndimage's "reflect": d c b a | a b c d | d c b a
int64_t mirrored(int64_t i, int64_t size) {
    const int64_t period = 2 * size, rest = ((i % period) + period) % period;
    return rest < size ? rest : period - 1 - rest;
}

void blur(const BlurValues& rule, Picture& picture) {
    const int64_t reach = int64_t(4 * rule.sigma + 0.5);
    Values kernel;
    double sum = 0;
    for (int64_t i = -reach; i <= reach; i++) {
        kernel.push_back(elementary::exp(-0.5 * double(i * i) / (rule.sigma * rule.sigma)));
        sum += kernel.back();
    }
    for (double& share : kernel) share /= sum;
    for (const bool along_rows : {false, true}) {
        Picture from = picture;
        for (int64_t y = 0; y < picture.shape.h; y++)
            for (int64_t x = 0; x < picture.shape.w; x++)
                for (int64_t c = 0; c < picture.shape.c; c++) {
                    double total = 0;
                    for (int64_t i = -reach; i <= reach; i++) {
                        const double share = kernel[size_t(i + reach)];
                        total += share * (along_rows ? from.at(y, mirrored(x + i, from.shape.w), c)
                                                     : from.at(mirrored(y + i, from.shape.h), x, c));
                    }
                    picture.at(y, x, c) = total;
                }
    }
}

// A number for each pixel, of its values in x and g.
template <class Measure>
Values of_pixels(const Picture& x, Measure measure) {
    Values result;
    for (int64_t i = 0; i < x.shape.pixels(); i++) result.push_back(measure(size_t(i * x.shape.c)));
    return result;
}

// Pixels whose number is below the percentile become 0.
void drop_pixels(Picture& x, const Values& numbers, double percent) {
    const double least = percentile(numbers, percent);
    for (size_t i = 0; i < numbers.size(); i++)
        if (numbers[i] < least) std::fill_n(x.values.begin() + std::ptrdiff_t(i) * x.shape.c, x.shape.c, 0.0);
}

void apply(const Regulariser& regulariser, int64_t update, const Picture& g, Picture& x) {
    const size_t channels = size_t(x.shape.c);
    std::visit(Overloaded{
                   [&](const ClampValues& rule) {
                       for (double& value : x.values) value = std::clamp(value, rule.low, rule.high);
                   },
                   [&](const DecayValues& rule) {
                       for (double& value : x.values) value *= 1 - rule.factor;
                   },
                   [&](const BlurValues& rule) {
                       if (update % rule.every == 0) blur(rule, x);
                   },
                   [&](const SmallValues& rule) {
                       Values sizes;
                       for (const double value : x.values) sizes.push_back(std::fabs(value));
                       const double least = percentile(sizes, rule.percent);
                       for (double& value : x.values)
                           if (std::fabs(value) < least) value = 0;
                   },
                   [&](const SmallPixels& rule) {
                       const Values lengths = of_pixels(x, [&](size_t first) {
                           double squares = 0;
                           for (size_t c = 0; c < channels; c++) squares += x.values[first + c] * x.values[first + c];
                           return std::sqrt(squares);
                       });
                       drop_pixels(x, lengths, rule.percent);
                   },
                   [&](const SmallContributions& rule) {
                       const Values given = of_pixels(x, [&](size_t first) {
                           double sum = 0;
                           for (size_t c = 0; c < channels; c++) sum -= x.values[first + c] * g.values[first + c];
                           return rule.magnitude ? std::fabs(sum) : sum;
                       });
                       drop_pixels(x, given, rule.percent);
                   },
               },
               regulariser);
}

Picture picture_of(ConstView view) {
    CHECK(view.dense() && view.shape.n == 1);
    return {view.shape, Values(view.data, view.data + view.shape.size())};
}

}  // namespace

void ascend(const PlainAscent& ascent, int64_t update, ConstView gradient, MutView x) {
    const Picture g = picture_of(gradient);
    Picture picture = picture_of(x);
    double rate = ascent.rate;
    if (ascent.progress != 0) {
        double squares = 0;
        for (const double value : g.values) squares += value * value;
        if (squares > 0) rate = std::min(rate, ascent.progress / squares);
    }
    for (size_t i = 0; i < picture.values.size(); i++) picture.values[i] += rate * g.values[i];
    for (const Regulariser& rule : ascent.rules) apply(rule, update, g, picture);
    std::copy(picture.values.begin(), picture.values.end(), x.data);
}

}  // namespace limpid
