// ModelProto, GraphProto, NodeProto and AttributeProto. Field numbers are those of onnx.proto.
#include "weights/onnx.h"

#include <algorithm>
#include <filesystem>

#include "weights/file.h"

namespace limpid {
namespace {

// Far more than any network has; they bound the bookkeeping that a file of a few bytes per record could ask for.
constexpr size_t kMostOnnxNodes = 20000, kMostEnds = 4096, kMostAttributes = 64, kMostNumbers = 65536,
                 kMostOnnxAxes = 16, kMostRecords = 40000;
constexpr std::string_view kOwnKeys = "limpid.";

std::string own_text(const Field& field) { return std::string(field.text()); }

std::pair<std::string, std::string> read_entry(const Field& record) {
    std::pair<std::string, std::string> entry;
    Message message = record.message();
    for (Field field; message.next(field);) {
        if (field.number == 1) entry.first = field.text();
        if (field.number == 2) entry.second = field.text();
    }
    return entry;
}

// Files that tensors lie in, read once each.
class ExternalFiles {
  public:
    ExternalFiles(std::string folder, ImportGraph& graph) : folder_(std::move(folder)), graph_(graph) {}

    Bytes operator()(const std::string& location) {
        if (const auto found = places_.find(location); found != places_.end()) return found->second;
        const std::filesystem::path path(location);
        const bool leaves = path.is_absolute() || location.empty() || location.find('\0') != location.npos ||
                            std::ranges::any_of(path, [](const auto& part) { return part == ".."; });
        if (leaves || folder_.empty())
            throw Error(concat("lies in \"", printable(location), "\", expected a file in the model's folder; ",
                               "export the model again"));
        const std::string whole = (std::filesystem::path(folder_) / path).string();
        std::error_code ignored;
        const auto real = std::filesystem::weakly_canonical(whole, ignored),
                   home = std::filesystem::weakly_canonical(folder_, ignored);
        if (std::mismatch(home.begin(), home.end(), real.begin(), real.end()).first != home.end())
            throw Error(concat("lies in \"", printable(location), "\", a link that leaves the model's folder; ",
                               "copy the file there"));
        graph_.files.push_back(std::make_shared<const std::vector<std::byte>>(read_file(whole)));
        return places_[location] = *graph_.files.back();
    }

  private:
    std::string folder_;
    ImportGraph& graph_;
    std::map<std::string, Bytes> places_;
};

// Torch's "['', 'layer1', 'layer1.0.conv1', 'conv2d_1']": the innermost module, the one before the last.
std::string module_of_scopes(const std::string& scopes) {
    std::vector<std::string> parts;
    for (size_t at = 0; parts.size() < 256;) {
        const size_t open = scopes.find('\'', at), close = open == scopes.npos ? open : scopes.find('\'', open + 1);
        if (close == scopes.npos) break;
        parts.push_back(scopes.substr(open + 1, close - open - 1));
        at = close + 1;
    }
    return parts.size() < 2 ? std::string() : parts[parts.size() - 2];
}

class OnnxReader {
  public:
    OnnxReader(const std::string& folder, int64_t oldest) : files_(folder, graph_), oldest_(oldest) {}

    ImportGraph read(Bytes file) {
        Message model(file);
        Field graph;
        for (Field field; model.next(field);) {
            if (field.number == 7) graph = field;
            if (field.number == 8) take_opset(field);
            if (field.number == 14 && graph_.metadata.size() < kMostRecords) graph_.metadata.insert(read_entry(field));
        }
        if (graph.number == 0) throw Error("has no graph, expected one; is it an ONNX model?");
        if (graph_.opset < oldest_)
            throw Error(concat("is of opset ", graph_.opset, ", expected ", oldest_,
                               " or later; convert it with onnx.version_converter first"));
        take_graph(graph);
        // Older files list their constants as inputs, too.
        std::erase_if(graph_.inputs, [&](const ImportInput& input) { return graph_.constants.contains(input.name); });
        sort_nodes(graph_);
        return std::move(graph_);
    }

  private:
    void count(const Field& field) {
        if (++records_ > kMostRecords)
            throw Error(concat("byte ", field.offset, ": more than ", kMostRecords,
                               " nodes, tensors and values, expected some hundreds; the file is damaged"));
    }

    void take_opset(const Field& record) {
        std::string domain;
        int64_t version = 0;
        Message opset = record.message();
        for (Field field; opset.next(field);) {
            if (field.number == 1) domain = field.text();
            if (field.number == 2) version = int64_t(field.integer());
        }
        if (domain.empty() || domain == "ai.onnx") graph_.opset = version;
    }

    void take_graph(const Field& record) {
        Message graph = record.message();
        for (Field field; graph.next(field);) {
            if (field.number == 1 || field.number == 5 || field.number == 11 || field.number == 12) count(field);
            if (field.number == 1) take_node(field);
            if (field.number == 2) graph_.name = field.text();
            if (field.number == 5) take_initialiser(field);
            if (field.number == 11) graph_.inputs.push_back(read_value(field));
            if (field.number == 12) graph_.outputs.push_back(read_value(field).name);
        }
    }

    void take_initialiser(const Field& record) {
        OnnxTensor read = read_onnx_tensor(record.message(), std::ref(files_));
        if (read.name.empty() || !graph_.constants.emplace(read.name, std::move(read.tensor)).second)
            throw Error(concat("byte ", record.offset, ": initializer \"", printable(read.name),
                               "\" has no name or is there twice; export the model again"));
    }

