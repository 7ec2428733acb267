// Training: the gradient of the whole network's loss, the optimisers, order, checkpoints.
#include "nets/train/train.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <numbers>

#include "nets/patterns.h"
#include "tests/harness/compare.h"
#include "tests/harness/kernel_case.h"

namespace limpid::testing {
namespace {

std::string file_name(const std::string& name) {
    return (std::filesystem::path(::testing::TempDir()) / concat("limpid-train-", ::getpid(), "-", name)).string();
}

std::string error_of(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.what();
    }
    return "";
}

// Pictures of one brightness, a class for the dark and one for the bright, with a little grain.
Dataset brightness_data(int64_t size) {
    Dataset data;
    data.name = "brightness";
    data.labels = {"dark", "bright"};
    data.height = data.width = 32;
    data.size = size;
    data.load = [](int64_t index, MutView image) {
        for (int64_t i = 0; i < image.shape.size(); i++)
            image.data[i] = (index % 2 ? 0.7f : 0.3f) + 0.1f * float((index * 7 + i) % 5) / 5;
        return int(index % 2);
    };
    return data;
}

TrainOptions short_options() {
    TrainOptions o;
    o.steps = 6, o.batch = 4, o.warmup = 2, o.rate = 2e-3;
    return o;
}

// In double on the reference device: <gradient, v> against the central difference along v, parameter by parameter.
TEST(Training, GradientOfTheWholeLossIsThatOfFiniteDifferences) {
    const std::vector<std::string> labels{"a", "b", "c"};
    Weights weights = initial_patterns(labels, 3);
    for (auto& [name, tensor] : weights.tensors)  // biases away from zero, the classifier as strong as the rest
        if (name.ends_with("_b"))
            tensor = random_tensor(tensor.shape, -0.1f, 0.1f, uint32_t(name.size()));
        else if (name == "softmax2_w")
            for (float& value : tensor.values) value *= 10;
    const Net net = make_net(weights);
    const Shape images{2, 16, 16, 3};
    const TrainingGraph training = training_graph(net, images);
    std::vector<HostTensor> inputs{random_tensor(images, 0, 1, 5),
                                   HostTensor({2, 1, 1, 3}, {0.9f, 0.05f, 0.05f, 0, 0, 1})};
    for (const std::string& name : training.parameters) inputs.push_back(weights.tensors.at(name));
    Stream reference({DeviceKind::reference});
    const std::vector<HostTensor> gradients = evaluate(training.graph, training.gradients, reference, inputs);
    const auto loss = [&](const std::vector<HostTensor>& at) {
        return double(evaluate(training.graph, {training.loss}, reference, at)[0].values[0]);
    };
    for (const char* const name : {"conv2d0_w", "conv2d2_b", "mixed3a_5x5_w", "mixed4b_3x3_bottleneck_w",
                                   "mixed4c_pool_reduce_b", "softmax2_w"}) {
        const size_t i = size_t(std::ranges::find(training.parameters, name) - training.parameters.begin());
        ASSERT_LT(i, training.parameters.size()) << name;
        // Along the gradient itself: the largest change for the smallest step, so that few ReLU change sides.
        const HostTensor& gradient = gradients[i];
        double square = 0;
        for (const float g : gradient.values) square += double(g) * g;
        ASSERT_GT(square, 0) << name;
        const double h = 2e-3 / std::sqrt(square) * std::min(1.0, std::sqrt(square));
        std::vector<HostTensor> up = inputs, down = inputs;
        for (size_t k = 0; k < gradient.values.size(); k++) {
            up[i + 2].values[k] += float(h * gradient.values[k]);
            down[i + 2].values[k] -= float(h * gradient.values[k]);
        }
        EXPECT_NEAR((loss(up) - loss(down)) / (2 * h) / square, 1, 0.01) << name << ", step " << h;
    }
}

TEST(Training, CrossEntropyOfKnownLogits) {
    Graph graph;
    const NodeId z = graph.input("z", {2, 1, 1, 2}), t = graph.input("t", {2, 1, 1, 2});
    const NodeId loss = cross_entropy(graph, z, t);
    Stream stream({DeviceKind::cpu});
    // The second would overflow exp.
    const HostTensor value = evaluate(
        graph, {loss}, stream, {HostTensor({2, 1, 1, 2}, {0, 0, 1000, 0}), HostTensor({2, 1, 1, 2}, {1, 0, 0, 1})})[0];
    EXPECT_NEAR(value.values[0], (std::numbers::ln2 + 1000) / 2, 1e-3);
}

TEST(Training, RateRisesThenFallsAsACosine) {
    TrainOptions o;
    o.steps = 110, o.warmup = 10, o.rate = 0.5;
    EXPECT_DOUBLE_EQ(rate_at(o, 5), 0.25);
    EXPECT_DOUBLE_EQ(rate_at(o, 10), 0.5);
    EXPECT_NEAR(rate_at(o, 60), 0.25, 1e-12);
    EXPECT_NEAR(rate_at(o, 110), 0, 1e-12);
}

// One update against its formula, from a gradient of the same kernels.
TEST(Training, SgdDecaysThenDescends) {
    TrainOptions o = short_options();
    o.optimiser = Descent::sgd, o.weight_decay = 0.5, o.warmup = 0, o.steps = 1000000, o.rate = 0.1;
    const Dataset data = brightness_data(0);
    const Net net = make_net(initial_patterns(data.labels, 1));
    Stream stream({DeviceKind::cpu}, 1);
    Batch batch{HostTensor({o.batch, 32, 32, 3}), {}};
    Loader(data, o.augmentation, o.seed).load(0, batch, stream.threads());
    const TrainingGraph training = training_graph(net, batch.images.shape);
    std::vector<HostTensor> inputs{batch.images, HostTensor({o.batch, 1, 1, 2})};
    for (int64_t i = 0; i < o.batch; i++) inputs[1].at(i, 0, 0, batch.classes[size_t(i)]) = 1;
    for (const std::string& name : training.parameters) inputs.push_back(net.weights->tensors.at(name));
    const std::vector<HostTensor> gradients = evaluate(training.graph, training.gradients, stream, inputs);
    Trainer trainer(net, data, o, stream);
    trainer.step();
    const Weights after = trainer.weights();
    for (size_t i = 0; i < gradients.size(); i++) {
        const std::string& name = training.parameters[i];
        HostArray<double> expected(gradients[i].shape);
        const double keep = name.ends_with("_w") ? 1 - 0.1 * 0.5 : 1;
        for (size_t k = 0; k < expected.values.size(); k++)
            expected.values[k] = keep * inputs[i + 2].values[k] - 0.1 * gradients[i].values[k];
        EXPECT_TRUE(matches(expected, after.tensors.at(name), {1e-5, true})) << name;
    }
}

TEST(Training, LearnsWhatIsEasy) {
    TrainOptions o = short_options();
    o.steps = 25, o.warmup = 5;
    const Dataset data = brightness_data(16);
    Stream stream({DeviceKind::cpu});
    Trainer trainer(make_net(initial_patterns(data.labels, 1)), data, o, stream);
    while (trainer.done() < o.steps) trainer.step();
    EXPECT_LT(trainer.losses().back(), 0.3f * trainer.losses().front());
    const Evaluation result = trainer.evaluate(data, 100);
    EXPECT_EQ(result.count, 16);
    EXPECT_EQ(result.right, 16);
    EXPECT_EQ(result.confusion[0] + result.confusion[3], 16);
    EXPECT_LT(result.loss, 0.3);
}

// Stopped, saved and resumed, on another number of threads: the same bits as in one go.
TEST(Training, ResumesToTheSameBits) {
    for (const Descent optimiser : {Descent::adam, Descent::sgd}) {
        TrainOptions o = short_options();
        o.optimiser = optimiser;
        o.augmentation = {true, 2, 0.1};
        const Dataset data = brightness_data(10);  // two epochs and a half
        const Net net = make_net(initial_patterns(data.labels, 1));
        Stream one({DeviceKind::cpu}, 1), two({DeviceKind::cpu}, 2);
        Trainer straight(net, data, o, one);
        while (straight.done() < o.steps) straight.step();
        const std::string path = file_name("checkpoint.h5");
        {
            Trainer first(net, data, o, two);
            while (first.done() < 3) first.step();
            first.save(path);
        }
        Trainer second(net, data, o, two);
        second.resume(path);
        EXPECT_EQ(second.done(), 3);
        while (second.done() < o.steps) second.step();
        EXPECT_EQ(straight.losses(), second.losses());
        EXPECT_EQ(straight.weights().checksum, second.weights().checksum);
        // With other options it is another training.
        o.rate *= 2;
        Trainer other(net, data, o, one);
        EXPECT_NE(error_of([&] { other.resume(path); }).find("resume with the options"), std::string::npos);
        EXPECT_EQ(other.done(), 0);
        std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
        EXPECT_NE(error_of([&] { other.resume(path); }), "");
        std::filesystem::remove(path);
    }
}

// A network that takes BGR, as Caffe's do: pictures in which only the colour tells the classes apart.
Weights bgr_weights(const std::vector<std::string>& labels) {
    Weights weights = initial_patterns(labels, 7);
    weights.preprocessing = {{2, 1, 0}, 4, {1, 2, 3}};
    for (auto& [name, tensor] : weights.tensors)
        if (name == "softmax2_w")
            for (float& value : tensor.values) value *= 10;
    return weights;
}

Dataset colour_data() {
    Dataset data = brightness_data(8);
    data.load = [](int64_t index, MutView image) {
        for (int64_t i = 0; i < image.shape.size(); i++)
            image.data[i] = (i % 3 == (index % 2 ? 0 : 2) ? 0.8f : 0.2f) + 0.01f * float((index * 7 + i) % 5);
        return int(index % 2);
    };
    return data;
}

// Mean loss of the data under a network, by the way of everything that looks at pictures.
double loss_of(const Net& net, const Dataset& data, Stream& stream) {
    double loss = 0;
    for (int64_t i = 0; i < data.size; i++) {
        Graph graph;
        const Shape shape{1, data.height, data.width, 3};
        const NodeId logits = layer(net, apply(net, graph, graph.input("images", shape)), net.logits);
        HostTensor picture(shape);
        const int truth = data.load(i, picture.view());
        const std::vector<float> z = evaluate(graph, {logits}, stream, {picture})[0].values;
        loss += std::log(std::exp(double(z[0])) + std::exp(double(z[1]))) - z[size_t(truth)];
    }
    return loss / double(data.size);
}

TEST(Training, NetworksThatTakeBgrBeginAndEndAsTheyAre) {
    const Dataset data = colour_data();
    const Net net = make_net(bgr_weights(data.labels));
    Stream stream({DeviceKind::cpu}, 1);
    TrainOptions o = short_options();
    o.batch = 8;
    Trainer trainer(net, data, o, stream);
    // Before the first update: what the network itself says, and what is read back from a file.
    const double before = loss_of(net, data, stream);
    EXPECT_NEAR(trainer.evaluate(data, 8).loss, before, 1e-4);
    const std::string path = file_name("bgr.h5");
    const auto reload = [&] {
        const Weights now = trainer.weights();
        save_weights(path, now);
        const Weights read = load_weights(path);
        EXPECT_EQ(read.checksum, now.checksum);
        return make_net(read);
    };
    const Net same = reload();
    for (const auto& [name, shape] : parameter_shapes(net))
        EXPECT_TRUE(same_bits(*net.parameter(name), *same.parameter(name))) << name;
    EXPECT_EQ(loss_of(same, data, stream), before);
    // The loss of the first batch, which has all pictures, is that of the same network.
    trainer.step();
    EXPECT_NEAR(trainer.losses()[0], before, 1e-4);
    while (trainer.done() < o.steps) trainer.step();
    // Afterwards: the evaluation is that of the trained network, in memory and read again, bit for bit.
    const double after = loss_of(reload(), data, stream);
    EXPECT_NEAR(trainer.evaluate(data, 8).loss, after, 1e-4);
    EXPECT_NE(after, before);
    Trainer again(reload(), data, o, stream);
    EXPECT_EQ(again.weights().checksum, trainer.weights().checksum);
    std::filesystem::remove(path);
}

TEST(Training, DamagedCheckpointsSayWhatToDo) {
    const Dataset data = brightness_data(10);
    Stream stream({DeviceKind::cpu}, 1);
    Trainer trainer(make_net(initial_patterns(data.labels, 1)), data, short_options(), stream);
    const std::string path = file_name("damaged.h5");
    trainer.save(path);
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
    const std::string error = error_of([&] { trainer.resume(path); });
    EXPECT_TRUE(error.ends_with("; put an intact copy in its place, or remove it to begin anew")) << error;
    EXPECT_EQ(error.find("convert"), std::string::npos) << error;
    std::filesystem::resize_file(path, 0);
    EXPECT_NE(error_of([&] { trainer.resume(path); }).find("to begin anew"), std::string::npos);
    std::filesystem::remove(path);
}

TEST(Training, RefusesWhatDoesNotFit) {
    const Dataset data = brightness_data(4);
    Stream stream({DeviceKind::cpu}, 1);
    const Net other = make_net(initial_patterns({"x", "y", "z"}, 1)), net = make_net(initial_patterns(data.labels, 1));
    EXPECT_NE(error_of([&] { Trainer(other, data, short_options(), stream); }).find("begin with weights for this data"),
              std::string::npos);
    TrainOptions o = short_options();
    o.batch = 0;
    EXPECT_NE(error_of([&] { Trainer(net, data, o, stream); }).find("expected steps, batch and rate above 0"),
              std::string::npos);
    o = short_options();
    o.rate = 1e9, o.warmup = 0, o.steps = 50;
    Trainer diverges(net, data, o, stream);
    EXPECT_NE(error_of([&] {
                  while (diverges.done() < o.steps) diverges.step();
              }).find("lower --rate"),
              std::string::npos);
}

TEST(Loader, EveryEpochHasEachPictureOnceInAnOrderOfItsOwn) {
    Dataset data = brightness_data(12);
    data.load = [](int64_t index, MutView image) {
        std::fill_n(image.data, image.shape.size(), 0.5f);
        return int(index);
    };
    data.labels.assign(12, "");
    Stream stream({DeviceKind::cpu}, 2);
    Loader loader(data, {}, 9);
    Batch batch{HostTensor({12, 32, 32, 3}), {}};
    std::vector<std::vector<int>> orders;
    for (int epoch = 0; epoch < 2; epoch++) {
        loader.load(epoch * 12, batch, stream.threads());
        orders.push_back(batch.classes);
        std::ranges::sort(batch.classes);
        for (int i = 0; i < 12; i++) EXPECT_EQ(batch.classes[size_t(i)], i);
    }
    EXPECT_NE(orders[0], orders[1]);
    loader.load(0, batch, stream.threads());
    EXPECT_EQ(batch.classes, orders[0]);
}

TEST(Loader, MirrorsPicturesAndTheirClasses) {
    Dataset data = brightness_data(0);
    data.labels = {"left", "right"};
    data.mirrored = {1, 0};
    data.load = [](int64_t, MutView image) {  // bright on the left
        for (int64_t y = 0; y < image.shape.h; y++)
            for (int64_t x = 0; x < image.shape.w; x++) std::fill_n(image.pixel(0, y, x), 3, x < 16 ? 1.0f : 0.0f);
        return 0;
    };
    Stream stream({DeviceKind::cpu}, 2);
    Batch batch{HostTensor({64, 32, 32, 3}), {}};
    Loader(data, {true, 0, 0}, 2).load(0, batch, stream.threads());
    int mirrored = 0;
    for (int64_t i = 0; i < 64; i++) {
        EXPECT_EQ(batch.classes[size_t(i)] == 0, batch.images.at(i, 5, 0, 0) == 1.0f);
        mirrored += batch.classes[size_t(i)];
    }
    EXPECT_NEAR(mirrored, 32, 20);
}

}  // namespace
}  // namespace limpid::testing
