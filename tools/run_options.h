// Options that every command which runs a network has: device, threads, weights, and the four ways to look inside a
// run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "graph/run.h"
#include "nets/net.h"

namespace CLI {
class App;
}

namespace limpid {

struct RunArguments {
    std::string command;  // which says something, for "limpid grid: ..."
    std::string device = "auto";
    std::string precision = "fp32";
    int threads = 0;       // 0: one per processor
    std::string weights;   // see find_weights
    ImportOptions import;  // how its pictures are, where the file does not say it
    std::string net;       // "" (the one of the weights), "patterns" or "tiny"
    bool trace = false, check = false;
    std::string shadow;      // a device
    std::string dump;        // a folder
    std::string max_memory;  // see allowed_memory; empty: what is free
};

void declare_run_options(CLI::App& app, RunArguments& arguments);

// --preprocess and --show, for whatever reads weights.
void declare_pictures(CLI::App& app, ImportOptions& import);

// On stderr, what an import guessed or left out: "limpid convert: resnet.onnx: ...".
void print_notes(const std::string& command, const Weights& weights);

// The device that --device and --precision name; auto: a GPU, or else the CPU. Of several GPUs the first, or, for
// processes that a launcher has started on this machine, one after the other in turn, which is said on stderr. Throws
// UsageError where they do not fit together, Error where the machine lacks the device.
Device choose_device(const RunArguments& arguments);

// The stream that a command works on: of choose_device, stopped by signals, with no more memory than --max-memory
// allows or, on a CPU, is free. Says on stderr where the system refused to start as many threads as were asked for.
Stream open_stream(const RunArguments& arguments);

// "limpid grid: GoogLeNet on cuda:0 ..." on stderr, where --device auto has chosen. Said with the results: a run that
// fails prints one line, its error. Says also what say_missing_threads does, which is never quiet.
void announce_choice(const RunArguments& arguments, const Net& net, const Stream& stream, bool quiet = false);

// A line on stderr where the stream has fewer threads than it was to have.
void say_missing_threads(const RunArguments& arguments, const Stream& stream);

// The file that load_net reads; "": a built-in network. Throws as load_net does where there is none.
std::string weights_file(const RunArguments& arguments);

// For every command that writes files, before its work: throws where one of them is an input, the weights included, or
// could not be written (check_outputs). Arrays of --dump are no pictures: only .npy files of its folder are in its way.
void check_files(const RunArguments& arguments, const std::vector<std::string>& outputs,
                 std::vector<std::string> inputs);

// The network that --net or --weights name; without either that of the weights that are found, or else patterns.
Net load_net(const RunArguments& arguments);

// For commands that run several plans: throws UsageError where --trace, which is of one, was given.
void refuse_trace(const RunArguments& arguments);

// What the switches ask for, alive as long as the run.
class Inspection {
  public:
    Inspection(const RunArguments& arguments, Stream& stream);
    const RunOptions& options() const { return options_; }
    // Prints what was found to stderr: the trace of `plan`, the worst difference from the shadow.
    void report(const Plan& plan) const;

  private:
    std::unique_ptr<Trace> trace_;
    std::unique_ptr<Shadow> shadow_;
    RunOptions options_;
};

}  // namespace limpid
