// Many pictures at once: each image of a batch has its own objective, seed and step; what is finished makes room for
// the next.
//
// A picture's bits are those of rendering it alone (render.h). For that, an update of a batch takes only pictures whose
// next update has the same shapes: the same form of objective, parameterisation and random scale. Pictures of the same
// seed that start together draw the same scales and so stay together. Where the pictures at work do not fill a batch,
// because they started at different times, more are taken to work, and each update takes the largest group that agrees.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "viz/render/render.h"

namespace limpid {

struct Job {
    std::string name;  // of its files; unique among the jobs of a run
    Objective objective;
    // first_job is the picture's number. batch is 1, except for an objective that compares the images of its batch.
    RenderOptions options;
};

struct FinishedJob {
    const Job* job = nullptr;
    std::string error;                     // empty: the picture is good
    HostTensor images;                     // {options.batch, h, w, 3}, RGB in [0,1]
    std::vector<float> scores;             // before each update; the mean of several images
    double seconds = 0;                    // its share of the time: that of each update divided by the pictures in it
    std::vector<HostTensor> history = {};  // images at each of the options' thresholds
};

// Whether the images of a job depend on each other, so that an update is of one job alone.
bool is_joint(const Job& job);
// What decides the memory that a job takes, as text: the form of its objective, sizes, parameterisation, transforms.
std::string job_kind(const Job& job);

class BatchRenderer {
  public:
    // batch: the most pictures per update. net and stream must outlive the renderer.
    BatchRenderer(const Net& net, Stream& stream, int64_t batch);
    ~BatchRenderer();

    // What jobs like this one take with `batch` pictures, in bytes of the device: memory of all plans and variables,
    // prepared constants of this and of the jobs before. Takes nothing of it but the constants. Throws Error where
    // objective and network do not fit.
    size_t device_bytes(const Job& job, int64_t batch);
    using NextJob = std::function<const Job*()>;                 // null: no more
    using TakeFinished = std::function<void(FinishedJob&&)>;     // in order of completion
    using KeepGoing = std::function<bool(int64_t image_steps)>;  // after every update: how many images it advanced
    // Renders until next_job has no more and all are finished, or until keep_going says no: then what is unfinished is
    // dropped. A job that cannot be rendered, or whose score is no longer finite, is finished with an error; the others
    // go on.
    void run(const NextJob& next_job, const TakeFinished& finished, const KeepGoing& keep_going = {},
             const RunOptions& run_options = {});

  private:
    struct Form;
    struct AtWork;
    using Pictures = std::vector<std::unique_ptr<AtWork>>;

    Form& form_of(const Job& job);
    std::unique_ptr<AtWork> start(const Job& job);
    std::vector<AtWork*> largest_group(const Pictures& pictures) const;
    void update(const std::vector<AtWork*>& group, const RunOptions& run_options);

    const Net& net_;
    Stream& stream_;
    int64_t batch_;
    Workspace work_;
    std::map<std::string, std::unique_ptr<Form>> forms_;
};

}  // namespace limpid
