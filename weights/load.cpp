// Files in: tells formats apart by content, reads, adds where the parameters came from and the labels. Files out.
#include <cmath>
#include <optional>

#include "weights/file.h"
#include "weights/half.h"
#include "weights/name_table.h"
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
    try {
        Message message(file);
        for (Field field; message.next(field);) {
            if (field.number == 1 && looks_like_node(field)) return FileKind::lucid_pb;
            if ((field.number == 2 || field.number == 100) && field.wire == Field::Wire::length_delimited)
                return FileKind::caffemodel;
        }
    } catch (const Error&) {
    }
    return std::nullopt;
}

// What is known about the networks that foreign files hold.
struct KnownVariant {
    FileKind kind;
    const char* name;
    const char* names_file;
    const char* labels_file;  // from output 0
    Preprocessing preprocessing;
};
const KnownVariant kVariants[] = {
    // transform_param of bvlc_googlenet/train_val.prototxt: BGR, 0..255, minus the mean of ILSVRC-2012.
    {FileKind::caffemodel,
     "bvlc",
     "bvlc_caffemodel.txt",
     "ilsvrc2012_labels.txt",
     {{2, 1, 0}, 255.0f, {104.00698793f, 116.66876762f, 122.67891434f}}},
    // Lucid's modelzoo: image_value_range (-117, 138), RGB.
    {FileKind::lucid_pb,
     "inception5h",
     "inception5h_pb.txt",
     "inception5h_labels.txt",
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

void read_labels_file(const ImportOptions& options, Weights& weights) {
    const auto last = weights.tensors.find("softmax2_b");
    if (last == weights.tensors.end())
        throw Error("has no classifier softmax2, expected one to give labels to; leave the labels out");
    const std::vector<std::byte> text = read_file(options.labels_file);
    weights.labels = with_context(options.labels_file, [&] {
        return parse_labels(as_text(text), options.labels_first_output, last->second.shape.c);
    });
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
                       " bytes), expected a .caffemodel, a frozen TensorFlow graph (.pb) or a converted .h5; is it "
                       "complete, and the right file?"));
}

Weights load_weights(const std::string& path) {
    const std::vector<std::byte> file = read_file(path);
    return with_context(path, [&] {
        if (kind_of(file) != FileKind::hdf5)
            throw Error("is not converted yet, expected an .h5 file; run `limpid convert` on it first");
        return read_hdf5(file);
    });
}

Weights import_weights(const std::string& path, const ImportOptions& options) {
    const std::vector<std::byte> file = read_file(path);
    return with_context(path, [&] {
        const FileKind kind = kind_of(file);
        Weights weights;
        if (kind == FileKind::hdf5) {
            weights = read_hdf5(file);
            if (!options.variant.empty() && options.variant != weights.variant) {
                throw Error(concat("holds variant ", printable(weights.variant), ", asked for ", options.variant,
                                   "; leave the variant out"));
            }
        } else {
            const KnownVariant& variant = known_variant(kind, options.variant);
            const std::vector<NameRow> table = parse_name_table(embedded(variant.names_file));
            weights = kind == FileKind::caffemodel ? read_caffemodel(file, table) : read_lucid_pb(file, table);
            weights.variant = variant.name;
            weights.source = file_name_of(path);
            weights.source_sha256 = sha256_of(file);
            weights.checksum = checksum_of(weights.tensors);
            weights.preprocessing = variant.preprocessing;
            weights.labels = parse_labels(embedded(variant.labels_file), 0, weights.tensors.at("softmax2_b").shape.c);
        }
        if (!options.labels_file.empty()) read_labels_file(options, weights);
        return weights;
    });
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
