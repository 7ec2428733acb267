// Field numbers are those of graph.proto, attr_value.proto and tensor.proto; operators and attributes are in the list.
#include "weights/tensorflow_nodes.h"

#include <algorithm>

#include "weights/attribute_text.h"

namespace limpid {
namespace {

constexpr size_t kMostNodeInputs = 64, kMostNodeAttributes = 64, kMostShapeAxes = 8, kMostListed = 64;
constexpr uint64_t kInt32 = 3;  // DataType

// The value of an AttrValue: a oneof, of which the last member counts.
Field value_of(const Field& attribute) {
    Field value;
    Message message = attribute.message();
    for (Field field; message.next(field);) value = field;
    return value;
}

// Members of AttrValue, and of its ListValue.
constexpr uint32_t kListField = 1, kTextField = 2, kIntegerField = 3, kRealField = 4, kFlagField = 5, kTypeField = 6,
                   kTensorField = 8, kIntegersOfList = 3;

std::string integers_of(const Field& list) {
    std::vector<int64_t> values;
    Message message = list.message();
    for (Field field; message.next(field);) {
        if (field.number != kIntegersOfList) return "a list of another type";
        append_integers(field, values, kMostListed);
    }
    return text_of(values);
}

std::string text_of_constant(const Field& tensor) {
    const TensorFlowConstant constant = read_constant(tensor);
    if (constant.type != kInt32) return concat("of type ", type_name(constant.type));
    return text_of(constant.integers);
}

// The value as the rule has it, or what it is instead.
std::string attribute_text(const AttributeRule& rule, const Field& attribute) {
    using Kind = AttributeRule::Kind;
    const Field value = value_of(attribute);
    const auto is = [&](Kind kind, uint32_t number) { return rule.kind == kind && value.number == number; };
    if (is(Kind::integers, kListField)) return integers_of(value);
    if (is(Kind::tensor, kTensorField)) return text_of_constant(value);
    if (is(Kind::type, kTypeField)) return type_name(value.integer());
    if (is(Kind::integer, kIntegerField) || is(Kind::real, kRealField) || is(Kind::flag, kFlagField) ||
        is(Kind::text, kTextField)) {
        std::string text;
        append_attribute(rule, value, text);
        return text;
    }
    return "of another type";
}

// "name:0" and "name" are the first output of a node; another one is none that the list knows. "^name" only orders.
std::string_view node_of(std::string_view input) {
    return input.ends_with(":0") ? input.substr(0, input.size() - 2) : input;
}

void add_attributes(const OperatorRule& rule, const TensorFlowNode& from, FoundNode& node) {
    for (const auto& [key, value] : from.attributes) {
        const auto attribute = std::ranges::find(rule.attributes, key, &AttributeRule::name);
        if (attribute == rule.attributes.end()) {
            if (!key.starts_with("_")) node.oddities.push_back(concat("has ", printable(key), ", expected none such"));
        } else if (attribute->kind != AttributeRule::Kind::ignored &&
                   !node.attributes.emplace(std::string(key), attribute_text(*attribute, value)).second) {
            node.oddities.push_back(concat("has ", printable(key), " twice"));
        }
    }
}

std::vector<int64_t> read_shape(const Field& field, bool& unknown_rank) {
    std::vector<int64_t> shape;
    Message message = field.message();
    for (Field part; message.next(part);) {
        if (part.number == 2) {
            int64_t size = 0;  // proto3 leaves zero out
            Message dim = part.message();
            for (Field d; dim.next(d);) {
                if (d.number == 1) size = static_cast<int64_t>(d.integer());
            }
            if (shape.size() == kMostShapeAxes) {
                throw Error(concat("byte ", part.offset, ": a shape of more than ", kMostShapeAxes,
                                   " axes, expected at most 4; the file is damaged, or of another kind"));
            }
            shape.push_back(size);
        }
        if (part.number == 3) unknown_rank = part.integer() != 0;
    }
    return shape;
}

// int_val, of which the last one fills the rest, or tensor_content.
std::vector<int64_t> small_integers(const TensorFlowConstant& constant, std::vector<int64_t> values, Bytes content) {
    const int64_t size = checked_size(constant.shape);
    if (constant.unknown_rank || size < 0 || size > int64_t(kMostListed)) return {};
    if (!content.empty()) {
        values.clear();
        ByteCursor cursor(content);
        while (cursor.left() >= sizeof(int32_t)) values.push_back(static_cast<int32_t>(cursor.take_number<uint32_t>()));
    }
    if (values.size() > size_t(size)) return {};
    values.resize(size_t(size), values.empty() ? 0 : values.back());
    return values;
}

}  // namespace

TensorFlowNode read_tensorflow_node(const Field& record) {
    TensorFlowNode node;
    Message message = record.message();
    for (Field field; message.next(field);) {
        if (field.number == 1) node.name = field.text();
        if (field.number == 2) node.op = field.text();
        if (field.number == 3) node.inputs.push_back(field.text());
        if (field.number == 5) {
            std::string_view key;
            Field value;
            Message entry = field.message();
            for (Field part; entry.next(part);) {
                if (part.number == 1) key = part.text();
                if (part.number == 2) value = part;
            }
            if (value.number == 2) node.attributes.emplace_back(key, value);
        }
        if (node.inputs.size() > kMostNodeInputs || node.attributes.size() > kMostNodeAttributes) {
            throw Error(concat("byte ", field.offset, ": node ", printable(node.name), " has more than ",
                               kMostNodeInputs, " inputs or ", kMostNodeAttributes,
                               " attributes, expected a few; the file is damaged, or of another kind"));
        }
    }
    return node;
}

Field constant_of(const TensorFlowNode& node) {
    if (node.op != "Const") return {};
    Field result;  // the last one counts
    for (const auto& [key, attribute] : node.attributes)
        if (key == "value") result = value_of(attribute);
    return result.number == kTensorField ? result : Field{};
}

TensorFlowConstant read_constant(const Field& tensor) {
    TensorFlowConstant constant;
    std::vector<int64_t> integers;
    Bytes content;
    Message message = tensor.message();
    for (Field field; message.next(field);) {
        if (field.number == 1) constant.type = field.integer();
        if (field.number == 2) constant.shape = read_shape(field, constant.unknown_rank);
        if (field.number == 4) {
            content = field.content();  // the last one counts
            constant.content_bytes = content.size();
        }
        if (field.number == 5) constant.floats += count_floats(field);
        if (field.number == 7 && constant.type == kInt32) append_integers(field, integers, 4096);
    }
    if (constant.type == kInt32 && content.size() <= kMostListed * sizeof(int32_t))
        constant.integers = small_integers(constant, std::move(integers), content);
    return constant;
}

std::string type_name(uint64_t type) {
    static const std::map<uint64_t, const char*> names = {
        {1, "float32"}, {2, "float64"}, {3, "int32"},   {4, "uint8"},   {6, "int8"},      {7, "string"},  {9, "int64"},
        {10, "bool"},   {11, "qint8"},  {12, "quint8"}, {13, "qint32"}, {14, "bfloat16"}, {19, "float16"}};
    const auto found = names.find(type);
    return found != names.end() ? found->second : concat("number ", type);
}

bool TensorFlowGraph::is_listed(std::string_view name) const {
    return std::ranges::find(list_.rows, name, &GraphRow::name) != list_.rows.end();
}

void TensorFlowGraph::add(const TensorFlowNode& from, Problems& problems) {
    const bool listed = is_listed(from.name);
    if (from.op == "Const" && !listed) return;
    FoundNode node;
    node.op = from.op;
    for (const std::string_view input : from.inputs)
        if (!input.starts_with("^")) node.inputs.emplace_back(node_of(input));
    if (node.op == "ConcatV2") {
        node.op = "Concat";
        if (!node.inputs.empty()) std::rotate(node.inputs.begin(), node.inputs.end() - 1, node.inputs.end());
    }
    const OperatorRule* rule = list_.find_operator(node.op);
    if (rule != nullptr) add_attributes(*rule, from, node);
    if (rule != nullptr && rule->role == OperatorRule::Role::pass && !listed) {
        check_attributes(*rule, {}, std::string(from.name), node, problems);
        if (!passes_.emplace(from.name, node.inputs.size() == 1 ? node.inputs[0] : "several inputs").second)
            problems.add(concat(printable(from.name), " appears twice"));
        return;
    }
    if (!nodes_.emplace(from.name, std::move(node)).second)
        problems.add(concat(printable(from.name), " appears twice"));
}

FoundNodes TensorFlowGraph::take_nodes() {
    // Far more than are in a row anywhere; a ring of them ends too.
    constexpr int kMostPasses = 16;
    for (auto& [name, node] : nodes_)
        for (std::string& input : node.inputs) {
            for (int step = 0; step < kMostPasses; ++step) {
                const auto pass = passes_.find(input);
                if (pass == passes_.end()) break;
                input = pass->second;
            }
        }
    return std::move(nodes_);
}

}  // namespace limpid
