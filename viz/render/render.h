// Feature visualisation by optimisation: the loop of Lucid's render_vis.
#pragma once

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "nets/net.h"
#include "viz/render/ascent.h"

namespace limpid {

struct RenderOptions : AscentOptions {
    ImageParam param;
    Transforms transforms = standard_transforms();
    // Lucid's thresholds: the picture is taken after update max(threshold) + 1, since its loop counts from 0 and
    // includes the end.
    int64_t steps = 512;
    std::vector<int64_t> thresholds;  // earlier ones whose pictures are kept too
    int64_t batch = 1;                // pictures of the same objective, numbered from first_job
    HostTensor start;                 // a picture {1,h,w,3 or 4} to start from; none: random
    // Images {r,h,w,c} before the batch that stay as they are: what objectives compare with (dot_compare,
    // style_difference). They are images 0..r-1 of the objective.
    HostTensor references;

    int64_t updates() const { return std::max(steps, thresholds.empty() ? 0 : std::ranges::max(thresholds)) + 1; }
};

// What renders optimise: pictures of a parameterisation, seen by a network, scored by objectives. objectives_of(count):
// one for all pictures of a slot, or one for each; or, fed, one for each of `count` slots, all of one form, whose
// differences are StepGraph::inputs. Picture 0: the images; 1: their textures, where they are views of textures. net
// must outlive the form. Throws UsageError where the options contradict each other.
using ObjectivesOf = std::function<std::vector<Objective>(int64_t count)>;
Ascent::Form render_form(const Net& net, const RenderOptions& options, ObjectivesOf objectives_of, bool fed);
// With a parameterisation that fits the network (viz/param/param.h).
RenderOptions fitted(RenderOptions options, const Net& net);
// Throws the Errors of a Renderer about what the objectives ask of the network, at every size of the transforms, without
// its plans.
void check_objectives(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options,
                      Stream& stream);
// What the options start from.
HostTensor initial_variables(const RenderOptions& options);

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

// An ascent of one slot: the batch.
class Renderer {
  public:
    // Makes every plan; throws Error when layer, channel, class or size do not fit. net must outlive the renderer.
    Renderer(const Net& net, const Objective& objective, const RenderOptions& options, Stream& stream)
        : Renderer(net, std::vector{objective}, options, stream) {}
    // One objective for each picture of the batch, all of the same form; none of them with references.
    Renderer(const Net& net, const std::vector<Objective>& objectives, const RenderOptions& options, Stream& stream);

    // What run() will use, in bytes: arena, variables, prepared constants.
    size_t device_bytes() const;
    // The plan of an unscaled step after the redirected phase.
    const Plan& typical_plan() const { return *typical_; }
    // Takes the memory, which the first update does otherwise; throws Error where the stream does not allow it.
    void reserve();

    Rendering run(const RenderWatcher& watcher = {}, const RunOptions& run_options = {});
    // One update at the given step (for benchmarks); on a GPU it is queued, and the score stays there.
    void update(int64_t step, const RunOptions& run_options = {});

  private:
    RenderOptions options_;
    Workspace work_;
    Ascent ascent_;
    Ascent::Need need_;
    const Plan* typical_;
    Shape score_;
    int64_t ahead_;                     // updates that a GPU is given at once, before the host waits for their scores
    std::optional<Ascent::Slot> slot_;  // once memory is taken
    DeviceTensor scores_;               // of `ahead` updates
};

inline Rendering render(const Net& net, const Objective& objective, const RenderOptions& options, Stream& stream,
                        const RenderWatcher& watcher = {}) {
    return Renderer(net, objective, options, stream).run(watcher);
}

}  // namespace limpid
