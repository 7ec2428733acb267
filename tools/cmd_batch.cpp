// limpid batch: whole layers, or any list of jobs, as pictures in a folder that can be resumed and shared.
#include <CLI/CLI.hpp>
#include <memory>

#include "kernels/error.h"
#include "tools/batch_run.h"

namespace limpid {

namespace {

struct BatchCommandArguments : BatchArguments {
    std::vector<std::string> sources;
    bool no_sprites = false;
};

ExitStatus render_batch(BatchCommandArguments& a) {
    a.sprites = !a.no_sprites;
    a.inputs = a.sources;  // those that are no files are none of anything
    const Shard shard = find_shard(a.shard);
    refuse_trace(a.run);
    const Net net = load_net(a.run);
    const JobList list = read_jobs(a.sources, batch_options(a), net);
    if (list.jobs.empty() && list.errors.size() == 1) throw Error(list.errors[0]);
    Stream stream = open_stream(a.run);
    return run_batch(a, net, stream, list, shard);
}

}  // namespace

Run declare_batch(CLI::App& app) {
    const auto a = std::make_shared<BatchCommandArguments>();
    app.add_option(
           "JOBS", a->sources,
           "what to render: mixed4d:*, mixed3a:0-63, all, any objective; or, where the name ends so, files of them: "
           ".jsonl, .ndjson, .csv (fields objective, name, size, param, transforms, steps, learning_rate, optimiser, "
           "seed, job, batch), .txt with one on each line. A list of channels stands alone")
        ->required();
    app.add_option("-o,--out", a->folder, "folder of the pictures and their manifest")->required();
    declare_batch_options(app, *a);
    app.add_flag("--raw", a->raw, "also the floats of each picture, in HDF5");
    app.add_flag("--no-sprites", a->no_sprites, "no sheets");
    app.add_option("--cell", a->cell, "size of a cell of the sheets in pixels")
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    return [a] { return render_batch(*a); };
}

}  // namespace limpid
