// Feature visualisation by optimisation: the loop of Lucid's render_vis.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "graph/run.h"
#include "kernels/adam/adam.h"
#include "kernels/captured_work.h"
#include "nets/net.h"
#include "viz/objective/objective.h"
#include "viz/param/param.h"
#include "viz/render/optimiser.h"
#include "viz/transform/transform.h"

namespace limpid {

struct RenderOptions {
    ImageParam param;
    Transforms transforms = standard_transforms();
    AdamParameters adam;
    Optimiser optimiser;  // none: Adam
    // Lucid's thresholds: the picture is taken after update max(threshold) + 1, since its loop counts from 0 and
    // includes the end.
    int64_t steps = 512;
    std::vector<int64_t> thresholds;  // earlier ones whose pictures are kept too
    int64_t batch = 1;                // pictures of the same objective, numbered from first_job
    uint32_t first_job = 0;
    uint64_t seed = 0;
    int64_t redirected_relu_updates = 17;  // Lucid: global steps 0..16; 0 turns the override off
    HostTensor start;                      // a picture {1,h,w,3 or 4} to start from; none: random
    // Images {r,h,w,c} in front of the batch that stay as they are: what objectives compare with (dot_compare,
    // style_difference). They are images 0..r-1 of the objective.
    HostTensor references;
};

// Throws UsageError where the optimiser's rules need pixels and the variables are none.
void check_optimiser(const RenderOptions& options);

struct RenderProgress {
    int64_t done = 0, total = 0;  // updates
    double score = 0;             // mean over the batch, of the last update's transformed views
};
// Called after each update; false stops the render, which then returns what there is. A GPU works ahead: it may be a
// few updates further by then, and they count. The stream's own stop ends the render within an update, which then does
// not count; where it is the first one, Stopped is thrown.
using RenderWatcher = std::function<bool(const RenderProgress&)>;

struct Rendering {
    HostTensor images;                // {batch, h, w, c}, in [0,1] where the parameterisation is, not transformed
    HostTensor textures;              // {batch, size, size, c}, where the images are views of textures
    std::vector<HostTensor> history;  // the same at each of the options' thresholds that was reached
    // [update][picture], or [update][0] where the objective has one score for the batch: before the update, of the
    // transformed view (Lucid's printed value).
    std::vector<std::vector<float>> scores;
    int64_t updates = 0;
    bool stopped = false;
    size_t device_bytes = 0;
};

// The plans of a render, one per size that the transforms produce and per ReLU gradient, and the memory they share.
class Renderer {
  public:
    // Makes every plan; throws Error when layer, channel, class or size do not fit.
    Renderer(const Net& net, const Objective& objective, const RenderOptions& options, Stream& stream)
        : Renderer(net, std::vector{objective}, options, stream) {}
    // One objective for each picture of the batch, all of the same form.
    Renderer(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options, Stream& stream);

    // What run() will use, in bytes: arena, variables, prepared constants.
    size_t device_bytes() const;
    // The plan of an unscaled step behind the redirected phase.
    const Plan& typical_plan() const;

    Rendering run(const RenderWatcher& watcher = {}, const RunOptions& run_options = {});
    // One update at the given step (for benchmarks); on a GPU it is queued, and the score stays there.
    void update(int64_t step, const RunOptions& run_options = {});

  private:
    const Plan& plan_for(int64_t step, const std::vector<int>& scales) const;
    size_t tensor_bytes(Shape theta) const;
    void upload_changes(int64_t step);
    HostTensor decode_images() { return decode_by(decode_plan_, images_); }
    HostTensor decode_by(const Plan& plan, const DeviceTensor& images);
    void redraw_samples(int64_t step);
    void ascend_by_gradient(int64_t step);

    RenderOptions options_;
    Stream& stream_;
    ConstantStore constants_;
    std::vector<std::vector<int>> scales_;
    std::vector<Plan> plain_, redirected_;  // by index of scales_
    Plan decode_plan_, texture_plan_;       // the latter empty where there is no texture
    Buffer arena_;
    DeviceTensor theta_, gradient_, m_, v_, score_, scores_, images_, textures_;
    std::vector<DeviceTensor> memory_, next_memory_;  // of the objective
    std::vector<ImageParam::Redrawn> redrawn_;
    // What changes from update to update, in one block: the knobs, the number of the update where the objective depends
    // on it, Adam's rate.
    DeviceTensor changes_;
    std::vector<float> next_changes_;
    std::vector<size_t> knob_places_;
    bool uses_step_ = false;
    // Refilled by each update, which allocates nothing.
    TransformSample draw_;
    std::vector<ConstView> inputs_;
    std::vector<MutView> outputs_;
    // On a GPU: the update by each plan, recorded when it is needed for the second time. Empty after the first.
    std::map<const Plan*, CapturedWork> recorded_;
};

inline Rendering render(const Net& net, const Objective& objective, const RenderOptions& options, Stream& stream,
                        const RenderWatcher& watcher = {}) {
    return Renderer(net, objective, options, stream).run(watcher);
}

}  // namespace limpid
