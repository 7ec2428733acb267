// One optimisation whose pictures are mixtures of spectra: theta {pictures + groups} times a matrix of weights.
#include "viz/grid/grid.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/ops.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

constexpr uint32_t kDrawnPositions = 105;        // RandomKey::purpose
constexpr float kUnique = 0.7f, kShared = 0.5f;  // Lucid, ActivationGrid notebook

HostTensor rows(const HostTensor& matrix, const std::vector<int64_t>& which) {
    HostTensor result({1, 1, int64_t(which.size()), matrix.shape.c});
    for (size_t i = 0; i < which.size(); i++)
        std::copy_n(matrix.view().pixel(0, 0, which[i]), matrix.shape.c, result.view().pixel(0, 0, int64_t(i)));
    return result;
}

ImageParam icon_param(const Net& net, int64_t size) {
    ImageParam param = fitted(ImageParam(), net);
    param.height = param.width = size;
    return param;
}

// Pictures that are mixtures of the spectra theta {m,h,f,6}, each with its own direction in the layer. directions
// {1,1,pictures,c}; weights {1,1,pictures,m}. `batch` of them are updated at a time: their rows are fed.
Ascent::Form mixture_form(const Net& net, const std::string& layer_name, const HostTensor& directions,
                          const HostTensor& weights, int64_t batch, const GridOptions& options) {
    const ImageParam param = icon_param(net, options.size);
    const auto mixed = [param, shared = param.constants()](Graph& graph, NodeId theta, NodeId mix, int64_t count) {
        const Shape s = graph.shape(theta);
        const NodeId flat = ops::reshape(graph, theta, {1, 1, s.n, s.h * s.w * s.c});
        const NodeId spectra = ops::reshape(graph, ops::matmul(graph, mix, flat), {count, s.h, s.w, s.c});
        return decode(graph, param, spectra, shared, count);
    };
    const int64_t spectra = weights.shape.c, channels = directions.shape.c;
    const auto score = [&net, layer_name, mixed, batch, spectra, channels](StepGraph& g) {
        const NodeId mix = g.graph.input("weights", {1, 1, batch, spectra});
        const NodeId wanted = g.graph.input("directions", {batch, 1, 1, channels});
        g.inputs.nodes = {mix, wanted};
        const NodeId view = g.view(mixed(g.graph, g.theta, mix, batch));
        const NodeId product = ops::mul(g.graph, layer(net, apply(net, g.graph, view), layer_name), wanted);
        // The mean over positions of the sum over channels.
        return ops::affine(g.graph, ops::reduce(g.graph, Reduce::mean, {false, true, true, true}, product),
                           float(channels), 0);
    };
    const auto all = [mixed, weights](Graph& graph, NodeId theta) {
        return mixed(graph, theta, graph.constant(weights), weights.shape.w);
    };
    return {param, options.transforms, spectra, score, {all}, concat("an update of ", batch, " pictures")};
}

class Mixture {
  public:
    // first_job: number of the first spectrum's noise.
    Mixture(const Net& net, const std::string& layer_name, const HostTensor& directions, const HostTensor& weights,
            int64_t batch, const GridOptions& o, uint32_t first_job, Stream& stream)
        : directions_(directions),
          weights_(weights),
          work_(stream),
          ascent_(work_, mixture_form(net, layer_name, directions, weights, batch, o)) {
        slot_.options.adam = o.adam;
        slot_.options.seed = o.seed;
        if (o.groups > 0) slot_.options.redirected_relu_updates = 0;
        if (o.redirected_relu_updates) slot_.options.redirected_relu_updates = *o.redirected_relu_updates;
        ascent_.start(slot_, icon_param(net, o.size).initial(o.seed, first_job, weights.shape.c));
    }

    // One update of the drawn pictures; the mean of their scores.
    double update(const std::vector<int64_t>& drawn, const RunOptions& run_options) {
        slot_.fed = {rows(weights_, drawn), rows(directions_, drawn)};
        ascent_.step(slot_, run_options);
        const HostTensor scores = download(work_.stream, ascent_.scores());
        return std::accumulate(scores.values.begin(), scores.values.end(), 0.0) / double(scores.shape.n);
    }
    HostTensor pictures() { return ascent_.decode(slot_); }

