// Forms hold plans and batch memory; slots hold pictures at work; each update gathers a group of slots into a batch.
#include "viz/batch/batch_renderer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <tuple>

#include "graph/grad.h"
#include "graph/vjp_overrides.h"
#include "kernels/captured_work.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"

namespace limpid {

namespace {

// How many batches may be at work, so that a full one can be found among pictures that started at different times.
constexpr int64_t kBatchesAtWork = 4;

View<float> rows(const DeviceTensor& tensor, int64_t count) {
    Shape shape = tensor.shape;
    shape.n = count;
    return {tensor.buffer.floats(), shape};
}

}  // namespace

bool is_joint(const Job& job) {
    return job.options.batch != 1 || !per_image(job.objective) || !job.options.param.per_image();
}

std::string job_kind(const Job& job) {
    const RenderOptions& o = job.options;
    return concat(form(job.objective), "|", o.param.height, "x", o.param.width, "|", to_string(o.param), "|",
                  to_string(o.transforms), "|", o.batch);
}

// What the plans of a form differ in.
struct BatchRenderer::FormKey {
    int64_t count;
    bool redirected;
    std::vector<int> scales;
    auto operator<=>(const FormKey&) const = default;
};

// What pictures of one form share: their plans, by number of pictures and by shapes; and the memory of a batch.
struct BatchRenderer::Form {
    const Net& net;
    Stream& stream;
    ConstantStore& constants;
    Objective objective;  // any of the form
    RenderOptions options;
    bool joint;  // the images of a job have one score: one job per update
    std::shared_ptr<const ParamConstants> shared;

    using Key = FormKey;
    std::map<Key, Plan> plans;
    Plan decode_plan;
    // A plan's work as a GPU has recorded it, and the memory that it works in: recorded anew where that has moved.
    struct Recording {
        std::vector<const void*> places;
        CapturedWork work;
    };
    std::map<Key, Recording> recordings;

    // Of `capacity` pictures.
    int64_t capacity = 0;
    DeviceTensor theta, gradient, score, rates;
    std::vector<DeviceTensor> memory;  // of a joint objective, behind an update
    // Knobs of the transforms, the number of the update where the objective asks for it, what the objective is fed
    // with.
    std::vector<Buffer> fed;
    size_t knobs = 0;

    Form(const Net& n, Stream& s, ConstantStore& c, const Job& job)
        : net(n),
          stream(s),
          constants(c),
          objective(job.objective),
          options(job.options),
          joint(is_joint(job)),
          shared(job.options.param.constants()) {
        Graph graph;
        const NodeId image = decode(graph, options.param, graph.input("theta", theta_shape(1)), shared, images(1));
        decode_plan = make_plan(graph, {image}, constants);
    }

    int64_t images(int64_t count) const { return count * options.batch; }
    int64_t score_rows(int64_t count) const { return per_image(objective) ? images(count) : 1; }
    Shape theta_shape(int64_t count) const { return options.param.theta(images(count)); }

    // The score of `count` pictures and all that it is computed from, and what the first of `objectives` feeds.
    struct Built {
        Graph graph;
        NodeId theta, step, score;
        std::vector<NodeId> fed;
        size_t knobs = 0;
        std::vector<HostTensor> values;  // of the objective's inputs, and of its memory in front of the first update
        std::vector<NodeId> memory;      // behind an update
    };
    Built build(const Objective& of, int64_t count, const std::vector<int>& scales) const {
        Built built;
        Graph& graph = built.graph;
        built.theta = graph.input("theta", theta_shape(count));
        const NodeId image = decode(graph, options.param, built.theta, shared, images(count));
        const Transformed view = transform(graph, options.transforms, scales, image, joint ? 1 : count);
        built.fed = view.knobs;
        built.knobs = view.knobs.size();
        if (depends_on_step(of)) {
            built.step = graph.input("step", {joint ? 1 : count, 1, 1, 1});
            built.fed.push_back(built.step);
        }
        Layers layers = apply(net, graph, view.image);
        layers["input"] = image;
        if (joint) {
            ObjectiveMemory memory;
            built.score = limpid::score(graph, of, net, layers, built.step, &memory);
            built.fed.insert(built.fed.end(), memory.before.begin(), memory.before.end());
            for (const NodeId kept : memory.before) built.values.emplace_back(graph.shape(kept));
            built.memory = std::move(memory.after);
        } else {
            ObjectiveInputs inputs;
            built.score = scores(graph, std::vector<Objective>(size_t(count), of), net, layers, built.step, &inputs);
            built.fed.insert(built.fed.end(), inputs.nodes.begin(), inputs.nodes.end());
            built.values = std::move(inputs.values);
        }
        return built;
    }

