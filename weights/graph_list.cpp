// Parses names/*_graph.txt, and holds nodes against them.
#include "weights/graph_list.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <sstream>

namespace limpid {
namespace {

using Kind = AttributeRule::Kind;

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(text);
    for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
    return parts;
}

Kind kind_named(const std::string& name, std::vector<std::string>& choices) {
    static const std::map<std::string, Kind> kinds = {
        {"integer", Kind::integer}, {"real", Kind::real},     {"flag", Kind::flag},       {"text", Kind::text},
        {"type", Kind::type},       {"sizes", Kind::sizes},   {"size_h", Kind::size_h},   {"size_w", Kind::size_w},
        {"about", Kind::about},     {"tensor", Kind::tensor}, {"ignored", Kind::ignored}, {"integers", Kind::integers}};
    if (const auto found = kinds.find(name); found != kinds.end()) return found->second;
    choices = split(name, '|');
    CHECK(choices.size() > 1, "graph list: kind ", name);
    return Kind::choice;
}

AttributeRule parse_attribute(std::vector<std::string> words, uint32_t message, uint32_t message_v1) {
    AttributeRule rule;
    if (message != 0) {
        rule.field = uint32_t(std::stoul(words.at(0)));
        words.erase(words.begin());
    }
    CHECK(words.size() >= 2 && words.size() <= 4, "graph list: attribute ", words.at(0));
    rule.message = message, rule.message_v1 = message_v1;
    rule.name = words[0];
    rule.kind = kind_named(words[1], rule.choices);
    if (words.size() > 2 && words[2] != "-") rule.absent = words[2];
    rule.usual = words.size() > 3 ? words[3] : rule.absent.value_or("");
    return rule;
}

OperatorRule::Role role_named(const std::string& name) {
    if (name == "source") return OperatorRule::Role::source;
    if (name == "sink") return OperatorRule::Role::sink;
    if (name == "pass") return OperatorRule::Role::pass;
    CHECK(name == "layer", "graph list: role ", name);
    return OperatorRule::Role::layer;
}

GraphRow parse_row(const std::vector<std::string>& words) {
    CHECK(words.size() >= 5, "graph list: a node of ", words.size(), " words");
    GraphRow row;
    row.group = words[1], row.name = words[2], row.op = words[3];
    if (words[4] != "-") row.inputs = split(words[4], ',');
    for (size_t i = 5; i < words.size(); ++i) {
        const size_t equals = words[i].find('=');
        CHECK(equals != std::string::npos, "graph list: ", row.name);
        row.attributes[words[i].substr(0, equals)] = words[i].substr(equals + 1);
    }
    return row;
}

// Numbers were decimal once and float32 since: equal to its rounding, or as near as the rule asks.
bool near(const std::string& found, const std::string& expected, double tolerance) {
    const std::vector<std::string> a = split(found, ','), b = split(expected, ',');
    return std::ranges::equal(a, b, [&](const std::string& x, const std::string& y) {
        char* end = nullptr;
        const double value = std::strtod(x.c_str(), &end), wanted = std::strtod(y.c_str(), nullptr);
        return *end == 0 && std::abs(value - wanted) <= tolerance * std::abs(wanted);  // not "of another type"
    });
}

bool equal(const AttributeRule& rule, const std::string& found, const std::string& expected) {
    if (rule.kind == Kind::real) return near(found, expected, 1e-6);
    if (rule.kind == Kind::about) return near(found, expected, 0.01);
    return found == expected;
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + printable(name);
    return text.empty() ? "nothing" : text;
}

void check_node(const GraphList& list, const GraphRow& row, const FoundNode& node, Problems& problems) {
    if (node.op != row.op) {
        problems.add(concat(row.name, " is ", printable(node.op), ", expected ", row.op));
        return;
    }
    if (node.inputs != row.inputs)
        problems.add(concat(row.name, " takes ", joined(node.inputs), ", expected ", joined(row.inputs)));
    const OperatorRule* rule = list.find_operator(row.op);
    CHECK(rule != nullptr, "graph list: ", row.op);
    check_attributes(*rule, row.attributes, row.name, node, problems);
}

}  // namespace

const OperatorRule* GraphList::find_operator(std::string_view name) const {
    const auto found = std::ranges::find(operators, name, &OperatorRule::name);
    return found == operators.end() ? nullptr : &*found;
}

