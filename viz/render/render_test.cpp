// The optimisation loop: it climbs, it repeats to the bit whatever the batch and the threads, it stops when told, it
// allocates nothing.
#include "viz/render/render.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>

#include "graph/grad.h"
#include "kernels/error.h"
#include "nets/tiny.h"
#include "tests/harness/kernel_case.h"
#include "viz/batch/batch_renderer.h"
#include "weights/npy.h"

// Counts allocations of the whole program while `counting`; the test below asks for none during updates.
namespace {
std::atomic<bool> counting{false};
std::atomic<int64_t> allocations{0};
std::atomic<size_t> largest_allocation{0};
}  // namespace

// GCC sees the pair of replacements separately.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif
void* operator new(size_t size) {
    if (counting) {
        allocations++;
        if (size > largest_allocation) largest_allocation = size;
    }
    if (void* data = std::malloc(size)) return data;
    throw std::bad_alloc();
}
void operator delete(void* data) noexcept { std::free(data); }
void operator delete(void* data, size_t) noexcept { std::free(data); }

namespace limpid {
namespace {

using testing::same_bits;

RenderOptions small_options() {
    RenderOptions options;
    options.param.height = options.param.width = 40;
    options.steps = 24;
    return options;
}

HostTensor image_of(const HostTensor& batch, int64_t i) {
    const Shape one{1, batch.shape.h, batch.shape.w, batch.shape.c};
    const auto begin = batch.values.begin() + i * one.size();
    return HostTensor(one, std::vector<float>(begin, begin + one.size()));
}

TEST(Render, Climbs) {
    const Net net = make_net(tiny_weights());
    for (const char* unit : {"gabor:3", "texture:8", "texture_pre_relu:5"}) {
        Stream stream({DeviceKind::cpu, 0});
        const Rendering result = render(net, parse_objective(unit), small_options(), stream);
        ASSERT_EQ(result.updates, 25);
        EXPECT_GT(result.scores.back()[0], 5 * std::fabs(result.scores.front()[0])) << unit;
        for (const float value : result.images.values) ASSERT_TRUE(value >= 0 && value <= 1);
    }
}

TEST(Render, SameBitsWhateverTheBatchAndTheThreads) {
    const Net net = make_net(tiny_weights());
    const Objective objective = parse_objective("texture:8");
    RenderOptions options = small_options();
    options.batch = 3;
    Stream two({DeviceKind::cpu, 0}, 2), one({DeviceKind::cpu, 0}, 1);
    const Rendering together = render(net, objective, options, two);
    EXPECT_TRUE(same_bits(together.images, render(net, objective, options, one).images));
    options.batch = 1;
    for (uint32_t job = 0; job < 3; job++) {
        options.first_job = job;
        const Rendering alone = render(net, objective, options, one);
        EXPECT_TRUE(same_bits(image_of(together.images, job), alone.images)) << job;
        for (size_t step = 0; step < alone.scores.size(); step++)
            EXPECT_EQ(alone.scores[step][0], together.scores[step][job]);
    }
    options.seed = 1;
    EXPECT_FALSE(same_bits(image_of(together.images, 2), render(net, objective, options, one).images));
}

// Samples are drawn by update and job; what an objective remembers is kept between updates: both alone and in a batch.
TEST(Render, SamplesAndMemoryAreThoseOfTheJobInABatch) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    for (const bool remembers : {false, true}) {
        RenderOptions options = small_options();
        options.steps = 6;
        options.seed = 3;
        options.batch = remembers ? 2 : 1;
        options.param.sources = {Pixels{}, ImageSample{.deviation = 0.2}};
        const Objective objective = parse_objective(
            remembers ? "texture:3 - 9*style_difference(gabor, batch=1, reference=0, ema=0.9)" : "texture:8");
        const Rendering alone = render(net, objective, options, stream);
        const Rendering plain = render(
            net, remembers ? parse_objective("texture:3 - 9*style_difference(gabor, batch=1, reference=0)") : objective,
            [&] {
                RenderOptions other = options;
                if (!remembers) other.param.sources = {Pixels{}};
                return other;
            }(),
            stream);
        EXPECT_FALSE(same_bits(alone.images, plain.images)) << "it would make no difference";
        const std::vector<Job> jobs{{"a", objective, options}, {"b", objective, [&] {
                                                                    RenderOptions other = options;
                                                                    other.seed = 4;
                                                                    return other;
                                                                }()}};
        BatchRenderer renderer(net, stream, 2);
        size_t next = 0;
        int seen = 0;
        renderer.run([&] { return next < jobs.size() ? &jobs[next++] : nullptr; },
                     [&](FinishedJob&& finished) {
                         ASSERT_EQ(finished.error, "");
                         seen++;
                         EXPECT_EQ(finished.job->name == "a", finished.images.values == alone.images.values);
                     });
        EXPECT_EQ(seen, 2);
    }
}

// A position is another pixel of the layer at each random scale; one that some scales lack ends that job alone.
TEST(Render, PositionsFollowTheScaleInABatch) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    std::vector<Job> jobs;
    for (const char* objective : {"neuron(gabor, 3)", "neuron(gabor, 5, x=2, y=7)", "direction_neuron(texture, seed=2)",
                                  "neuron(gabor, 3, x=50, y=0)"})
        jobs.push_back({objective, parse_objective(objective), small_options()});
    BatchRenderer renderer(net, stream, 2);
    size_t next = 0, failed = 0, finished = 0;
    renderer.run([&] { return next < jobs.size() ? &jobs[next++] : nullptr; },
                 [&](FinishedJob&& job) {
                     finished++;
                     if (!job.error.empty()) {
                         failed++;
                         EXPECT_EQ(job.job->name, jobs.back().name);
                         EXPECT_NE(job.error.find("asked for row 50"), std::string::npos) << job.error;
                         return;
                     }
                     EXPECT_TRUE(same_bits(render(net, job.job->objective, small_options(), stream).images, job.images))
                         << job.job->name;
                 });
    EXPECT_EQ(finished, jobs.size());
    EXPECT_EQ(failed, 1u);
}

