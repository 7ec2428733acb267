// limpid fetch: downloads public weights, continues where an earlier attempt stopped, converts.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "tools/command.h"
#include "tools/find_weights.h"
#include "tools/interrupt.h"
#include "tools/progress.h"
#include "weights/sources.h"
#include "weights/weights.h"

namespace limpid {

namespace {

struct FetchArguments {
    std::string name, folder;
    bool quiet = false;
};

ExitStatus fetch_and_convert(const FetchArguments& options) {
    const WeightSource& source = weight_source(options.name);
    const std::string folder = options.folder.empty() ? weights_home() : options.folder;
    const std::string converted = (std::filesystem::path(folder) / (source.name + ".h5")).string();
    if (std::filesystem::exists(converted)) {
        const Weights weights =
            load_weights(converted);  // throws when it is damaged, rather than replace what may be another file
        std::cout << converted << ": is there already, checksum " << weights.checksum << '\n';
        return kDone;
    }
    keep_results();
    std::string model;
    try {
        Progress progress("fetch", options.quiet);
        model = fetch_weights(source, folder, [&](int64_t done, int64_t total) {
            interrupt_stop().check();  // no Error: nobody tries the next mirror
            progress.report(done, total, source.file);
        });
    } catch (const Stopped&) {
        std::cout << "interrupted; the same command continues where it stopped\n";
        return kPartlyDone;
    }
    ImportOptions import;
    import.variant = source.variant;
    const Weights weights = with_network_text(import_weights(model, import));
    save_weights(converted, weights);
    std::cout << converted << ": " << weights.variant << ", " << weights.tensors.size() << " arrays, checksum "
              << weights.checksum << "\nThe download stays in " << folder << " and may be removed.\n";
    return kDone;
}

std::string source_list() {
    std::string text;
    for (const WeightSource& source : weight_sources())
        text += (text.empty() ? "" : "; ") + source.name + ": " + source.description;
    return text;
}

}  // namespace

Run declare_fetch(CLI::App& app) {
    const auto options = std::make_shared<FetchArguments>();
    app.add_option("NAME", options->name, source_list())->required();
    app.add_option("--to", options->folder,
                   "folder to put them in; by default where the other commands look for weights");
    app.add_flag("--quiet", options->quiet, "no progress");
    return [options] { return fetch_and_convert(*options); };
}

}  // namespace limpid