    static ImportInput read_value(const Field& record) {
        ImportInput result;
        Message value = record.message();
        for (Field field; value.next(field);) {
            if (field.number == 1) result.name = field.text();
            if (field.number != 2) continue;
            Message type = field.message();
            for (Field kind; type.next(kind);) {
                if (kind.number != 1) continue;  // no tensor: a sequence, a map
                Message tensor = kind.message();
                for (Field part; tensor.next(part);)
                    if (part.number == 2) result.shape = read_shape(part);
            }
        }
        return result;
    }

    static Dimensions read_shape(const Field& record) {
        Dimensions sizes;
        Message shape = record.message();
        for (Field field; shape.next(field);) {
            if (field.number != 1) continue;
            int64_t size = -1;
            Message dimension = field.message();
            for (Field part; dimension.next(part);)
                if (part.number == 1) size = int64_t(part.integer());
            if (sizes.size() == kMostOnnxAxes) throw Error(concat("byte ", field.offset, ": a shape of too many axes"));
            sizes.push_back(size > 0 ? size : -1);
        }
        return sizes;
    }

    void take_node(const Field& record) {
        if (graph_.nodes.size() == kMostOnnxNodes)
            throw Error(
                concat("byte ", record.offset, ": more than ", kMostOnnxNodes, " nodes, expected at most these"));
        ImportNode node;
        std::string domain;
        Message message = record.message();
        for (Field field; message.next(field);) {
            if (field.number == 1) node.inputs.push_back(own_text(field));
            if (field.number == 2) node.outputs.push_back(own_text(field));
            if (field.number == 3) node.name = field.text();
            if (field.number == 4) node.op = field.text();
            if (field.number == 5) take_attribute(field, node);
            if (field.number == 7) domain = field.text();
            if (field.number == 9) {
                const auto [key, value] = read_entry(field);
                if (key == "pkg.torch.onnx.name_scopes") node.module = module_of_scopes(value);
                if (key.starts_with(kOwnKeys) && node.metadata.size() < kMostAttributes) node.metadata[key] = value;
            }
            if (node.inputs.size() + node.outputs.size() > kMostEnds)
                throw Error(concat("byte ", record.offset, ": a node of more than ", kMostEnds, " inputs and outputs"));
        }
        if (!domain.empty() && domain != "ai.onnx") node.op = concat(domain, ".", node.op);
        // Before opset 13 the axes from `axis` on are one.
        if (graph_.opset < 13 && (node.op == "Softmax" || node.op == "LogSoftmax")) {
            node.attributes.emplace("axis", int64_t(1));
            node.attributes["flattened"] = int64_t(1);
        }
        // A filter is called after its module, even where torch has folded another module into it.
        constexpr std::string_view kWeight = ".weight";
        if (const std::string& filter = node.input(1); filter.ends_with(kWeight) && !node.module.empty())
            node.module = filter.substr(0, filter.size() - kWeight.size());
        graph_.nodes.push_back(std::move(node));
    }

    void take_attribute(const Field& record, ImportNode& node) {
        std::string name;
        int64_t type = 0, integer = 0;
        float real = 0;
        std::string text;
        std::vector<int64_t> integers;
        std::vector<float> reals;
        std::vector<std::string> texts;
        Field tensor;
        Message message = record.message();
        for (Field field; message.next(field);) {
            if (field.number == 1) name = field.text();
            if (field.number == 2) real = field.number_f32(), type = type ? type : 1;
            if (field.number == 3) integer = int64_t(field.integer()), type = type ? type : 2;
            if (field.number == 4) text = field.text(), type = type ? type : 3;
            if (field.number == 5) tensor = field;
            if (field.number == 7) append_floats(field, reals);
            if (field.number == 8) append_integers(field, integers, kMostNumbers);
            if (field.number == 9) texts.push_back(own_text(field));
            if (field.number == 20) type = int64_t(field.integer());
        }
        ImportAttribute value;
        if (type == 1) value = real;
        if (type == 2) value = integer;
        if (type == 3) value = std::move(text);
        if (type == 4 && tensor.number == 5) value = read_onnx_tensor(tensor.message(), std::ref(files_)).tensor;
        if (type == 6) value = std::move(reals);
        if (type == 7) value = std::move(integers);
        if (type == 8) value = std::move(texts);
        if (node.attributes.size() == kMostAttributes || !node.attributes.emplace(name, std::move(value)).second)
            throw Error(concat("byte ", record.offset, ": attribute ", printable(name),
                               " is there twice, or is one of more than ", kMostAttributes));
    }

    ImportGraph graph_;
    ExternalFiles files_;
    const int64_t oldest_;
    size_t records_ = 0;
};

}  // namespace

ImportGraph read_onnx(Bytes file, const std::string& folder, int64_t oldest) {
    return OnnxReader(folder, oldest).read(file);
}

bool looks_like_onnx(Bytes file) {
    bool version = false, graph = false;
    try {
        Message message(file);
        for (Field field; message.next(field);) {
            version |= field.number == 1 && field.wire == Field::Wire::varint;
            graph |= field.number == 7 && field.wire == Field::Wire::length_delimited;
        }
    } catch (const Error&) {
    }
    return version && graph;
}

}  // namespace limpid
