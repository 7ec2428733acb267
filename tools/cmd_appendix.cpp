// limpid appendix: a page to browse what every channel of a network responds to.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "tools/batch_run.h"
#include "viz/appendix/appendix.h"

namespace limpid {

namespace {

struct AppendixArguments : BatchArguments {
    AppendixOptions appendix;
    bool no_negative = false, no_diversity = false;
};

ExitStatus make_appendix(AppendixArguments& a) {
    a.appendix.negative = !a.no_negative;
    a.appendix.diversity = !a.no_diversity;
    const Shard shard = find_shard(a.shard);
    refuse_trace(a.run);
    const Net net = load_net(a.run);
    const RenderOptions options = batch_options(a);
    const JobList list = appendix_jobs(a.appendix, options, net);
    Stream stream = open_stream(a.run);
    std::string words = concat(" --steps ", options.steps, " --size ", a.size, " --seed ", options.seed,
                               " --learning-rate ", options.adam.rate, " --param '", a.param, "' --transforms '",
                               a.transforms, "' --optimiser '", a.optimiser, "'");
    if (!a.run.net.empty()) words += " --net " + a.run.net;
    if (!a.run.weights.empty()) words += " --weights " + shell_word(a.run.weights);
    const auto write_page = [&] { write_appendix(a.folder, a.appendix, options, net, words); };
    const ExitStatus status = run_batch(a, net, stream, list, shard);
    if (a.plan) return status;
    write_page();
    std::cout << a.folder << "/index.html\n";
    return status;
}

}  // namespace

Run declare_appendix(CLI::App& app) {
    const auto a = std::make_shared<AppendixArguments>();
    a->command = "appendix";
    app.add_option("DIR", a->folder, "folder of the page, its pictures and their manifest")->required();
    app.add_option("--layers", a->appendix.layers,
                   "layers, separated by commas; all of the trunk where it is not given")
        ->delimiter(',')
        ->allow_extra_args(false);
    app.add_flag("--no-negative", a->no_negative, "leave out what inhibits a channel");
    app.add_flag("--no-diversity", a->no_diversity, "leave out the four different pictures of a channel");
    declare_batch_options(app, *a);
    return [a] { return make_appendix(*a); };
}

}  // namespace limpid