// Where it starts, what it is compared with, how long it runs and what is kept on the way: as in a render by itself.
TEST(Render, JobsOfABatchHaveAllOptionsOfARender) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    const auto photo = [](float tone) {
        HostTensor picture({1, 40, 40, 3});
        for (size_t i = 0; i < picture.values.size(); i++)
            picture.values[i] = 0.5f + 0.3f * float(std::sin(double(tone) * double(i)));
        return picture;
    };
    std::vector<Job> jobs(5);
    const Objective unit = parse_objective("texture:8"), alike = parse_objective("dot_compare(texture, batch=1)");
    for (Job& job : jobs) job = {"", unit, small_options()};
    jobs[0].options.start = photo(0.1f);
    jobs[1].options.thresholds = {3, 30, 7};
    jobs[2].options.references = photo(0.2f);
    jobs[3].options.references = photo(0.3f);
    jobs[2].objective = jobs[3].objective = alike;
    const HostTensor random = render(net, unit, small_options(), stream).images;
    BatchRenderer renderer(net, stream, 3);
    size_t next = 0;
    std::vector<FinishedJob> finished;
    renderer.run([&] { return next < jobs.size() ? &jobs[next++] : nullptr; },
                 [&](FinishedJob&& job) { finished.push_back(std::move(job)); });
    ASSERT_EQ(finished.size(), jobs.size());
    for (const FinishedJob& job : finished) {
        ASSERT_EQ(job.error, "");
        const Rendering alone = render(net, job.job->objective, job.job->options, stream);
        const int64_t number = job.job - jobs.data();
        EXPECT_TRUE(same_bits(job.images, alone.images)) << number;
        EXPECT_EQ(same_bits(job.images, random), number == 4) << "the option would make no difference";
        EXPECT_EQ(int64_t(job.scores.size()), alone.updates);
        ASSERT_EQ(job.history.size(), alone.history.size());
        for (size_t i = 0; i < job.history.size(); i++) EXPECT_TRUE(same_bits(job.history[i], alone.history[i]));
        EXPECT_EQ(job.history.size(), number == 1 ? 3u : 0u);
    }
}