  private:
    HostTensor directions_, weights_;
    Workspace work_;
    Ascent ascent_;
    Ascent::Slot slot_;
};

std::vector<double> norms_of(const HostTensor& directions) {
    std::vector<double> norms;
    for (int64_t n = 0; n < directions.shape.w; n++) {
        double sum = 0;
        for (int64_t c = 0; c < directions.shape.c; c++) sum += std::pow(double(directions.at(0, 0, n, c)), 2);
        norms.push_back(std::sqrt(sum));
    }
    return norms;
}

// [0.7 identity, 0.5 maps / their largest values]
HostTensor shared_weights(const Groups& groups, int64_t pictures) {
    const int64_t k = groups.count();
    HostTensor weights({1, 1, pictures, pictures + k});
    for (int64_t j = 0; j < k; j++) {
        float most = 0;
        for (int64_t n = 0; n < pictures; n++) most = std::max(most, groups.spatial.values[size_t(n * k + j)]);
        for (int64_t n = 0; n < pictures && most > 0; n++)
            weights.at(0, 0, n, pictures + j) = kShared * groups.spatial.values[size_t(n * k + j)] / most;
    }
    for (int64_t n = 0; n < pictures; n++) weights.at(0, 0, n, n) = kUnique;
    return weights;
}

HostTensor identity(int64_t n) {
    HostTensor result({1, 1, n, n});
    for (int64_t i = 0; i < n; i++) result.at(0, 0, i, i) = 1;
    return result;
}

// Progress of several optimisations as one.
struct Watched {
    const RenderWatcher& watcher;
    int64_t total = 0, done = 0;
    bool stopped = false;
    double score = 0;
    // Reports the score that the update answers. An update that is stopped did not happen, and the watcher is asked
    // once more, so that it knows; of the first one nothing is kept.
    template <class Update>
    void run(const Update& update) {
        try {
            score = update();
            done++;
            stopped = watcher && !watcher({done, total, score});
        } catch (const Stopped&) {
            if (done == 0) throw;
            if (watcher) watcher({done, total, score});
            stopped = true;
        }
    }
};

// Icons and the floats of spectra that are held at once, with Adam's two and the gradient, on the host twice more.
size_t grid_bytes(const Net& net, const GridOptions& o, int64_t pictures) {
    const int64_t spectra = o.groups == 0 ? std::min(o.batch, pictures) : pictures + o.groups;
    const int64_t weights = o.groups == 0 ? 0 : 3 * pictures * spectra;
    return size_t(6 * icon_param(net, o.size).theta(spectra).size() + weights +
                  3 * pictures * o.size * o.size * net.image().c) *
           sizeof(float);
}

HostTensor crop_margin(const HostTensor& icons, int64_t margin) {
    return crop_centre(icons.view(), icons.shape.h - 2 * margin, icons.shape.w - 2 * margin);
}

void check(const GridOptions& o, const HostTensor& activations) {
    require(activations.shape.n == 1, "a grid of ", activations.shape, ", expected the activations of one image");
    if (o.steps < 0 || o.batch < 1 || o.margin < 0 || o.size < 8 || o.size <= 2 * o.margin || o.groups < 0)
        throw UsageError(concat("grid: steps ", o.steps, ", batch ", o.batch, ", icons of ", o.size,
                                " with a margin of ", o.margin, ", ", o.groups,
                                " groups; expected at least 0, 1, 8 and more than two margins, 0"));
}

}  // namespace

