// A form is an ascent that pictures share; each update takes a group of the pictures at work.
#include "viz/batch/batch_renderer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <span>
#include <tuple>

#include "kernels/error.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

// How many batches may be at work, so that a full one can be found among pictures that started at different times.
constexpr int64_t kBatchesAtWork = 4;

}  // namespace

bool is_joint(const Job& job) {
    return job.options.batch != 1 || !per_image(job.objective) || !job.options.param.per_image() ||
           !job.options.references.values.empty();
}

std::string job_kind(const Job& job) {
    const RenderOptions& o = job.options;
    return concat(form(job.objective), "|", o.param.height, "x", o.param.width, "|", to_string(o.param), "|",
                  to_string(o.transforms), "|", o.batch, "|", o.references.shape);
}

struct BatchRenderer::Form {
    bool joint;           // the images of a job have one score: one job per update
    Objective objective;  // of a picture that a graph is built for: others of the form are fed
    Ascent ascent;

    Form(const Net& net, Workspace& work, const Job& job)
        : joint(is_joint(job)),
          ascent(work, render_form(
                           net, job.options, [this](int64_t n) { return std::vector(size_t(n), objective); }, !joint)) {
    }
};

// A picture at work.
struct BatchRenderer::AtWork {
    const Job& job;
    Form& form;
    Ascent::Slot slot{job.options};
    // What its objective is fed with at each scale: a position is another pixel of a larger layer.
    std::map<std::vector<int>, std::vector<HostTensor>> fed{};
    FinishedJob result{&job, "", {}, {}, 0};

    bool finished() const { return !result.error.empty() || slot.step == job.options.updates(); }
    // Finds what does not exist, and what the objective feeds.
    void prepare_next() {
        form.ascent.draw(slot);
        const auto [values, first] = fed.try_emplace(slot.draw.scales);
        form.objective = job.objective;
        if (first && (!form.joint || slot.step == 0))
            values->second = form.ascent.graph(1, slot.draw.scales).inputs.values;
        slot.fed = values->second;
    }
};

BatchRenderer::BatchRenderer(const Net& net, Stream& stream, int64_t batch)
    : net_(net), stream_(stream), batch_(batch), work_(stream) {
    require(batch >= 1, "a batch of ", batch, ", expected at least 1");
}

BatchRenderer::~BatchRenderer() = default;

BatchRenderer::Form& BatchRenderer::form_of(const Job& job) {
    // What decides the graph; a joint objective shares its plans with nobody but itself.
    std::string key = job_kind(job);
    const HostTensor& references = job.options.references;
    if (is_joint(job))
        key += concat("|", to_string(job.objective), "|", sha256_of(std::as_bytes(std::span(references.values))));
    std::unique_ptr<Form>& found = forms_[key];
    if (!found) found = std::make_unique<Form>(net_, work_, job);
    return *found;
}

std::unique_ptr<BatchRenderer::AtWork> BatchRenderer::start(const Job& job) {
    std::unique_ptr<AtWork> work(new AtWork{job, form_of(job)});
    work->prepare_next();
    work->form.ascent.start(work->slot, initial_variables(job.options));
    return work;
}

size_t BatchRenderer::device_bytes(const Job& job, int64_t batch) {
    AtWork probe{job, form_of(job)};
    probe.prepare_next();
    Form& form = probe.form;
    const RenderOptions& o = job.options;
    const int64_t count = form.joint ? 1 : batch, images = count * o.batch;
    const Ascent::Need need = form.ascent.plan_all(count, o.redirected_relu_updates > 0);
    form.ascent.forget_plans();
    // Variables, gradient, Adam's two, once in the batch and once in the pictures at work; scores, rates; pictures.
    const int64_t floats =
        (2 + 3 * kBatchesAtWork) * form.ascent.theta(count).size() + images + count + o.param.image(o.batch).size();
    return need.arena + need.fed + 2 * need.memory + size_t(floats) * sizeof(float) + work_.constants.size_bytes();
}

