// A loop of steps: scores are fetched when there are several, pictures at thresholds and at the end.
#include "viz/render/render.h"

#include <algorithm>
#include <numeric>

namespace limpid {

namespace {

Ascent::Form form_of(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options) {
    return render_form(
        net, options, [objectives](int64_t) { return objectives; }, false);
}

}  // namespace

void check_objectives(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options,
                      Stream& stream) {
    Workspace work(stream);
    const RenderOptions fits = fitted(options, net);
    const Ascent ascent(work, form_of(net, objectives, fits));
    for (const std::vector<int>& scales : all_scales(fits.transforms, fits.param.height, fits.param.width))
        ascent.graph(1, scales);
}

Renderer::Renderer(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options,
                   Stream& stream)
    : options_(fitted(options, net)),
      work_(stream),
      ascent_(work_, form_of(net, objectives, options_)),
      need_(ascent_.plan_all(1, options.redirected_relu_updates > 0)),
      typical_(&ascent_.typical_plan(1)),
      score_(typical_->outputs[0]),
      ahead_(CapturedWork::possible(stream) ? 16 : 1) {
    std::ranges::sort(options_.thresholds);
}

size_t Renderer::device_bytes() const {
    const int64_t floats = (options_.optimiser ? 2 : 4) * ascent_.theta().size() + (1 + ahead_) * score_.n;
    return need_.arena + need_.block + need_.pictures + 2 * need_.memory + work_.constants.size_bytes() +
           size_t(floats) * sizeof(float);
}

void Renderer::reserve() {
    if (slot_) return;
    ascent_.check_memory(device_bytes() + need_.pictures);
    slot_.emplace().options = options_;
    ascent_.start(*slot_, initial_variables(options_));
    scores_ = DeviceTensor(work_.stream.device(), {ahead_, 1, 1, score_.n});
    ascent_.reserve();
}

void Renderer::update(int64_t step, const RunOptions& run_options) {
    reserve();
    slot_->step = step;
    ascent_.step(*slot_, run_options);
}

Rendering Renderer::run(const RenderWatcher& watcher, const RunOptions& run_options) {
    Rendering result;
    result.device_bytes = device_bytes();
    const int64_t total = options_.updates();
    while (result.updates < total && !result.stopped) {
        const int64_t first = result.updates;
        const auto kept = std::ranges::lower_bound(options_.thresholds, first);
        const bool keeps = kept != options_.thresholds.end();
        int64_t count = 0;
        try {
            for (const int64_t most = std::min(ahead_, (keeps ? *kept + 1 : total) - first); count < most; count++) {
                update(first + count, run_options);
                work_.stream.backend().kernels.layout.copy_box(work_.stream, score_, {}, {}, ascent_.scores(),
                                                               {scores_.view().pixel(count, 0, 0), score_});
            }
        } catch (const Stopped&) {  // within an update, which then changed nothing
            if (first + count == 0) throw;
            result.stopped = true;
        }
        const HostTensor scores = download(work_.stream, scores_.view());
        result.updates += count;
        if (keeps && *kept == result.updates - 1) result.history.push_back(ascent_.decode(*slot_));
        for (int64_t i = 0; i < count; i++) {
            const auto begin = scores.values.begin() + i * score_.n;
            result.scores.emplace_back(begin, begin + score_.n);
            const double sum = std::accumulate(begin, begin + score_.n, 0.0);
            if (watcher && !watcher({first + i + 1, total, sum / double(score_.n)}))
                result.stopped = result.updates < total;
        }
    }
    result.images = ascent_.decode(*slot_);
    if (options_.param.texture) result.textures = ascent_.decode(*slot_, 1);
    return result;
}

}  // namespace limpid