// The first of a form may be a bad one.
TEST(Render, ABadJobEndsNoOtherOfItsForm) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    std::vector<Job> jobs;
    for (const char* objective : {"neuron(gabor, 3, x=500, y=0)", "neuron(gabor, 3, x=50, y=0)", "neuron(gabor, 3)"})
        jobs.push_back({objective, parse_objective(objective), small_options()});
    BatchRenderer renderer(net, stream, 2);
    size_t next = 0;
    std::vector<std::string> good;
    renderer.run([&] { return next < jobs.size() ? &jobs[next++] : nullptr; },
                 [&](FinishedJob&& job) {
                     if (job.error.empty()) good.push_back(job.job->name);
                 });
    EXPECT_EQ(good, std::vector<std::string>{"neuron(gabor, 3)"});
}

// A plan is arithmetic: of a render that the stream would refuse, too.
TEST(Render, IsPlannedWithoutItsMemory) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    stream.allow_memory(size_t(1) << 20);
    RenderOptions options = small_options();
    options.batch = 1000;
    const Objective objective = parse_objective("texture:8");
    allocations = 0, largest_allocation = 0, counting = true;
    Renderer renderer(net, objective, options, stream);
    counting = false;
    EXPECT_LT(largest_allocation, size_t(1) << 20);
    EXPECT_GT(renderer.device_bytes(), 4000 * options.param.theta(1).size() * sizeof(float));
    EXPECT_EQ(renderer.typical_plan().outputs[0], (Shape{1000, 1, 1, 1}));
    EXPECT_THROW(renderer.run(), Error);
    stream.allow_memory(std::numeric_limits<size_t>::max());
    options.batch = 2;
    Renderer small(net, objective, options, stream);
    const size_t planned = small.device_bytes();
    EXPECT_EQ(small.run().device_bytes, planned);
}

TEST(Render, ATextureIsReturnedBesideItsView) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    const std::string file = ::testing::TempDir() + "limpid_render_uv.npy";
    HostTensor uv({1, 40, 40, 2});
    for (int64_t i = 0; i < 1600; i++) {
        uv.values[size_t(2 * i)] = float(i % 40) / 20;  // the texture twice beside itself
        uv.values[size_t(2 * i + 1)] = float(i / 40) / 40;
    }
    write_npy(file, uv);
    RenderOptions options = small_options();
    options.param.texture = Texture{file, 20};
    const Rendering result = render(net, parse_objective("texture:8"), options, stream);
    EXPECT_GT(result.scores.back()[0], 5 * std::fabs(result.scores.front()[0]));
    EXPECT_EQ(result.textures.shape, (Shape{1, 20, 20, 3}));
    for (int64_t y = 0; y < 40; y++)
        for (int64_t x = 0; x < 20; x++)
            EXPECT_NEAR(result.images.at(0, y, x, 1), result.images.at(0, y, x + 20, 1), 1e-5);
}

TEST(Render, StopsWhenTold) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    const Rendering result = render(net, parse_objective("gabor:0"), small_options(), stream,
                                    [](const RenderProgress& p) { return p.done < 5; });
    EXPECT_EQ(result.updates, 5);
    EXPECT_TRUE(result.stopped);
    EXPECT_EQ(result.scores.size(), 5u);
    EXPECT_EQ(result.images.shape, (Shape{1, 40, 40, 3}));
}

TEST(Render, UpdatesAllocateNothing) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 2);
    Renderer renderer(net, parse_objective("texture:8"), small_options(), stream);
    renderer.update(0);
    allocations = 0;
    counting = true;
    for (int64_t step = 1; step < 40; step++) renderer.update(step);
    counting = false;
    EXPECT_EQ(allocations, 0);
}