// What the next update takes: as many as agree on form and shapes, at most a batch; among groups of the same size the
// one with the job that started first.
std::vector<BatchRenderer::AtWork*> BatchRenderer::largest_group(const Pictures& pictures) const {
    using Key = std::tuple<Form*, bool, std::vector<int>>;
    const auto key = [](const AtWork& one) { return Key{&one.form, one.slot.redirected(), one.slot.draw.scales}; };
    std::map<Key, std::vector<AtWork*>> groups;
    const std::vector<AtWork*>* best = nullptr;
    const auto most = [&](const std::vector<AtWork*>& group) {
        return group[0]->form.joint ? batch_ : std::min(int64_t(group.size()), batch_);
    };
    for (const std::unique_ptr<AtWork>& one : pictures) groups[key(*one)].push_back(one.get());
    for (const std::unique_ptr<AtWork>& one : pictures) {
        const std::vector<AtWork*>& group = groups[key(*one)];
        if (!best || most(group) > most(*best)) best = &group;
    }
    if (!best) return {};
    const int64_t count = (*best)[0]->form.joint ? 1 : most(*best);
    return {best->begin(), best->begin() + count};
}

void BatchRenderer::update(const std::vector<AtWork*>& group, const RunOptions& run_options) {
    const auto begin = std::chrono::steady_clock::now();
    Form& form = group[0]->form;
    form.objective = group[0]->job.objective;
    std::vector<Ascent::Slot*> slots;
    for (AtWork* one : group) slots.push_back(&one->slot);
    form.ascent.step(slots, run_options);
    const HostTensor scores = download(stream_, form.ascent.scores());
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    const int64_t count = int64_t(group.size()), rows = scores.shape.n / count;
    for (int64_t i = 0; i < count; i++) {
        AtWork& one = *group[size_t(i)];
        FinishedJob& result = one.result;
        const int64_t update = one.slot.step - 1;
        // The mean of a job's pictures.
        const auto first = scores.values.begin() + i * rows;
        result.scores.push_back(std::accumulate(first, first + rows, 0.0f) / float(rows));
        result.seconds += seconds / double(count);
        if (!std::isfinite(result.scores.back()))
            result.error = concat("the score of update ", update, " is ", result.scores.back(),
                                  "; a smaller learning rate may help");
        if (std::ranges::count(one.job.options.thresholds, update) > 0)
            result.history.push_back(form.ascent.decode(one.slot));
        if (one.slot.step == one.job.options.updates()) continue;
        try {
            one.prepare_next();
        } catch (const Error& error) {
            result.error = error.what();  // a position that a smaller picture lacks
        }
    }
}

void BatchRenderer::run(const NextJob& next_job, const TakeFinished& finished, const KeepGoing& keep_going,
                        const RunOptions& run_options) {
    Pictures pictures;
    bool more = true;
    for (;;) {
        std::vector<AtWork*> group = largest_group(pictures);
        while (more && int64_t(pictures.size()) < kBatchesAtWork * batch_ &&
               (group.empty() || (!group[0]->form.joint && int64_t(group.size()) < batch_))) {
            const Job* job = next_job();
            if (!job) {
                more = false;
                break;
            }
            try {
                pictures.push_back(start(*job));
            } catch (const std::exception& error) {
                finished({job, error.what(), {}, {}, 0});
            }
            group = largest_group(pictures);
        }
        if (group.empty()) return;
        update(group, run_options);
        int64_t image_steps = 0;
        for (AtWork* one : group) {
            image_steps += one->job.options.batch;
            if (!one->finished()) continue;
            if (one->result.error.empty()) one->result.images = one->form.ascent.decode(one->slot);
            finished(std::move(one->result));
            std::erase_if(pictures, [&](const std::unique_ptr<AtWork>& other) { return other.get() == one; });
        }
        if (keep_going && !keep_going(image_steps)) return;
    }
}

}  // namespace limpid
