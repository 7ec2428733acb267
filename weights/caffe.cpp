// Reads a .caffemodel: a binary NetParameter, with layers of the deprecated V1 form or of the current one.
//
// Field numbers are those of caffe.proto. Blobs are kept as places in the file until the name table has accepted their
// shapes.
#include "weights/parameters.h"
#include "weights/protobuf.h"
#include "weights/readers.h"

namespace limpid {
namespace {

// Far more than any network has; they bound the bookkeeping that a file of a few bytes per record could ask for.
constexpr size_t kMostLayers = 10000, kMostBlobs = 16, kMostBlobAxes = 8;

const ParameterFormat kCaffeFormat{" weight", " bias", true};

struct Layer {
    std::string_view name;
    std::vector<Field> blobs;
};

Layer read_layer(const Field& record, uint32_t name_field, uint32_t blobs_field) {
    Layer layer;
    Message message = record.message();
    for (Field field; message.next(field);) {
        if (field.number == name_field) layer.name = field.text();
        if (field.number == blobs_field) {
            if (layer.blobs.size() == kMostBlobs) {
                throw Error(concat("byte ", field.offset, ": layer ", printable(layer.name), " has more than ",
                                   kMostBlobs, " blobs, expected 2; the file is damaged, or of another kind"));
            }
            field.content();  // refuses blobs which are no messages
            layer.blobs.push_back(field);
        }
    }
    return layer;
}

std::vector<float> read_blob(const FoundParameter& parameter) {
    std::vector<float> values;
    values.reserve(static_cast<size_t>(checked_size(parameter.shape)));
    Message blob(parameter.record, parameter.offset);
    for (Field field; blob.next(field);) {
        if (field.number == 5) append_floats(field, values);
        if (field.number == 8) append_doubles(field, values);
    }
    return values;
}

FoundParameter find_parameter(const Field& record) {
    FoundParameter parameter;
    parameter.record = record.bytes;
    parameter.offset = record.offset;
    parameter.read = read_blob;
    std::vector<int64_t> legacy(4, 0);
    bool has_legacy = false, has_shape = false;
    uint64_t floats = 0, doubles = 0;
    Message blob = record.message();
    for (Field field; blob.next(field);) {
        switch (field.number) {
            case 1:
            case 2:
            case 3:
            case 4:  // num, channels, height, width
                // int32 in the format: a negative one is sign-extended to 64 bits, and stays negative here.
                legacy[field.number - 1] = static_cast<int64_t>(field.integer());
                has_legacy = true;
                break;
            case 5:
                floats += count_floats(field);
                break;
            case 8:
                doubles += count_doubles(field);
                break;
            case 7: {
                has_shape = true;
                Message shape = field.message();
                for (Field dim; shape.next(dim);) {
                    if (dim.number == 1) append_integers(dim, parameter.shape, kMostBlobAxes);
                }
                break;
            }
            default:
                break;  // diff and double_diff: gradients of somebody's training
        }
    }
    if (!has_shape && has_legacy) parameter.shape = legacy;
    const int64_t size = checked_size(parameter.shape);
    if (floats > 0 && doubles > 0) {
        parameter.fault = "has values both as float and as double, expected one of them";
    } else if (!has_shape && !has_legacy) {
        parameter.fault = concat("has no shape, and ", floats + doubles, " values");
    } else if (size < 0 || static_cast<uint64_t>(size) != floats + doubles) {
        parameter.fault = concat("has ", floats + doubles, " values, but its shape is ", shape_text(parameter.shape));
    }
    return parameter;
}

void add_layer(const Layer& layer, FoundParameters& found, Problems& problems) {
    const std::string name(layer.name);
    for (size_t i = 0; i < layer.blobs.size(); ++i) {
        const std::string suffix = i == 0   ? kCaffeFormat.weight_suffix
                                   : i == 1 ? kCaffeFormat.bias_suffix
                                            : concat(" blob ", i);
        if (!found.emplace(name + suffix, find_parameter(layer.blobs[i])).second) {
            problems.add(concat(printable(name), suffix, " appears twice"));
        }
    }
}

}  // namespace

Weights read_caffemodel(Bytes file, const std::vector<NameRow>& table) {
    Weights weights;
    FoundParameters found;
    Problems problems;
    size_t layers = 0;
    Message net(file);
    for (Field field; net.next(field);) {
        const bool v1 = field.number == 2, current = field.number == 100;
        if (!v1 && !current) continue;
        if (++layers > kMostLayers) {
            throw Error(concat("byte ", field.offset, ": more than ", kMostLayers,
                               " layers, expected about 150; the file is damaged, or no GoogLeNet"));
        }
        add_layer(v1 ? read_layer(field, 4, 6) : read_layer(field, 1, 7), found, problems);
    }
    take_parameters(table, kCaffeFormat, found, problems, weights);
    problems.throw_if_any(
        "expected the parameters of BVLC GoogLeNet; is this another network, or a fine-tuned copy with other layers?");
    return weights;
}

}  // namespace limpid
