// limpid activations: what layers of a network answer to a photo, as arrays.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/photo_input.h"
#include "tools/run_options.h"
#include "viz/attribution/section.h"

namespace limpid {

namespace {

struct ActivationsArguments {
    RunArguments run;
    PhotoArguments photo;
    std::vector<std::string> layers;
    std::string out;
};

ExitStatus write_activations(const ActivationsArguments& a) {
    check_array_file(a.out, a.layers.size());
    refuse_trace(a.run);
    check_files(a.run, {a.out}, {a.photo.path});
    const Net net = load_net(a.run);
    const HostTensor photo = load_photo(a.photo, net);
    Stream stream = open_stream(a.run);
    const Inspection inspection(a.run, stream);
    std::vector<HostTensor> values = activations(net, a.layers, photo, stream, inspection.options());
    std::map<std::string, HostTensor> arrays;
    for (size_t i = 0; i < a.layers.size(); i++) arrays[a.layers[i]] = std::move(values[i]);
    size_t bytes = 0;
    for (const auto& [name, value] : arrays) bytes += size_t(value.shape.size()) * sizeof(float);
    // With the file that they become, which grows by doubling.
    check_memory(stream, 3 * bytes, concat("the activations of ", arrays.size(), " layers"));
    keep_results();
    write_array_file(a.out, arrays,
                     {{"photo", a.photo.path}, {"net", net.name}, {"weights_checksum", net.weights->checksum}});
    announce_choice(a.run, net, stream);
    for (const auto& [name, value] : arrays) std::cout << a.out << "  " << name << "  " << value.shape << '\n';
    return kDone;
}

}  // namespace

Run declare_activations(CLI::App& app) {
    const auto a = std::make_shared<ActivationsArguments>();
    declare_photo(app, a->photo);
    app.add_option("--layer", a->layers, "a layer such as mixed4d; several for a .h5 (limpid info lists all)")
        ->required();
    app.add_option("-o,--out", a->out,
                   "a .npy (one layer) or .h5 file (a dataset for each layer): float32, axes n h w c")
        ->required();
    declare_run_options(app, a->run);
    return [a] { return write_activations(*a); };
}

}  // namespace limpid