const OperatorRule* GraphList::find_operator(int64_t v1_number) const {
    const auto found = std::ranges::find(operators, v1_number, &OperatorRule::v1_number);
    return found == operators.end() || v1_number < 0 ? nullptr : &*found;
}

GraphList parse_graph_list(std::string_view text) {
    GraphList list;
    uint32_t message = 0, message_v1 = 0;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || line[0] == '#') continue;
        std::istringstream stream(line);
        const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
        if (words[0] == "operator") {
            CHECK(words.size() >= 3, "graph list: ", line);
            list.operators.push_back({words[1], role_named(words[2]), words.size() > 3 ? std::stol(words[3]) : -1, {}});
            message = message_v1 = 0;
        } else if (words[0] == "message") {
            CHECK(words.size() == 3, "graph list: ", line);
            message = uint32_t(std::stoul(words[1])), message_v1 = uint32_t(std::stoul(words[2]));
        } else if (words[0] == "harmless" || words[0] == "harmless_v1") {
            for (size_t i = 1; i < words.size(); ++i)
                (words[0] == "harmless" ? list.harmless : list.harmless_v1).insert(uint32_t(std::stoul(words[i])));
        } else if (words[0] == "foreign") {
            CHECK(words.size() == 3, "graph list: ", line);
            list.foreign[std::stol(words[1])] = words[2];
        } else if (words[0] == "node") {
            list.rows.push_back(parse_row(words));
        } else {
            CHECK(!list.operators.empty(), "graph list: ", line);
            list.operators.back().attributes.push_back(parse_attribute(words, message, message_v1));
        }
    }
    return list;
}

KnownNetwork parse_network(std::string_view parameters, std::string_view graph) {
    return {parse_name_table(parameters), parse_graph_list(graph)};
}

std::string GraphList::name_of(int64_t v1_number) const {
    if (const OperatorRule* rule = find_operator(v1_number)) return rule->name;
    const auto found = foreign.find(v1_number);
    return found != foreign.end() ? found->second : concat("type ", v1_number);
}

std::set<std::string> groups_of(const GraphList& list, const FoundNodes& found) {
    std::set<std::string> groups{"trunk"};
    for (const GraphRow& row : list.rows)
        if (found.contains(row.name)) groups.insert(row.group);
    return groups;
}

void check_attributes(const OperatorRule& rule, const std::map<std::string, std::string>& expected,
                      const std::string& name, const FoundNode& node, Problems& problems) {
    for (const AttributeRule& attribute : rule.attributes) {
        // size_h and size_w are other ways to write the attribute of kind sizes.
        if (attribute.kind == Kind::ignored || attribute.kind == Kind::size_h || attribute.kind == Kind::size_w)
            continue;
        const auto wanted = expected.find(attribute.name);
        const std::string& value = wanted == expected.end() ? attribute.usual : wanted->second;
        const auto found = node.attributes.find(attribute.name);
        const bool present = found != node.attributes.end();
        if (!present && !attribute.absent) {
            problems.add(concat(printable(name), " (", rule.name, ") has no ", attribute.name, ", expected ", value));
        } else if (const std::string& actual = present ? found->second : *attribute.absent;
                   !equal(attribute, actual, value)) {
            problems.add(concat(printable(name), " (", rule.name, ") has ", attribute.name, " ", printable(actual),
                                present ? "" : " (by default)", ", expected ", value));
        }
    }
    for (const std::string& oddity : node.oddities)
        problems.add(concat(printable(name), " (", rule.name, ") ", oddity));
}

void check_graph(const GraphList& list, const std::set<std::string>& groups, const FoundNodes& found,
                 Problems& problems) {
    std::set<std::string, std::less<>> listed;
    for (const GraphRow& row : list.rows) listed.insert(row.name);
    for (const auto& [name, node] : found)
        if (!listed.contains(name))
            problems.add(concat(printable(name), " (", printable(node.op), ") is no part of the known network"));
    for (const GraphRow& row : list.rows) {
        if (!groups.contains(row.group)) continue;
        if (const auto node = found.find(row.name); node != found.end())
            check_node(list, row, node->second, problems);
        else
            problems.add(concat(row.name, " (", row.op, ") is missing"));
    }
}

}  // namespace limpid