ActivationGrid activation_grid(const Net& net, const std::string& layer, const HostTensor& activations,
                               const GridOptions& options, Stream& stream, const RenderWatcher& watcher,
                               const RunOptions& run_options) {
    check(options, activations);
    const Shape s = activations.shape;
    const int64_t count = s.h * s.w, updates = options.steps + 1;
    const char* const advice = "a smaller picture, smaller icons (--size) or --groups 0 need less";
    check_memory(stream, grid_bytes(net, options, count), concat("a grid of ", count, " pictures"), advice);
    const HostTensor directions({1, 1, count, s.c}, activations.values);
    ActivationGrid grid;
    grid.rows = s.h, grid.columns = s.w;
    grid.norms = norms_of(directions);
    const bool naive = options.groups == 0;
    HostTensor icons({count, options.size, options.size, net.image().c});
    if (naive) {
        const int64_t passes = (count + options.batch - 1) / options.batch;
        Watched watched{watcher, passes * updates};
        grid.scores.assign(size_t(updates), 0);
        for (int64_t first = 0; first < count && !watched.stopped; first += options.batch) {
            const int64_t n = std::min(options.batch, count - first);
            const auto begin = activations.values.begin() + first * s.c;
            const HostTensor some({1, 1, n, s.c}, std::vector<float>(begin, begin + n * s.c));
            Mixture mixture(net, layer, some, identity(n), n, options, uint32_t(first), stream);
            std::vector<int64_t> all(static_cast<size_t>(n));
            std::iota(all.begin(), all.end(), 0);
            for (int64_t step = 0; step < updates && !watched.stopped; step++) {
                watched.run([&] {
                    const double score = mixture.update(all, run_options);
                    grid.scores[size_t(step)] += float(score * double(n) / double(count));
                    return score;
                });
            }
            std::ranges::copy(mixture.pictures().values,
                              icons.values.begin() + first * icons.shape.h * icons.shape.w * icons.shape.c);
        }
    } else {
        Watched watched{watcher, updates};
        check_memory(stream, groups_bytes(s, options.groups), concat("groups of ", count, " positions"), advice);
        const Groups groups = find_groups(activations, options.groups, GroupOrder::none, {.stop = stream.stop()});
        Mixture mixture(net, layer, directions, shared_weights(groups, count), options.batch, options, 0, stream);
        for (int64_t step = 0; step < updates && !watched.stopped; step++) {
            std::vector<int64_t> drawn;
            for (int64_t i = 0; i < options.batch; i++)
                drawn.push_back(random_below({options.seed, 0, uint32_t(step), kDrawnPositions}, i, int(count)));
            watched.run([&] {
                grid.scores.push_back(float(mixture.update(drawn, run_options)));
                return double(grid.scores.back());
            });
        }
        icons = mixture.pictures();
    }
    grid.icons = crop_margin(icons, options.margin);
    return grid;
}

HostTensor group_icons(const Net& net, const std::string& layer, const Groups& groups, int64_t size, int64_t steps,
                       uint64_t seed, Stream& stream, const RenderWatcher& watcher, const RunOptions& run_options) {
    // The very naive grid of the groups' mixes of channels, as if they were activations.
    GridOptions options;
    options.groups = options.margin = 0;
    options.size = size, options.steps = steps, options.batch = groups.count(), options.seed = seed;
    return activation_grid(net, layer, groups.channel, options, stream, watcher, run_options).icons;
}

HostTensor grid_picture(const ActivationGrid& grid) {
    std::vector<ConstView> cells;
    for (int64_t n = 0; n < grid.icons.shape.n; n++) cells.push_back(grid.icons.view().image(n));
    return tile(cells, grid.columns, 0);
}

HostTensor magnitude_picture(const ActivationGrid& grid, MagnitudeScale scale) {
    const int64_t cell = grid.icons.shape.h;
    const double most = *std::ranges::max_element(grid.norms);
    std::vector<HostTensor> cells;
    for (int64_t n = 0; n < grid.icons.shape.n; n++) {
        const double size = most > 0 ? grid.norms[size_t(n)] / most : 0;
        const double share = scale == MagnitudeScale::article ? 0.22 + 0.70 * size * size : std::sqrt(size);
        const auto side = std::clamp<int64_t>(std::llround(share * double(cell)), 0, cell);
        HostTensor picture({1, cell, cell, 4});
        if (side > 0) {
            const HostTensor small = resize(grid.icons.view().image(n), side, side);
            const int64_t edge = (cell - side) / 2;
            for (int64_t y = 0; y < side; y++)
                for (int64_t x = 0; x < side; x++) {
                    std::copy_n(small.view().pixel(0, y, x), 3, picture.view().pixel(0, edge + y, edge + x));
                    picture.at(0, edge + y, edge + x, 3) = 1;
                }
        }
        cells.push_back(std::move(picture));
    }
    std::vector<ConstView> views;
    for (const HostTensor& c : cells) views.push_back(c.view());
    return tile(views, grid.columns, 0, 0);
}

}  // namespace limpid