TEST(Render, RefusesWhatDoesNotExist) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    for (const char* unit : {"textures:1", "texture:16", "class:espresso"})
        EXPECT_THROW(render(net, parse_objective(unit), small_options(), stream), Error) << unit;
}

// A matrix behind a map: there is one size at which it exists.
TEST(Render, OutputsOfOneSizeSeeTheViewInThatSize) {
    Weights weights;
    weights.variant = "by hand";
    weights.source = "nowhere";
    weights.network =
        "network: by hand\n"
        "logits: digit\n"
        "default: edge\n"
        "input = image(size=16x12, channels=3)\n"
        "edge = conv(input, channels=4, window=3x3, pad=same, activation=relu)\n"
        "digit = dense(edge, channels=5)\n";
    uint32_t salt = 1;
    for (const auto& [name, shape] : parameter_shapes(parse_architecture(weights.network)))
        weights.tensors[name] = testing::random_tensor(shape, -1, 1, salt++);
    weights.labels = {"zero", "one", "two", "three", "four"};
    const Net net = make_net(weights);
    Weights cut = weights;  // the same without its outputs
    cut.network = weights.network.substr(0, weights.network.find("digit = "));
    cut.network.erase(cut.network.find("logits"), cut.network.find("default") - cut.network.find("logits"));
    std::erase_if(cut.tensors, [](const auto& tensor) { return tensor.first.starts_with("digit"); });
    cut.labels.clear();
    const Net head = make_net(cut);
    for (const Device device : {Device{DeviceKind::cpu}, Device{DeviceKind::reference}}) {
        Stream stream(device);
        const RenderOptions options = small_options();
        const Rendering digit = render(net, parse_objective("class:three"), options, stream);
        EXPECT_GT(digit.scores.back()[0], digit.scores.front()[0] + 1);
        EXPECT_TRUE(same_bits(render(net, parse_objective("edge:1"), options, stream).images,
                              render(head, parse_objective("edge:1"), options, stream).images));
    }
}

TEST(Render, GradientOfThetaIsThatOfTheScore) {
    // The whole chain, theta to score, against finite differences on the reference device.
    const Net net = make_net(tiny_weights());
    ImageParam param;
    param.height = 17, param.width = 16;
    Graph graph;
    const NodeId theta = graph.input("theta", param.theta(1));
    const Transformed view = transform(graph, standard_transforms(), {7}, decode(graph, param, theta, nullptr));
    const NodeId value = score(graph, parse_objective("texture_pre_relu:9"), net, apply(net, graph, view.image));
    const NodeId gradient = grad(graph, value, {theta})[0];
    const TransformSample draw = sample(standard_transforms(), 17, 16, 5, 0);
    std::vector<HostTensor> inputs{param.initial(3, 0)};
    for (const std::vector<float>& knob : draw.knobs) inputs.emplace_back(Shape{1, 1, 1, int64_t(knob.size())}, knob);
    Stream reference({DeviceKind::reference, 0});
    const HostTensor g = evaluate(graph, {gradient}, reference, inputs)[0];
    // Along the gradient itself, where the change is largest against the rounding of the score.
    HostTensor v = g;
    float most = 0;
    for (const float value : g.values) most = std::max(most, std::fabs(value));
    for (float& value : v.values) value *= 0.01f / most;
    const auto along = [&](double h) {
        std::vector<HostTensor> moved = inputs;
        for (size_t i = 0; i < v.values.size(); i++) moved[0].values[i] += float(h * double(v.values[i]));
        return double(evaluate(graph, {value}, reference, moved)[0].values[0]);
    };
    double expected = 0;
    for (size_t i = 0; i < v.values.size(); i++) expected += double(g.values[i]) * double(v.values[i]);
    const double h = 1.0 / 64, measured = (along(h) - along(-h)) / (2 * h);
    EXPECT_NEAR(measured / expected, 1, 2e-3);  // max-pool winners may change within the step
}

}  // namespace
}  // namespace limpid
