// limpid train: teaches the network of nets/patterns.h what is in labelled pictures.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/error.h"
#include "nets/patterns.h"
#include "nets/train/train.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/memory_limit.h"
#include "tools/progress.h"
#include "tools/run_options.h"
#include "tools/training_data.h"
#include "tools/version.h"
#include "viz/image/curve.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "weights/file.h"
#include "weights/outputs.h"

namespace limpid {

namespace {

namespace fs = std::filesystem;

struct TrainArguments {
    RunArguments run;
    TrainOptions options;
    std::string data, test, out = "trained.h5", optimiser = "adam", storage = "float32";
    int64_t evaluate = 2000, checkpoint_every = 1000, stop_after = 0, size = kTrainedSize;
    bool resume = false, quiet = false;
};

std::string beside(const std::string& out, const std::string& suffix) {
    return fs::path(out).replace_extension(suffix).string();
}

// Means of `values` over up to `most` equal stretches.
std::vector<float> condensed(const std::vector<float>& values, size_t most) {
    const size_t count = std::min(most, values.size());
    std::vector<float> result;
    for (size_t i = 0; i < count; i++) {
        const size_t first = values.size() * i / count, last = values.size() * (i + 1) / count;
        double sum = 0;
        for (size_t k = first; k < last; k++) sum += values[k];
        result.push_back(float(sum / double(last - first)));
    }
    return result;
}

// What was done and how it went. No times: the same command writes the same bytes.
nlohmann::ordered_json record(const TrainArguments& a, const Trainer& trainer, const std::vector<std::string>& labels,
                              const std::string& data, const Stream& stream, const Evaluation& result,
                              const Weights& weights) {
    nlohmann::ordered_json classes = nlohmann::ordered_json::array();
    for (int64_t k = 0; k < result.classes; k++) {
        int64_t count = 0;
        for (int64_t j = 0; j < result.classes; j++) count += result.confusion[size_t(k * result.classes + j)];
        nlohmann::ordered_json taken_for = nlohmann::ordered_json::object();
        for (int64_t j = 0; j < result.classes; j++)
            if (const int64_t wrong = result.confusion[size_t(k * result.classes + j)]; j != k && wrong > 0)
                taken_for[labels[size_t(j)]] = wrong;
        classes.push_back({{"label", labels[size_t(k)]},
                           {"count", count},
                           {"right", result.confusion[size_t(k * result.classes + k)]},
                           {"taken for", taken_for}});
    }
    return {{"data", data},
            {"options", to_string(a.options)},
            {"updates", trainer.done()},
            {"device", stream.backend().name},
            {"version", LIMPID_VERSION},
            {"commit", LIMPID_COMMIT},
            {"weights", weights.checksum},
            {"evaluation",
             {{"count", result.count}, {"loss", result.loss}, {"accuracy", result.accuracy()}, {"classes", classes}}},
            {"loss", condensed(trainer.losses(), 200)},
            {"accuracy", condensed(trainer.accuracies(), 200)}};
}

void write_curve(const std::string& path, const Trainer& trainer) {
    if (trainer.done() > 0) write_png(path, curve(condensed(trainer.losses(), 512), 512, 256).view());
}

Storage storage_of(const std::string& name) { return name == "float16" ? Storage::float16 : Storage::float32; }

// Runs until the end, Ctrl-C or --stop-after; answers whether the end was reached.
bool run_updates(const TrainArguments& a, Trainer& trainer, const std::string& checkpoint, const RunOptions& run) {
    Progress progress("train", a.quiet);
    const int64_t first = trainer.done(),
                  last = a.stop_after > 0 ? std::min(a.options.steps, a.stop_after) : a.options.steps;
    const auto start = std::chrono::steady_clock::now();
    double loss = 0, right = 0;  // running means
    while (trainer.done() < last && !interrupted()) {
        try {
            trainer.step(run);
        } catch (const Stopped&) {  // within an update, which then changed nothing
            break;
        }
        const double weight = std::max(0.01, 1.0 / double(trainer.done() - first));
        loss += weight * (trainer.losses().back() - loss), right += weight * (trainer.accuracies().back() - right);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        progress.report(
            trainer.done(), a.options.steps,
            concat("loss ", std::fixed, std::setprecision(4), loss, ", right ", right, ", ", std::setprecision(0),
                   double((trainer.done() - first) * a.options.batch) / seconds, " pictures/s"));
        if (trainer.done() % a.checkpoint_every == 0) trainer.save(checkpoint);
    }
    return trainer.done() >= a.options.steps;
}

ExitStatus train(TrainArguments& a) {
    if (!a.out.ends_with(".h5")) throw UsageError(concat(a.out, ": weights are HDF5 files; end the name with .h5"));
    a.options.optimiser = a.optimiser == "sgd" ? Descent::sgd : Descent::adam;
    const std::string checkpoint = beside(a.out, ".checkpoint.h5");
    std::vector<std::string> inputs = training_files(a.data, a.test);
    if (!a.run.weights.empty()) inputs.push_back(weights_file(a.run));
    check_outputs({a.out, beside(a.out, ".json"), beside(a.out, ".png"), checkpoint}, inputs);
    const TrainingData data = load_training_data(
        a.data, a.test, a.options.seed, a.size,
        [&](double bytes) {
            check_memory(a.run.max_memory, bytes, "the pictures of " + a.data, "a smaller --size needs less");
        },
        interrupt_stop());
    Stream stream = open_stream(a.run);
    const Net net =
        a.run.weights.empty() ? make_net(initial_patterns(data.train.labels, a.options.seed)) : load_net(a.run);
    Trainer trainer(net, data.train, a.options, stream);
    if (a.resume && fs::exists(checkpoint)) trainer.resume(checkpoint);
    say_missing_threads(a.run, stream);
    if (!a.quiet)
        std::cerr << "limpid train: " << net.name << ", " << one_line(data.train.name) << ", " << to_string(a.options)
                  << ", on " << stream.backend().name
                  << (trainer.done() > 0 ? concat(", from update ", trainer.done()) : "") << '\n';
    keep_results();
    const Inspection inspection(a.run, stream);
    bool finished = run_updates(a, trainer, checkpoint, inspection.options());
    inspection.report(trainer.plan());
    Weights weights;
    Evaluation result;
    if (finished) {
        weights = stored(trainer.weights(), storage_of(a.storage));
        try {
            result = trainer.evaluate(data.test, data.test.size > 0 ? data.test.size : a.evaluate);
        } catch (const Stopped&) {
            finished = false;
        }
    }
    if (!finished) {
        trainer.save(checkpoint);
        write_curve(beside(a.out, ".png"), trainer);
        std::cerr << "limpid train: stopped after " << trainer.done() << " of " << a.options.steps
                  << " updates; go on with --resume\n";
        return kPartlyDone;
    }
    save_weights(a.out, weights, storage_of(a.storage));
    write_file_atomically(
        beside(a.out, ".json"),
        as_bytes(to_json_text(record(a, trainer, data.train.labels, data.train.name, stream, result, weights), 1) +
                 "\n"));
    write_curve(beside(a.out, ".png"), trainer);
    std::error_code ignored;
    fs::remove(checkpoint, ignored);
    std::cout << a.out << "  " << std::fixed << std::setprecision(4) << result.accuracy() << " of " << result.count
              << " right, loss " << result.loss << '\n';
    return kDone;
}

}  // namespace

Run declare_train(CLI::App& app) {
    const auto a = std::make_shared<TrainArguments>();
    TrainOptions& o = a->options;
    app.add_option(
           "DATA", a->data,
           "world (the procedural one); a folder with a folder of pictures for each class; or a folder with IDX files")
        ->required();
    app.add_option(
        "--test", a->test,
        "a folder like DATA to evaluate on; otherwise every tenth picture is kept for it, or t10k-* of IDX files");
    app.add_option("-o,--out", a->out,
                   "the weights; .json and .png beside them tell how it went, .checkpoint.h5 where it stands")
        ->capture_default_str();
    app.add_option("--storage", a->storage, "of the weights' values")
        ->check(CLI::IsMember({"float32", "float16"}))
        ->capture_default_str();
    app.add_flag("--resume", a->resume,
                 "go on from the checkpoint, if there is one; the result has the same bits as without the stop");
    app.add_option("--steps", o.steps, "updates")
        ->check(CLI::Range(int64_t(1), int64_t(1) << 24))
        ->capture_default_str();
    app.add_option("--batch", o.batch, "pictures in an update")->check(CLI::Range(1, 4096))->capture_default_str();
    app.add_option("--seed", o.seed, "of initial weights, order, augmentation and world")->capture_default_str();
    app.add_option("--optimiser", a->optimiser, "adam or sgd (with momentum)")
        ->check(CLI::IsMember({"adam", "sgd"}))
        ->capture_default_str();
    app.add_option("--rate", o.rate, "highest learning rate; it falls to 0 as a cosine")->capture_default_str();
    app.add_option("--warmup", o.warmup, "updates in which the rate rises from 0")
        ->check(CLI::Range(0, 1 << 24))
        ->capture_default_str();
    app.add_option("--momentum", o.momentum, "of sgd")->capture_default_str();
    app.add_option("--beta1", o.beta1, "of adam")->capture_default_str();
    app.add_option("--beta2", o.beta2, "of adam")->capture_default_str();
    app.add_option("--weight-decay", o.weight_decay, "decoupled, of filters and matrices")->capture_default_str();
    app.add_option("--smoothing", o.smoothing, "of the targets")->check(CLI::Range(0.0, 0.9))->capture_default_str();
    app.add_flag("--flip", o.augmentation.flip, "show mirror images too");
    app.add_option("--shift", o.augmentation.shift, "move pictures by up to this many pixels")
        ->check(CLI::Range(0, 1000))
        ->capture_default_str();
    app.add_option("--colour", o.augmentation.colour, "change brightness, contrast and channels by up to this part")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    app.add_option("--size", a->size, "of the pictures of the world and of folders, pixels")
        ->check(CLI::Range(16, 512))
        ->capture_default_str();
    app.add_option("--evaluate", a->evaluate, "pictures of an endless set to evaluate on")
        ->check(CLI::Range(1, 10000000))
        ->capture_default_str();
    app.add_option("--checkpoint-every", a->checkpoint_every, "updates")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    app.add_option("--stop-after", a->stop_after, "stop at this update, as Ctrl-C would; 0: never")
        ->check(CLI::Range(0, 1 << 24));
    app.add_flag("--quiet", a->quiet, "no progress");
    declare_run_options(app, a->run);
    return [a] { return train(*a); };
}

}  // namespace limpid
