// From options to a network and to the switches of a run.
#include "tools/run_options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "kernels/backend.h"
#include "kernels/error.h"
#include "nets/patterns.h"
#include "nets/tiny.h"
#include "tools/command.h"
#include "tools/find_weights.h"
#include "tools/interrupt.h"
#include "tools/memory_limit.h"
#include "tools/shard.h"
#include "weights/file.h"
#include "weights/npy.h"
#include "weights/outputs.h"

namespace limpid {

void declare_run_options(CLI::App& app, RunArguments& arguments) {
    arguments.command = app.get_name();
    app.add_option("--weights", arguments.weights,
                   "weights: a file (.h5, .onnx, .caffemodel, .pb) or the name of fetched ones, e.g. bvlc");
    declare_pictures(app, arguments.import);
    app.add_option(
        "--net", arguments.net,
        "a built-in network: patterns (trained, 25 classes; taken where no weights are found) or tiny (formulas)");
    app.add_option("--device", arguments.device,
                   "auto (a GPU where there is one, else the CPU), cpu, cpu:avx512, cpu:avx2, cpu:portable, reference, "
                   "cuda, cuda:N")
        ->capture_default_str();
    app.add_option("--precision", arguments.precision,
                   "of convolutions and matrix products on a GPU: fp32, tf32x3 (tensor cores, about as accurate), tf32 "
                   "(faster, 3 digits)")
        ->capture_default_str();
    app.add_option("--threads", arguments.threads, "CPU threads; 0: one per processor. Results do not depend on it")
        ->check(CLI::Range(0, 1024))
        ->capture_default_str();
    app.add_flag("--trace", arguments.trace, "print time, GFLOP/s, GB/s and percent of the roofline of every node");
    app.add_flag("--check", arguments.check,
                 "stop at the first value that is not finite, or node that a GPU fails at, naming the node");
    app.add_option("--shadow", arguments.shadow, "compare every node with this device, e.g. reference");
    app.add_option("--dump", arguments.dump, "write every node's value to this folder as .npy");
    declare_memory_option(app, arguments.max_memory);
}

void declare_pictures(CLI::App& app, ImportOptions& import) {
    app.add_option(
        "--preprocess", import.preprocess,
        "how pictures are prepared for an .onnx that does not say it: torchvision, caffe, tensorflow, none, or "
        "settings as in \"scale=255; mean=104 117 123; order=2 1 0\"");
    app.add_option_function<std::vector<int64_t>>(
           "--show",
           [&import](const std::vector<int64_t>& channels) {
               import.shown.clear();
               for (const int64_t channel : channels) import.shown += concat(import.shown.empty() ? "" : " ", channel);
           },
           "which channels of an .onnx that takes more than RGB are shown as red, green and blue, e.g. 3,2,1; by "
           "default the first three")
        ->expected(3)
        ->delimiter(',')
        ->check(CLI::Range(0, 65535));
}

void print_notes(const std::string& command, const Weights& weights) {
    for (const std::string& note : weights.notes)
        std::cerr << concat("limpid ", command, ": ", one_line(weights.source), ": ", one_line(note), "\n");
}

namespace {

Device automatic_device(const std::string& command) {
    int gpus = 0;
    while (cuda_backend({DeviceKind::cuda, gpus})) gpus++;
    if (gpus == 0) return {};
    Device device{DeviceKind::cuda, 0};
    if (const std::optional<LocalProcess> process = find_local_process()) {
        device.index = int(process->index % gpus);
        std::cerr << concat("limpid ", command, ": ", process->launcher, " process ", process->index + 1,
                            " of this machine takes ", to_string(device), " of ", gpus, " GPUs\n");
    }
    return device;
}

}  // namespace

Device choose_device(const RunArguments& arguments) {
    const Precision precision = parse_precision(arguments.precision);
    Device device = arguments.device == "auto" ? automatic_device(arguments.command) : parse_device(arguments.device);
    device.precision = precision;
    backend(device);
    return device;
}

Stream open_stream(const RunArguments& arguments) {
    if (!arguments.shadow.empty()) parse_device(arguments.shadow);  // refused before anything is done or said
    Stream stream(choose_device(arguments), arguments.threads);
    stream.stop_when(interrupt_stop());
    // How much of a GPU is free only its allocations tell.
    if (!arguments.max_memory.empty() || stream.device().kind != DeviceKind::cuda)
        stream.allow_memory(allowed_memory(arguments.max_memory));
    return stream;
}

void say_missing_threads(const RunArguments& arguments, const Stream& stream) {
    if (stream.thread_count() < stream.threads_wanted())
        std::cerr << concat("limpid ", arguments.command, ": ", stream.thread_count(), " of ", stream.threads_wanted(),
                            " threads could be started (a limit of processes or memory): slower, the same results\n");
}

void announce_choice(const RunArguments& arguments, const Net& net, const Stream& stream, bool quiet) {
    say_missing_threads(arguments, stream);
    if (arguments.device == "auto" && !quiet)
        std::cerr << concat("limpid ", arguments.command, ": ", net.name, " on ", stream.backend().name, "\n");
}

namespace {

// "": that of weights.
std::string built_in_net(const RunArguments& arguments) {
    return arguments.net.empty() && arguments.weights.empty() && !has_weights() ? "patterns" : arguments.net;
}

}  // namespace

std::string weights_file(const RunArguments& arguments) {
    return built_in_net(arguments).empty() ? find_weights(arguments.weights) : "";
}

void check_files(const RunArguments& arguments, const std::vector<std::string>& outputs,
                 std::vector<std::string> inputs) {
    inputs.push_back(weights_file(arguments));
    check_outputs(outputs, inputs);
    std::error_code unequal;
    for (const std::string& input : inputs)
        if (std::filesystem::path folder = std::filesystem::path(input).parent_path();
            !arguments.dump.empty() && input.ends_with(".npy") &&
            std::filesystem::equivalent(folder.empty() ? "." : folder, arguments.dump, unequal))
            throw UsageError(concat("--dump ", arguments.dump, ": holds ", input,
                                    ", which is read and could be written over; name another folder"));
}

Net load_net(const RunArguments& arguments) {
    struct BuiltIn {
        const char* name;
        Weights (*weights)();
    };
    static constexpr BuiltIn kBuiltIn[] = {{"patterns", trained_patterns}, {"tiny", tiny_weights}};
    const std::string asked = built_in_net(arguments);
    if (asked.empty()) {
        Weights weights = import_weights(weights_file(arguments), arguments.import);
        print_notes(arguments.command, weights);
        return make_net(std::move(weights));
    }
    if (!arguments.weights.empty())
        throw UsageError(concat("--net ", asked, " has its weights built in; drop --weights"));
    for (const BuiltIn& net : kBuiltIn)
        if (asked == net.name) {
            Net made = make_net(net.weights());
            made.name = asked + " (built in)";
            return made;
        }
    throw UsageError(
        concat("--net ", asked, " is not known; expected patterns or tiny, or name weights with --weights"));
}

void refuse_trace(const RunArguments& arguments) {
    if (arguments.trace)
        throw UsageError(
            "--trace times one plan, and this command runs several; use it with limpid render or classify");
}

Inspection::Inspection(const RunArguments& arguments, Stream& stream) {
    options_.check = arguments.check;
    if (arguments.trace) {
        trace_ = std::make_unique<Trace>();
        trace_->roofline = measure_roofline(stream);
        options_.trace = trace_.get();
    }
    if (!arguments.shadow.empty()) {
        shadow_ = std::make_unique<Shadow>(Stream(parse_device(arguments.shadow)));
        options_.shadow = shadow_.get();
    }
    if (!arguments.dump.empty()) {
        // Made when there is something to put into it: a command that is refused leaves nothing.
        options_.dump = [folder = arguments.dump](const std::string& name, const HostTensor& value) {
            with_context("--dump", [&] { create_folder(folder); });
            write_npy(concat(folder, "/", name, ".npy"), value);
        };
    }
}

void Inspection::report(const Plan& plan) const {
    if (trace_) std::fputs(trace_->print(plan).c_str(), stderr);
    if (shadow_)
        std::fprintf(stderr, "shadow %s: worst difference %.3g of the largest value, in %s\n",
                     to_string(shadow_->stream.device()).c_str(), shadow_->worst_error, shadow_->worst_step.c_str());
}

}  // namespace limpid