    const Plan& plan(const Key& key) {
        const auto found = plans.find(key);
        if (found != plans.end()) return found->second;
        Built built = build(objective, key.count, key.scales);
        const NodeId gradient_node =
            grad(built.graph, built.score, {built.theta}, key.redirected ? redirected_relu() : VjpOverrides{})[0];
        std::vector<NodeId> outputs{built.score, gradient_node};
        outputs.insert(outputs.end(), built.memory.begin(), built.memory.end());
        return plans.emplace(key, make_plan(built.graph, outputs, constants)).first->second;
    }

    // Of all plans with `count` pictures: the largest arena, and the most that is fed.
    struct Sizes {
        size_t arena = 0, fed = 0;
    };
    Sizes sizes(int64_t count) {
        Sizes most{decode_plan.arena_bytes, 0};
        const auto widen = [&](const Plan& plan) {
            most.arena = std::max(most.arena, plan.arena_bytes);
            size_t fed_floats = 0;
            for (size_t i = 1; i < plan.inputs.size(); i++) fed_floats += size_t(plan.inputs[i].shape.size());
            most.fed = std::max(most.fed, fed_floats * sizeof(float));
        };
        for (const std::vector<int>& scales :
             all_scales(options.transforms, options.param.height, options.param.width)) {
            widen(plan({count, false, scales}));
            if (options.redirected_relu_updates > 0) widen(plan({count, true, scales}));
        }
        return most;
    }

    // Variables, gradient, Adam's two, once in the batch and once in the slots; fed values; pictures.
    size_t tensor_bytes(int64_t count) const {
        const int64_t theta_floats = theta_shape(count).size();
        int64_t floats = 2 * theta_floats + 3 * theta_floats * kBatchesAtWork + images(count) + count +
                         options.param.image(images(1)).size();
        return size_t(floats) * sizeof(float);
    }

    void reserve(int64_t count) {
        if (count <= capacity) return;
        capacity = count;
        theta = DeviceTensor(stream.device(), theta_shape(count));
        gradient = DeviceTensor(stream.device(), theta_shape(count));
        score = DeviceTensor(stream.device(), {score_rows(count), 1, 1, 1});
        rates = DeviceTensor(stream.device(), {count, 1, 1, 1});
    }
};

// A picture at work.
struct BatchRenderer::Slot {
    const Job* job = nullptr;
    Form* form = nullptr;
    int64_t step = 0;
    DeviceTensor theta, m, v;
    TransformSample draw;          // of the next update
    std::vector<float> number{0};  // of the next update, as the objective sees it
    // What the objective remembers, if it is joint; else what it is fed with at each scale: a position is another pixel
    // of a larger layer.
    std::vector<HostTensor> memory;
    std::map<std::vector<int>, std::vector<HostTensor>> objective_values;
    std::vector<ImageParam::Redrawn> redrawn;
    std::vector<float> scores;
    double seconds = 0;
    std::string error;

