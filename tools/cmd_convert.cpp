// limpid convert: trained weights of other programs to a checked .h5 file, and networks to ONNX models.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "kernels/error.h"
#include "nets/known_networks.h"
#include "nets/onnx/write_network.h"
#include "tools/command.h"
#include "tools/interrupt.h"
#include "tools/run_options.h"
#include "weights/outputs.h"
#include "weights/weights.h"

namespace limpid {

namespace {

struct ConvertArguments {
    std::string in, out, storage = "float32";
    ImportOptions import;
};

ExitStatus convert(const ConvertArguments& options) {
    // Guards against swapped arguments: a downloaded model is not overwritten.
    const bool onnx = options.out.ends_with(".onnx");
    if (!onnx && !options.out.ends_with(".h5"))
        throw UsageError(
            concat("convert: ", options.out, " would be the result, expected a name that ends in .h5 or .onnx"));
    if (onnx && options.storage != "float32")
        throw UsageError("convert: --storage float16 is of .h5 files; an .onnx is written in single precision");
    check_outputs({options.out}, {options.in, options.import.labels_file});
    const Storage storage = options.storage == "float16" ? Storage::float16 : Storage::float32;
    const Weights weights = stored(with_network_text(import_weights(options.in, options.import)), storage);
    print_notes("convert", weights);
    keep_results();
    if (onnx)
        save_onnx_network(options.out, weights);
    else
        save_weights(options.out, weights, storage);
    std::cout << options.out << ": " << weights.variant << ", " << weights.tensors.size() << " arrays, checksum "
              << weights.checksum << '\n';
    for (const std::string& name : weights.unused) std::cout << "not used: " << one_line(name) << '\n';
    return kDone;
}

}  // namespace

Run declare_convert(CLI::App& app) {
    const auto options = std::make_shared<ConvertArguments>();
    ImportOptions& import = options->import;
    app.add_option("IN", options->in,
                   "an .onnx, a .caffemodel, a frozen TensorFlow graph (.pb), or an .h5 to check and write again")
        ->required();
    app.add_option("OUT", options->out,
                   "the .h5 to write, or an .onnx, which other programs run; replaced if it is there")
        ->required();
    app.add_option("--variant", import.variant, "which network it is: inception5h or bvlc; found out by default");
    declare_pictures(app, import);
    CLI::Option* labels = app.add_option("--labels", import.labels_file,
                                         "names of the classes, one per line; built in for the known networks");
    app.add_option("--labels-first", import.labels_first_output, "output of the network that the first line names")
        ->check(CLI::Range(int64_t(0), int64_t(1) << 31))
        ->needs(labels)
        ->capture_default_str();
    app.add_option("--storage", options->storage, "float16 rounds the weights and halves the file; of an .h5 alone")
        ->check(CLI::IsMember({"float32", "float16"}))
        ->capture_default_str();
    return [options] { return convert(*options); };
}

}  // namespace limpid
