// Norms from the world, one render of all classes, their comparison.
#include "viz/judge/visualisations.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/elementary.h"
#include "kernels/error.h"
#include "nets/world/world.h"
#include "viz/attribution/section.h"
#include "viz/judge/judge.h"
#include "viz/render/render.h"

namespace limpid {

namespace {

// Degrees after which a circle closes; 0: not a circle.
double period_of(Statistic statistic) {
    return statistic == Statistic::angle ? 180 : statistic == Statistic::hue ? 360 : 0;
}

// The p-th percentile, 0 to 100: an element.
double nearest_percentile(std::vector<double> values, double p) {
    std::ranges::sort(values);
    return values[size_t(p / 100 * double(values.size() - 1) + 0.5)];
}

std::vector<double> distances(Statistic statistic, std::span<const double> values, double from) {
    std::vector<double> result;
    for (const double value : values) result.push_back(distance(statistic, from, value));
    return result;
}

}  // namespace

const char* name_of(Statistic statistic) {
    constexpr const char* kNames[] = {"angle", "frequency", "hue"};
    return kNames[size_t(statistic)];
}

const char* unit_of(Statistic statistic) { return statistic == Statistic::frequency ? "cycles/pixel" : "degrees"; }

double value_of(Statistic statistic, const PictureStatistics& m) {
    return statistic == Statistic::angle ? m.angle_degrees : statistic == Statistic::hue ? m.hue_degrees : m.frequency;
}

double distance(Statistic statistic, double a, double b) {
    const double period = period_of(statistic);
    return period > 0 ? std::fabs(std::remainder(a - b, period)) : std::fabs(elementary::log2(a / b));
}

double mean_of(Statistic statistic, std::span<const double> values) {
    require(!values.empty(), "the mean of no values, expected some");
    const double period = period_of(statistic), turn = 2 * std::numbers::pi / period;
    double c = 0, s = 0, logs = 0;
    for (const double value : values) {
        c += elementary::cos(value * turn), s += elementary::sin(value * turn);
        logs += elementary::log2(value) / double(values.size());
    }
    if (period == 0) return elementary::pow(2, logs);
    const double mean = elementary::atan2(s, c) / turn;
    return mean < 0 ? mean + period : mean;
}

std::vector<Norms> world_norms(uint64_t seed, int64_t samples, int64_t size, const Stop& stop) {
    std::vector<std::vector<PictureStatistics>> measured(static_cast<size_t>(kPatterns));
    HostTensor picture({1, size, size, 3}), mask({1, size, size, 1});
    for (int pattern = 0; pattern < kPatterns; pattern++)
        for (int64_t i = 0; i < samples; i++) {
            stop.check();
            paint_pattern(seed, uint32_t(i), pattern, picture.view(), mask.view());
            // The mask of a figure cuts it out: its spectrum would be the mask's.
            measured[size_t(pattern)].push_back(is_figure(pattern) ? measure(picture) : measure(picture, mask));
        }
    std::vector<Norms> norms(static_cast<size_t>(kPatterns));
    for (const Statistic statistic : kStatistics) {
        std::vector<std::vector<double>> values(norms.size());
        std::vector<double> all;
        for (size_t k = 0; k < norms.size(); k++)
            for (const PictureStatistics& m : measured[k]) {
                values[k].push_back(value_of(statistic, m));
                all.push_back(values[k].back());
            }
        for (size_t k = 0; k < norms.size(); k++) {
            Norm& norm = norms[k][size_t(statistic)];
            norm.mean = mean_of(statistic, values[k]);
            norm.tolerance = nearest_percentile(distances(statistic, values[k], norm.mean), 95);
            const auto near = std::ranges::count_if(all, [&](double v) { return norm.accepts(statistic, v); });
            norm.defined = near * 2 <= int64_t(all.size());
        }
    }
    return norms;
}

std::vector<JudgedVisualisation> judge_pictures(const Net& net, const HostTensor& pictures, Stream& stream,
                                                const RunOptions& run) {
    const Shape s = pictures.shape;
    Section whole(net, "input", {1, s.h, s.w, s.c}, net.logits, stream, {.run = run});
    const HostTensor logits = whole.forward(pictures);
    std::vector<JudgedVisualisation> rows;
    for (int64_t i = 0; i < s.n; i++) {
        const float* z = logits.view().pixel(i, 0, 0);
        const float most = *std::max_element(z, z + logits.shape.c);
        double sum = 0;
        for (int64_t k = 0; k < logits.shape.c; k++) sum += elementary::exp(double(z[k]) - double(most));
        HostTensor picture({1, s.h, s.w, s.c});
        std::copy_n(pictures.values.begin() + i * picture.shape.size(), picture.shape.size(), picture.values.begin());
        rows.push_back({int(i), int(std::max_element(z, z + logits.shape.c) - z),
                        elementary::exp(double(z[i]) - double(most)) / sum, measure(picture)});
    }
    return rows;
}

VisualisationJudgement judge_visualisations(const Net& net, const VisualisationOptions& options, Stream& stream,
                                            const std::function<bool(int64_t, int64_t)>& watcher) {
    check_knows_world(net);
    VisualisationJudgement result;
    result.norms = world_norms(options.seed, options.samples, kWorldSize, stream.stop());
    std::vector<Objective> objectives;
    for (const std::string_view name : kPatternNames) objectives.push_back(parse_objective(concat("class:", name)));
    RenderOptions render_options;
    render_options.param.height = render_options.param.width = kWorldSize;
    render_options.steps = options.steps;
    render_options.batch = kPatterns;
    render_options.seed = options.seed;
    Renderer renderer(net, objectives, render_options, stream);
    Rendering rendering =
        renderer.run([&](const RenderProgress& p) { return !watcher || watcher(p.done, p.total); }, options.run);
    if (rendering.stopped) return result;
    result.pictures = std::move(rendering.images);
    result.rows = judge_pictures(net, result.pictures, stream, options.run);
    return result;
}

}  // namespace limpid