    Form::Key key() const { return {0, step < job->options.redirected_relu_updates, draw.scales}; }
    const std::vector<float>& fed(size_t i) const {
        if (i < form->knobs) return draw.knobs[i];
        if (depends_on_step(job->objective) && i-- == form->knobs) return number;
        return (form->joint ? memory : objective_values.at(draw.scales))[i - form->knobs].values;
    }
    void draw_next() {
        number[0] = float(step);
        const RenderOptions& o = job->options;
        sample(o.transforms, o.param.height, o.param.width, o.seed, uint32_t(step), draw);
    }
    void prepare_next() {
        draw_next();
        if (!form->joint && !objective_values.contains(draw.scales))
            objective_values[draw.scales] = form->build(job->objective, 1, draw.scales).values;
    }
};

BatchRenderer::BatchRenderer(const Net& net, Stream& stream, int64_t batch)
    : net_(net), stream_(stream), batch_(batch), constants_(stream) {
    CHECK(batch >= 1);
}

BatchRenderer::~BatchRenderer() = default;

BatchRenderer::Form& BatchRenderer::form_of(const Job& job) {
    // What decides the graph; a joint objective shares its plans with nobody but itself.
    const std::string key = is_joint(job) ? concat(to_string(job.objective), "|", job_kind(job)) : job_kind(job);
    std::unique_ptr<Form>& found = forms_[key];
    if (!found) found = std::make_unique<Form>(net_, stream_, constants_, job);
    return *found;
}

std::unique_ptr<BatchRenderer::Slot> BatchRenderer::start(const Job& job) {
    const RenderOptions& o = job.options;
    check_optimiser(o);
    Form& form = form_of(job);
    auto slot = std::make_unique<Slot>();
    slot->job = &job;
    slot->form = &form;
    slot->draw_next();
    // Built for this picture alone: finds what does not exist, and what the objective feeds.
    Form::Built built = form.build(job.objective, 1, slot->draw.scales);
    (form.joint ? slot->memory : slot->objective_values[slot->draw.scales]) = std::move(built.values);
    form.knobs = built.knobs;
    slot->redrawn = o.param.redrawn(o.batch);
    form.memory.clear();
    for (const NodeId kept : built.memory) form.memory.emplace_back(stream_.device(), built.graph.shape(kept));
    const HostTensor theta = o.param.initial(o.seed, o.first_job, o.batch);
    slot->theta = DeviceTensor(stream_, theta);
    slot->m = DeviceTensor(stream_, HostTensor(theta.shape));
    slot->v = DeviceTensor(stream_, HostTensor(theta.shape));
    return slot;
}

size_t BatchRenderer::device_bytes(const Job& job, int64_t batch) {
    Slot probe = std::move(*start(job));
    const int64_t count = probe.form->joint ? 1 : batch;
    const Form::Sizes sizes = probe.form->sizes(count);
    probe.form->plans.clear();
    return sizes.arena + sizes.fed + probe.form->tensor_bytes(count) + constants_.size_bytes();
}

// The slots that the next update takes: as many as agree on form and shapes, at most a batch; among groups of the same
// size the one with the job that started first.
std::vector<BatchRenderer::Slot*> BatchRenderer::largest_group(const Slots& slots) const {
    std::map<std::pair<Form*, Form::Key>, std::vector<Slot*>> groups;
    const std::vector<Slot*>* best = nullptr;
    const auto most = [&](const std::vector<Slot*>& group) {
        return group[0]->form->joint ? batch_ : std::min(int64_t(group.size()), batch_);
    };
    for (const std::unique_ptr<Slot>& slot : slots) groups[{slot->form, slot->key()}].push_back(slot.get());
    for (const std::unique_ptr<Slot>& slot : slots) {
        const std::vector<Slot*>& group = groups[{slot->form, slot->key()}];
        if (!best || most(group) > most(*best)) best = &group;
    }
    if (!best) return {};
    const int64_t count = (*best)[0]->form->joint ? 1 : most(*best);
    return {best->begin(), best->begin() + count};
}

void BatchRenderer::reserve_arena(size_t bytes) {
    if (bytes <= arena_.size_bytes()) return;
    check_memory(stream_, bytes + constants_.size_bytes(), "an update of the pictures at work",
                 "a smaller --batch or --size needs less");
    arena_ = Buffer(stream_.device(), bytes);
}

// On a GPU the second update in the same memory is recorded, and replayed from then on.
void BatchRenderer::run_plan(Form& form, const FormKey& key, std::span<const ConstView> inputs,
                             std::span<const MutView> outputs, const RunOptions& run_options) {
    const Plan& plan = form.plans.at(key);
    const auto work = [&] { limpid::run(plan, stream_, inputs, outputs, arena_.scratch(), run_options); };
    if (run_options.watches() || !CapturedWork::possible(stream_)) return work();
    std::vector<const void*> places{arena_.data()};
    for (const ConstView& input : inputs) places.push_back(input.data);
    for (const MutView& output : outputs) places.push_back(output.data);
    Form::Recording& recording = form.recordings[key];
    if (recording.places != places) {
        recording = {std::move(places), {}};
        return work();
    }
    if (!recording.work) recording.work = CapturedWork(stream_, work);
    recording.work.replay(stream_);
}

void BatchRenderer::redraw(const Slot& slot) {
    const RenderOptions& o = slot.job->options;
    std::vector<float> values;
    for (const ImageParam::Redrawn& part : slot.redrawn) {
        values.resize(size_t(part.count));
        o.param.redraw(part, o.seed, o.first_job, uint32_t(slot.step), values.data());
        upload(stream_, values.data(), slot.theta.buffer.floats() + part.first, part.count);
    }
}

void BatchRenderer::ascend_by_gradient(const Slot& slot, ConstView gradient) {
    HostTensor theta = download(stream_, slot.theta.view());
    const HostTensor slope = download(stream_, gradient);
    for (int64_t n = 0; n < theta.shape.n; n++)
        ascend(*slot.job->options.optimiser, slot.step, slope.view().image(n), theta.view().image(n));
    upload(stream_, theta.values.data(), slot.theta.buffer.floats(), theta.shape.size());
}

void BatchRenderer::update(const std::vector<Slot*>& group, const RunOptions& run_options) {
    const auto begin = std::chrono::steady_clock::now();
    Form& form = *group[0]->form;
    const int64_t count = int64_t(group.size());
    Form::Key key = group[0]->key();
    key.count = count;
    const Plan& plan = form.plan(key);
    form.reserve(count);
    reserve_arena(plan.arena_bytes);

    std::vector<ConstView> inputs{rows(form.theta, form.images(count))};
    std::vector<float> staged;
    for (Slot* slot : group) redraw(*slot);
    form.fed.resize(plan.inputs.size() - 1);
    for (size_t i = 0; i < form.fed.size(); i++) {
        staged.clear();
        for (const Slot* slot : group) staged.insert(staged.end(), slot->fed(i).begin(), slot->fed(i).end());
        const Shape shape = plan.inputs[i + 1].shape;
        CHECK(int64_t(staged.size()) == shape.size(), plan.inputs[i + 1].name);
        if (form.fed[i].size_bytes() < staged.size() * sizeof(float))
            form.fed[i] = Buffer(stream_.device(), staged.size() * sizeof(float));
        upload(stream_, staged.data(), form.fed[i].floats(), shape.size());
        inputs.push_back({form.fed[i].floats(), shape});
    }
    staged.clear();
    for (const Slot* slot : group) staged.push_back(float(adam_rate(slot->job->options.adam, slot->step + 1)));
    upload(stream_, staged.data(), form.rates.buffer.floats(), count);
    const KernelTable& kernels = stream_.backend().kernels;
    const Shape one = form.theta_shape(1);
    for (int64_t i = 0; i < count; i++)
        kernels.layout.copy_box(stream_, one, {}, {i * one.n, 0, 0, 0}, group[size_t(i)]->theta.view(),
                                rows(form.theta, form.images(count)));
    const int64_t score_rows = form.score_rows(count);
    std::vector<MutView> outputs{rows(form.score, score_rows), rows(form.gradient, form.images(count))};
    for (const DeviceTensor& kept : form.memory) outputs.push_back(kept.view());
    run_plan(form, key, inputs, outputs, run_options);
    for (int64_t i = 0; i < count; i++) {
        Slot& slot = *group[size_t(i)];
        for (size_t k = 0; k < form.memory.size(); k++) slot.memory[k] = download(stream_, form.memory[k].view());
        if (slot.job->options.optimiser) {
            ascend_by_gradient(slot, {form.gradient.buffer.floats() + i * one.size(), one});
            continue;
        }
        kernels.adam.step(stream_, slot.job->options.adam, form.rates.buffer.floats() + i, one.size(),
                          form.gradient.buffer.floats() + i * one.size(), slot.theta.buffer.floats(),
                          slot.m.buffer.floats(), slot.v.buffer.floats());
    }
    std::vector<float> values(static_cast<size_t>(score_rows));
    download(stream_, form.score.buffer.floats(), values.data(), score_rows);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (int64_t i = 0; i < count; i++) {
        Slot& slot = *group[size_t(i)];
        // The mean of a job's pictures.
        const auto first = values.begin() + i * (score_rows / count), last = first + score_rows / count;
        slot.scores.push_back(std::accumulate(first, last, 0.0f) / float(score_rows / count));
        slot.seconds += seconds / double(count);
        if (!std::isfinite(slot.scores.back()))
            slot.error = concat("the score of update ", slot.step, " is ", slot.scores.back(),
                                "; a smaller learning rate may help");
        if (++slot.step > slot.job->options.steps) continue;
        try {
            slot.prepare_next();
        } catch (const Error& error) {
            slot.error = error.what();  // a position that a smaller picture lacks
        }
    }
}

FinishedJob BatchRenderer::finish(Slot& slot) {
    FinishedJob result{slot.job, slot.error, {}, std::move(slot.scores), slot.seconds};
    if (!slot.error.empty()) return result;
    const Form& form = *slot.form;
    result.images = HostTensor(form.options.param.image(form.images(1)));
    DeviceTensor images(stream_.device(), result.images.shape);
    const ConstView inputs[] = {slot.theta.view()};
    const MutView outputs[] = {images.view()};
    reserve_arena(form.decode_plan.arena_bytes);
    limpid::run(form.decode_plan, stream_, inputs, outputs, arena_.scratch());
    stream_.synchronize();
    result.images = download(stream_, images.view());
    return result;
}

void BatchRenderer::run(const NextJob& next_job, const TakeFinished& finished, const KeepGoing& keep_going,
                        const RunOptions& run_options) {
    Slots slots;
    bool more = true;
    for (;;) {
        std::vector<Slot*> group = largest_group(slots);
        while (more && int64_t(slots.size()) < kBatchesAtWork * batch_ &&
               (group.empty() || (!group[0]->form->joint && int64_t(group.size()) < batch_))) {
            const Job* job = next_job();
            if (!job) {
                more = false;
                break;
            }
            try {
                slots.push_back(start(*job));
            } catch (const std::exception& error) {
                finished({job, error.what(), {}, {}, 0});
            }
            group = largest_group(slots);
        }
        if (group.empty()) return;
        update(group, run_options);
        for (Slot* slot : group)
            if (!slot->error.empty() || slot->step > slot->job->options.steps) finished(finish(*slot));
        const int64_t image_steps = group[0]->form->images(int64_t(group.size()));
        std::erase_if(slots, [](const std::unique_ptr<Slot>& slot) {
            return !slot->error.empty() || slot->step > slot->job->options.steps;
        });
        if (keep_going && !keep_going(image_steps)) return;
    }
}

}  // namespace limpid
