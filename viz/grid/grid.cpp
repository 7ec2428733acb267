// One optimisation whose pictures are mixtures of spectra: theta {pictures + groups} times a matrix of weights.
#include "viz/grid/grid.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "graph/grad.h"
#include "graph/ops.h"
#include "graph/vjp_overrides.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "viz/image/image.h"

namespace limpid {

namespace {

constexpr uint32_t kDrawnPositions = 105;        // RandomKey::purpose
constexpr float kUnique = 0.7f, kShared = 0.5f;  // Lucid, ActivationGrid notebook
constexpr int64_t kRedirectedUpdates = 17;       // render.h

// Pictures that are mixtures of the spectra theta {m,h,f,6}, each with its own direction in the layer.
class Mixture {
  public:
    // directions {1,1,pictures,c}; weights {1,1,pictures,m}. first_job: number of the first spectrum's noise.
    Mixture(const Net& net, const std::string& layer_name, const HostTensor& directions, const HostTensor& weights,
            int64_t batch, const GridOptions& options, uint32_t first_job, Stream& stream)
        : net_(net),
          layer_(layer_name),
          directions_(directions),
          weights_(weights),
          batch_(batch),
          options_(options),
          stream_(stream),
          constants_(stream) {
        param_.height = param_.width = options.size;
        param_constants_ = param_.constants();
        const HostTensor start = param_.initial(options.seed, first_job, weights.shape.c);
        theta_ = DeviceTensor(stream, start);
        m_ = DeviceTensor(stream, HostTensor(start.shape));
        v_ = DeviceTensor(stream, HostTensor(start.shape));
        gradient_ = DeviceTensor(stream.device(), start.shape);
        score_ = DeviceTensor(stream.device(), {batch, 1, 1, 1});
    }

    // One update of the drawn pictures, `batch` of them; the mean of their scores.
    double update(int64_t step, const std::vector<int64_t>& drawn, bool redirected) {
        const TransformSample draw =
            sample(options_.transforms, options_.size, options_.size, options_.seed, uint32_t(step));
        const Plan& plan = plan_for(draw.scales, redirected);
        std::vector<DeviceTensor> given;
        given.emplace_back(stream_, rows(weights_, drawn));
        HostTensor wanted = rows(directions_, drawn);
        wanted.shape = {batch_, 1, 1, directions_.shape.c};
        given.emplace_back(stream_, wanted);
        for (const std::vector<float>& knob : draw.knobs)
            given.emplace_back(stream_, HostTensor({1, 1, 1, int64_t(knob.size())}, knob));
        given.emplace_back(stream_, HostTensor({1, 1, 1, 1}, float(adam_rate(options_.adam, step + 1))));
        std::vector<ConstView> inputs{theta_.view()};
        for (size_t i = 0; i + 1 < given.size(); i++) inputs.push_back(given[i].view());
        const MutView outputs[] = {score_.view(), gradient_.view()};
        run(plan, stream_, inputs, outputs, arena_.scratch());
        stream_.backend().kernels.adam.step(stream_, options_.adam, given.back().buffer.floats(), theta_.shape.size(),
                                            gradient_.buffer.floats(), theta_.buffer.floats(), m_.buffer.floats(),
                                            v_.buffer.floats());
        const HostTensor scores = download(stream_, score_.view());
        return std::accumulate(scores.values.begin(), scores.values.end(), 0.0) / double(batch_);
    }

    // Also where a stop is asked for.
    HostTensor pictures() {
        const FinishWork finish(stream_);
        Graph graph;
        const NodeId theta = graph.input("theta", theta_.shape);
        const NodeId images = mixed_images(graph, theta, graph.constant(weights_), weights_.shape.w);
        return evaluate(graph, {images}, stream_, {download(stream_, theta_.view())})[0];
    }

  private:
    static HostTensor rows(const HostTensor& matrix, const std::vector<int64_t>& which) {
        HostTensor result({1, 1, int64_t(which.size()), matrix.shape.c});
        for (size_t i = 0; i < which.size(); i++)
            std::copy_n(matrix.view().pixel(0, 0, which[i]), matrix.shape.c, result.view().pixel(0, 0, int64_t(i)));
        return result;
    }

    NodeId mixed_images(Graph& graph, NodeId theta, NodeId weights, int64_t count) const {
        const Shape s = theta_.shape;
        const NodeId flat = ops::reshape(graph, theta, {1, 1, s.n, s.h * s.w * s.c});
        const NodeId spectra = ops::reshape(graph, ops::matmul(graph, weights, flat), {count, s.h, s.w, s.c});
        return decode(graph, param_, spectra, param_constants_, count);
    }

