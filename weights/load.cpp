// Files in: tells formats apart by content, reads, adds where the parameters came from and the labels. Files out.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "weights/file.h"
#include "weights/half.h"
#include "weights/import/import_network.h"
#include "weights/labels.h"
#include "weights/name_table.h"
#include "weights/onnx.h"
#include "weights/protobuf.h"
#include "weights/readers.h"
#include "weights/sha256.h"

namespace limpid {
namespace {

constexpr std::string_view kHdf5Signature = "\x89HDF\r\n\x1a\n";

// What people hand over instead of weights.
struct Lookalike {
    std::string_view start;
    const char* what;
};
constexpr Lookalike kLookalikes[] = {
    {std::string_view("PK\x03\x04", 4),
     "a zip archive or a PyTorch file; unpack it first, weights are the .pb or .caffemodel inside"},
    {std::string_view("\x1f\x8b", 2), "compressed with gzip; unpack it first"},
    {"<!DOCTYPE", "a web page, probably an error message saved by a download; fetch the file again"},
    {"<html", "a web page, probably an error message saved by a download; fetch the file again"},
    {"version https://git-lfs", "a git-lfs pointer; fetch the real file"},
    {"name:", "a network description in text form (.prototxt); the trained parameters are in the .caffemodel"},
    {"node {", "a graph in text form (.pbtxt); the trained parameters are in the binary .pb"},
};

bool looks_like_node(const Field& field) {
    bool name = false, op = false;
    try {
        Message node = field.message();
        for (Field part; node.next(part);) {
            name |= part.number == 1 && part.wire == Field::Wire::length_delimited;
            op |= part.number == 2 && part.wire == Field::Wire::length_delimited;
        }
    } catch (const Error&) {
        return false;
    }
    return name && op;
}

// A NetParameter has one name (field 1) and layers in field 2 or 100; a GraphDef has nodes in field 1. The first of
// these decides; damage before it ends the look.
std::optional<FileKind> protobuf_kind(Bytes file) {
    if (looks_like_onnx(file)) return FileKind::onnx;
    bool numbered = false;
    try {
        Message message(file);
        for (Field field; message.next(field) && !numbered;) {
            numbered = field.number == 1 && field.wire == Field::Wire::varint;
            if (field.number == 1 && looks_like_node(field)) return FileKind::lucid_pb;
            if ((field.number == 2 || field.number == 100) && field.wire == Field::Wire::length_delimited)
                return FileKind::caffemodel;
        }
    } catch (const Error&) {
    }
    if (numbered)
        throw Error(
            "begins as an ONNX model or a TensorFlow SavedModel does, but has no graph that is whole, expected an ONNX "
            "model, a .caffemodel, a frozen TensorFlow graph (.pb) or a converted .h5; is it complete?");
    return std::nullopt;
}

// What is known about the networks that foreign files hold.
struct KnownVariant {
    FileKind kind;
    const char* name;
    const char* names_file;
    const char* graph_file;
    const char* labels_file;       // from output 0
    int64_t first_class, classes;  // outputs that stand for a class
    Preprocessing preprocessing;
};
const KnownVariant kVariants[] = {
    // transform_param of bvlc_googlenet/train_val.prototxt: BGR, 0..255, minus the mean of ILSVRC-2012.
    {FileKind::caffemodel,
     "bvlc",
     "bvlc_caffemodel.txt",
     "bvlc_caffemodel_graph.txt",
     "ilsvrc2012_labels.txt",
     0,
     1000,
     {{2, 1, 0}, 255.0f, {104.00698793f, 116.66876762f, 122.67891434f}}},
    // Lucid's modelzoo: image_value_range (-117, 138), RGB. Of the 1008 outputs, 0 is background and 1001 to 1007 are
    // nothing.
    {FileKind::lucid_pb,
     "inception5h",
     "inception5h_pb.txt",
     "inception5h_pb_graph.txt",
     "inception5h_labels.txt",
     1,
     1000,
     {{0, 1, 2}, 255.0f, {117.0f, 117.0f, 117.0f}}},
};

const KnownVariant& known_variant(FileKind kind, const std::string& asked) {
    std::string expected;
    for (const KnownVariant& variant : kVariants) {
        if (variant.kind != kind) continue;
        if (asked.empty() || asked == variant.name) return variant;
        expected += (expected.empty() ? "" : " or ") + std::string(variant.name);
    }
    throw Error(
        concat("variant ", asked, " asked for, expected ", expected, " of a file of this kind; leave the variant out"));
}

// The outputs of the classifier; 0: there is none.
int64_t outputs_of(const Weights& weights) {
    const auto last = weights.tensors.find("softmax2_b");
    return last == weights.tensors.end() ? 0 : last->second.shape.c;
}

// Of a variant that is not in the table, `unknown` outputs stand for a class.
ClassOutputs classes_of(const Weights& weights, int64_t unknown) {
    const int64_t outputs = outputs_of(weights);
    for (const KnownVariant& variant : kVariants)
        if (weights.variant == variant.name && variant.first_class + variant.classes <= outputs)
            return {outputs, variant.first_class, variant.classes};
    return {outputs, 0, unknown};
}

std::vector<std::string> read_labels_file(const ImportOptions& options, const Weights& weights) {
    const std::vector<std::byte> text = read_file(options.labels_file);
    return with_context(options.labels_file, [&] {
        return parse_labels(as_text(text), options.labels_first_output, classes_of(weights, outputs_of(weights)));
    });
}

// Networks of one's own may have outputs without a meaning.
void check_own_labels(const Weights& weights) {
    if (outputs_of(weights) > 0) check_labels(weights.labels, classes_of(weights, 0));
}

Weights read_foreign(Bytes file, FileKind kind, const KnownVariant& variant) {
    const KnownNetwork network = parse_network(embedded(variant.names_file), embedded(variant.graph_file));
    Weights weights = kind == FileKind::caffemodel ? read_caffemodel(file, network) : read_lucid_pb(file, network);
    weights.variant = variant.name;
    weights.source_sha256 = sha256_of(file);
    weights.checksum = checksum_of(weights.tensors);
    weights.preprocessing = variant.preprocessing;
    weights.labels = parse_labels(embedded(variant.labels_file), 0, classes_of(weights, 0));
    return weights;
}

// ImageNet's, in the order that networks trained elsewhere have, too.
constexpr int64_t kImageNetClasses = 1000;

// A list in the metadata of a model: a line for each output, blank where it stands for no class. Empty where it is not
// that.
std::vector<std::string> labels_in(const std::string& text, int64_t outputs) {
    if (text.empty() || std::ranges::count(text, '\n') + (text.ends_with('\n') ? 0 : 1) != outputs) return {};
    try {
        std::vector<std::string> labels = parse_labels(text, 0, {outputs, 0, 0});
        return std::ranges::all_of(labels, &std::string::empty) ? std::vector<std::string>() : labels;
    } catch (const Error&) {
        return {};
    }
}

Weights read_any_network(Bytes file, const std::string& path, const ImportOptions& options) {
    const std::filesystem::path place(path);
    NetworkOptions wanted;
    wanted.title = printable(place.stem().string());
    wanted.preprocess = options.preprocess;
    wanted.shown = options.shown;
    ImportedNetwork network =
        import_network(read_onnx(file, place.has_parent_path() ? place.parent_path().string() : "."), wanted);
    check_has_filters(network);
    Weights weights;
    weights.variant = "onnx";
    weights.network = std::move(network.text);
    weights.tensors = std::move(network.parameters);
    weights.notes = std::move(network.notes);
    for (const auto& [name, tensor] : weights.tensors)
        for (const float value : tensor.values)
            if (!std::isfinite(value)) throw Error(concat(name, ": has the value ", value, ", expected finite ones"));
    weights.source_sha256 = sha256_of(file);
    weights.checksum = checksum_of(weights.tensors);
    const ClassOutputs outputs{network.classes, 0, network.classes};
    const std::vector<std::string> own_labels = labels_in(network.labels, network.classes);
    if (!options.labels_file.empty()) {
        const std::vector<std::byte> text = read_file(options.labels_file);
        weights.labels = with_context(
            options.labels_file, [&] { return parse_labels(as_text(text), options.labels_first_output, outputs); });
    } else if (!own_labels.empty()) {
        weights.labels = own_labels;
    } else if (network.classes == kImageNetClasses && !network.own && network.channels == 3) {
        weights.labels = parse_labels(embedded("ilsvrc2012_labels.txt"), 0, outputs);
        weights.notes.emplace_back("labels are guessed to be ImageNet's 1000; say --labels FILE if they are others");
    }
    return weights;
}

}  // namespace

FileKind kind_of(Bytes file) {
    const std::string_view text = as_text(file);
    if (text.starts_with(kHdf5Signature)) return FileKind::hdf5;
    for (const Lookalike& other : kLookalikes) {
        if (text.starts_with(other.start)) throw Error(concat("is ", other.what));
    }
    if (const std::optional<FileKind> kind = protobuf_kind(file)) return *kind;
    throw Error(concat("starts with \"", printable(text.substr(0, 16)), "\" (", file.size(),
                       " bytes), expected a .caffemodel, a frozen TensorFlow graph (.pb), an ONNX model or a converted "
                       ".h5; is it complete, and the right file?"));
}

Weights load_weights(const std::string& path) {
    const std::vector<std::byte> file = read_file(path);
    return with_context(path, [&] {
        if (kind_of(file) != FileKind::hdf5)
            throw Error("is not converted yet, expected an .h5 file; run `limpid convert` on it first");
        const Weights weights = read_hdf5(file);
        check_own_labels(weights);
        return weights;
    });
}

Weights import_weights(const std::string& path, const ImportOptions& options) {
    const std::vector<std::byte> file = read_file(path);
    bool labelled = false;
    Weights result = with_context(path, [&] {
        const FileKind kind = kind_of(file);
        Weights weights;
        if (kind == FileKind::onnx) {
            weights = read_any_network(file, path, options);
            weights.source = file_name_of(path);
            labelled = true;
            return weights;
        }
        if (!options.preprocess.empty())
            throw UsageError("says itself how pictures are prepared; leave --preprocess out");
        if (!options.shown.empty()) throw UsageError("says itself which channels are shown; leave --show out");
        if (kind == FileKind::hdf5) {
            weights = read_hdf5(file);
            if (!options.variant.empty() && options.variant != weights.variant) {
                throw Error(concat("holds variant ", printable(weights.variant), ", asked for ", options.variant,
                                   "; leave the variant out"));
            }
        } else {
            weights = read_foreign(file, kind, known_variant(kind, options.variant));
            weights.source = file_name_of(path);
        }
        if (options.labels_file.empty())
            check_own_labels(weights);
        else if (outputs_of(weights) == 0)  // a list that is given replaces one which may be wrong
            throw Error("has no classifier softmax2, expected one to give labels to; leave the labels out");
        return weights;
    });
    if (!options.labels_file.empty() && !labelled) result.labels = read_labels_file(options, result);
    return result;
}

Weights stored(Weights weights, Storage storage) {
    if (storage == Storage::float32) return weights;
    for (auto& [name, tensor] : weights.tensors)
        for (float& value : tensor.values) {
            const float rounded = from_half(to_half(value));
            if (std::isfinite(value) && !std::isfinite(rounded))
                throw Error(
                    concat(name, ": the value ", value, " is beyond half precision; store these weights as float32"));
            value = rounded;
        }
    weights.checksum = checksum_of(weights.tensors);
    return weights;
}

void save_weights(const std::string& path, const Weights& weights, Storage storage) {
    write_file_atomically(path, with_context(path, [&] { return write_hdf5(weights, storage); }));
}

}  // namespace limpid
