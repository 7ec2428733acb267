// Field numbers are those of caffe.proto; those of operators' parameters are in the list.
#include "weights/caffe_layers.h"

#include <algorithm>

#include "weights/attribute_text.h"

namespace limpid {
namespace {

// They bound the bookkeeping that a file of a few bytes per record could ask for; real layers have a few of each.
constexpr size_t kMostBlobs = 16, kMostWires = 64, kMostParameters = 64;

struct LayerFields {
    uint32_t name, type, bottom, top, blobs, include, exclude;
};
constexpr LayerFields kCurrent{1, 2, 3, 4, 7, 8, 9}, kV1{4, 5, 2, 3, 6, 32, 33};
constexpr uint32_t kV0Layer = 1;  // of a V1 record

[[noreturn]] void refuse_many(const Field& field, std::string_view layer, const char* what, size_t most) {
    throw Error(concat("byte ", field.offset, ": layer ", printable(layer), " has more than ", most, " ", what,
                       ", expected a few; the file is damaged, or of another kind"));
}

// kernel_size: 3, or 3 and 5, or kernel_h: 3 and kernel_w: 5; Caffe refuses both at once.
struct Sizes {
    std::vector<int64_t> both;
    std::optional<int64_t> h, w;

    std::string text() const {
        const int64_t first = both.empty() ? 0 : both[0], second = both.size() < 2 ? first : both[1];
        if (both.size() > 2 || (!both.empty() && (h || w))) return "given more than once";
        return concat(h.value_or(first), 'x', w.value_or(second));
    }
};

}  // namespace

struct CaffeGraph::Record {
    CaffeLayer layer;
    std::string type;
    std::vector<std::string> bottoms, tops;
    std::vector<Field> parameters;  // every field that is not of the layer itself
    bool v1 = false, in_one_phase = false;
};

void CaffeGraph::take_field(const Field& field, bool v1, Record& record) {
    const LayerFields& at = v1 ? kV1 : kCurrent;
    if (field.number == at.name) {
        record.layer.name = field.text();
    } else if (field.number == at.type) {
        record.type = v1 ? list_.name_of(static_cast<int64_t>(field.integer())) : std::string(field.text());
    } else if (field.number == at.bottom || field.number == at.top) {
        std::vector<std::string>& wires = field.number == at.bottom ? record.bottoms : record.tops;
        if (wires.size() == kMostWires) refuse_many(field, record.layer.name, "inputs or outputs", kMostWires);
        wires.emplace_back(field.text());
    } else if (field.number == at.blobs) {
        if (record.layer.blobs.size() == kMostBlobs) refuse_many(field, record.layer.name, "blobs", kMostBlobs);
        field.content();  // refuses blobs which are no messages
        record.layer.blobs.push_back(field);
    } else if (field.number == at.include || field.number == at.exclude) {
        record.in_one_phase = true;
    } else if (v1 && field.number == kV0Layer) {
        v0_ = true;
    } else if (!(v1 ? list_.harmless_v1 : list_.harmless).contains(field.number)) {
        if (record.parameters.size() == kMostParameters)
            refuse_many(field, record.layer.name, "parameters", kMostParameters);
        record.parameters.push_back(field);
    }
}

void CaffeGraph::read_parameters(const Record& record, FoundNode& node) const {
    const OperatorRule* rule = list_.find_operator(node.op);
    if (rule == nullptr) return;
    const auto message_of = [&](const AttributeRule& attribute) {
        return record.v1 ? attribute.message_v1 : attribute.message;
    };
    std::map<std::string, Sizes> sizes;
    for (const Field& parameters : record.parameters) {
        if (std::ranges::find(rule->attributes, parameters.number, message_of) == rule->attributes.end()) {
            // Where data come from and what losses do with them is not looked at.
            if (rule->role == OperatorRule::Role::layer || rule->role == OperatorRule::Role::pass)
                node.oddities.push_back(concat("has the field ", parameters.number, ", expected none such"));
            continue;
        }
        Message message = parameters.message();
        for (Field field; message.next(field);) {
            const auto attribute = std::ranges::find_if(rule->attributes, [&](const AttributeRule& each) {
                return message_of(each) == parameters.number && each.field == field.number;
            });
            if (attribute == rule->attributes.end()) {
                if (rule->role == OperatorRule::Role::layer || rule->role == OperatorRule::Role::pass) {
                    if (node.oddities.size() < kMostParameters)
                        node.oddities.push_back(
                            concat("has the field ", field.number, " among its parameters, expected none such"));
                }
                continue;
            }
            switch (attribute->kind) {
                case AttributeRule::Kind::ignored:
                    break;
                case AttributeRule::Kind::sizes:
                    append_integers(field, sizes[attribute->name].both, kMostWires);
                    break;
                case AttributeRule::Kind::size_h:
                    sizes[attribute->name].h = static_cast<int64_t>(field.integer());
                    break;
                case AttributeRule::Kind::size_w:
                    sizes[attribute->name].w = static_cast<int64_t>(field.integer());
                    break;
                default:
                    append_attribute(*attribute, field, node.attributes[attribute->name]);
            }
        }
    }
    for (const auto& [name, size] : sizes) node.attributes[name] = size.text();
}

const GraphRow* CaffeGraph::row_of(const std::string& name) const {
    const auto row = std::ranges::find(list_.rows, name, &GraphRow::name);
    return row == list_.rows.end() ? nullptr : &*row;
}

// Data are called by their blob, unless it is a layer of the list, for which they must not be taken.
void CaffeGraph::add_source(const std::string& blob) {
    values_[blob] = row_of(blob) == nullptr ? blob : "the data " + blob;
}

// What nobody wrote is called so: the list has no layer of that name.
const std::string& CaffeGraph::value_of(const std::string& blob) {
    return values_.try_emplace(blob, concat("the unknown ", blob)).first->second;
}

CaffeLayer CaffeGraph::add(const Field& field, bool v1, Problems& problems) {
    Record record;
    record.v1 = v1;
    Message message = field.message();
    for (Field part; message.next(part);) take_field(part, v1, record);
    FoundNode node;
    node.op = record.type.empty() ? "layer without a type" : record.type;
    for (const std::string& blob : record.bottoms) node.inputs.push_back(value_of(blob));
    read_parameters(record, node);
    if (record.layer.blobs.size() > 2)
        node.oddities.push_back(concat("has ", record.layer.blobs.size(), " arrays, expected at most 2"));
    const std::string& name = record.layer.name;
    const OperatorRule* rule = list_.find_operator(node.op);
    const OperatorRule::Role role = rule != nullptr ? rule->role : OperatorRule::Role::layer;
    if (role == OperatorRule::Role::layer) {
        for (const std::string& blob : record.tops) values_[blob] = name;
        if (record.tops.size() > 1) node.oddities.push_back(concat("has ", record.tops.size(), " outputs, expected 1"));
        if (const GraphRow* row = row_of(name); record.in_one_phase && row != nullptr && row->group == "trunk")
            node.oddities.push_back("is left out in training or in use, expected no such rule");
        if (!nodes_.emplace(name, std::move(node)).second) problems.add(concat(printable(name), " appears twice"));
        return std::move(record.layer);
    }
    check_attributes(*rule, {}, name, node, problems);
    for (const std::string& blob : record.tops) {
        if (role == OperatorRule::Role::source)
            add_source(blob);
        else if (role == OperatorRule::Role::pass)
            values_[blob] = node.inputs.size() == 1 ? node.inputs[0] : "the unknown " + blob;
        else  // a loss writes what no layer may take
            values_[blob] = "the loss " + blob;
    }
    return std::move(record.layer);
}

}  // namespace limpid