    const Plan& plan_for(const std::vector<int>& scales, bool redirected) {
        const auto key = std::pair{scales, redirected};
        if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
        Graph graph;
        const NodeId theta = graph.input("theta", theta_.shape);
        const NodeId weights = graph.input("weights", {1, 1, batch_, weights_.shape.c});
        const NodeId directions = graph.input("directions", {batch_, 1, 1, directions_.shape.c});
        const Transformed view =
            transform(graph, options_.transforms, scales, mixed_images(graph, theta, weights, batch_));
        const NodeId product = ops::mul(graph, layer(net_, apply(net_, graph, view.image), layer_), directions);
        // The mean over positions of the sum over channels.
        const NodeId score = ops::affine(graph, ops::reduce(graph, Reduce::mean, {false, true, true, true}, product),
                                         float(directions_.shape.c), 0);
        const NodeId gradient = grad(graph, score, {theta}, redirected ? redirected_relu() : VjpOverrides{})[0];
        const Plan& plan = plans_.emplace(key, make_plan(graph, {score, gradient}, constants_)).first->second;
        check_memory(stream_, plan.arena_bytes + constants_.size_bytes(), concat("an update of ", batch_, " pictures"),
                     "a smaller --batch or --size needs less");
        if (plan.arena_bytes > arena_.size_bytes()) arena_ = Buffer(stream_.device(), plan.arena_bytes);
        return plan;
    }

    const Net& net_;
    std::string layer_;
    HostTensor directions_, weights_;
    int64_t batch_;
    const GridOptions& options_;
    Stream& stream_;
    ConstantStore constants_;
    ImageParam param_;
    std::shared_ptr<const ParamConstants> param_constants_;
    DeviceTensor theta_, m_, v_, gradient_, score_;
    std::map<std::pair<std::vector<int>, bool>, Plan> plans_;
    Buffer arena_;
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
size_t grid_bytes(const GridOptions& o, int64_t pictures) {
    const int64_t spectra = o.groups == 0 ? std::min(o.batch, pictures) : pictures + o.groups;
    ImageParam param;
    param.height = param.width = o.size;
    const int64_t weights = o.groups == 0 ? 0 : 3 * pictures * spectra;
    return size_t(6 * param.theta(spectra).size() + weights + 3 * pictures * o.size * o.size * 3) * sizeof(float);
}

HostTensor crop_margin(const HostTensor& icons, int64_t margin) {
    return crop_centre(icons.view(), icons.shape.h - 2 * margin, icons.shape.w - 2 * margin);
}

void check(const GridOptions& o, const HostTensor& activations) {
    CHECK(activations.shape.n == 1, activations.shape);
    if (o.steps < 0 || o.batch < 1 || o.margin < 0 || o.size < 8 || o.size <= 2 * o.margin || o.groups < 0)
        throw UsageError(concat("grid: steps ", o.steps, ", batch ", o.batch, ", icons of ", o.size,
                                " with a margin of ", o.margin, ", ", o.groups,
                                " groups; expected at least 0, 1, 8 and more than two margins, 0"));
}

}  // namespace

ActivationGrid activation_grid(const Net& net, const std::string& layer, const HostTensor& activations,
                               const GridOptions& options, Stream& stream, const RenderWatcher& watcher) {
    check(options, activations);
    const Shape s = activations.shape;
    const int64_t count = s.h * s.w, updates = options.steps + 1;
    const char* const advice = "a smaller picture, smaller icons (--size) or --groups 0 need less";
    check_memory(stream, grid_bytes(options, count), concat("a grid of ", count, " pictures"), advice);
    const HostTensor directions({1, 1, count, s.c}, activations.values);
    ActivationGrid grid;
    grid.rows = s.h, grid.columns = s.w;
    grid.norms = norms_of(directions);
    const bool naive = options.groups == 0;
    const int64_t redirected = options.redirected_relu_updates >= 0 ? options.redirected_relu_updates
                               : naive                              ? kRedirectedUpdates
                                                                    : 0;
    HostTensor icons({count, options.size, options.size, 3});
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
                    const double score = mixture.update(step, all, step < redirected);
                    grid.scores[size_t(step)] += float(score * double(n) / double(count));
                    return score;
                });
            }
            std::ranges::copy(mixture.pictures().values,
                              icons.values.begin() + first * icons.shape.h * icons.shape.w * 3);
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
                grid.scores.push_back(float(mixture.update(step, drawn, step < redirected)));
                return double(grid.scores.back());
            });
        }
        icons = mixture.pictures();
    }
    grid.icons = crop_margin(icons, options.margin);
    return grid;
}

HostTensor group_icons(const Net& net, const std::string& layer, const Groups& groups, int64_t size, int64_t steps,
                       uint64_t seed, Stream& stream, const RenderWatcher& watcher) {
    // The very naive grid of the groups' mixes of channels, as if they were activations.
    GridOptions options;
    options.groups = options.margin = 0;
    options.size = size, options.steps = steps, options.batch = groups.count(), options.seed = seed;
    return activation_grid(net, layer, groups.channel, options, stream, watcher).icons;
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
