// What a known network's file says beside its parameters: the operators that may occur, the nodes that must, how they
// are joined, and every attribute. A file that says anything else holds another network of the same names and shapes,
// and is refused.
//
// Data lives in names/*_graph.txt, one record a line; '#' starts a comment:
//
//   operator NAME ROLE [V1_NUMBER]        then the attributes of that operator, one a line:
//   message N V1_N                        Caffe: the fields of an operator's parameters, in a layer of either form
//   [FIELD] NAME KIND [ABSENT [USUAL]]    FIELD: Caffe's number, below a message
//                                         ABSENT: what a missing attribute means; "-": it must be there
//                                         USUAL: what nodes have where they do not say otherwise; by default ABSENT
//   harmless N..., harmless_v1 N...       Caffe: fields of every layer that say nothing about what it computes
//   foreign V1_NUMBER NAME                Caffe: an operator of other networks, to be called by its name
//   node GROUP NAME OPERATOR INPUT,... [ATTRIBUTE=VALUE]...      "-": no inputs
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weights/parameters.h"

namespace limpid {

struct AttributeRule {
    // integer, real, flag, text and type are single values; integers a list; sizes Caffe's pair of height and width,
    // given as one number, as two, or one by one by size_h and size_w; choice an enumeration; about a list of reals
    // that are equal within one percent; tensor the values of a small integer array.
    enum class Kind {
        integer,
        real,
        flag,
        text,
        type,
        integers,
        sizes,
        size_h,
        size_w,
        choice,
        about,
        tensor,
        ignored
    };
    std::string name;
    Kind kind = Kind::integer;
    std::vector<std::string> choices;
    std::optional<std::string> absent;
    std::string usual;
    uint32_t message = 0, message_v1 = 0, field = 0;
};

struct OperatorRule {
    // source and sink: data and losses, which nothing depends on that is looked at; pass: the output is the input.
    enum class Role { layer, source, sink, pass };
    std::string name;
    Role role = Role::layer;
    int64_t v1_number = -1;
    std::vector<AttributeRule> attributes;
};

struct GraphRow {
    std::string group, name, op;
    std::vector<std::string> inputs;
    std::map<std::string, std::string> attributes;
};

struct GraphList {
    std::vector<OperatorRule> operators;
    std::vector<GraphRow> rows;
    std::set<uint32_t> harmless, harmless_v1;
    std::map<int64_t, std::string> foreign;

    const OperatorRule* find_operator(std::string_view name) const;
    const OperatorRule* find_operator(int64_t v1_number) const;
    std::string name_of(int64_t v1_number) const;  // known, foreign, or "type 38"
};

// CHECKs the syntax: lists are ours.
GraphList parse_graph_list(std::string_view text);

// What a reader needs to know of a network: its parameters and its graph in one format.
struct KnownNetwork {
    std::vector<NameRow> parameters;
    GraphList graph;
};
KnownNetwork parse_network(std::string_view parameters, std::string_view graph);

// A node of a file. Inputs are names of other nodes, with operators of role pass already looked through; attributes are
// in the form of the list, without those that are absent or ignored.
struct FoundNode {
    std::string op;
    std::vector<std::string> inputs;
    std::map<std::string, std::string> attributes;
    std::vector<std::string> oddities;  // what no attribute stands for, as "has the field 7, expected none"
};
using FoundNodes = std::map<std::string, FoundNode, std::less<>>;

// The groups of the list which the nodes have a part of.
std::set<std::string> groups_of(const GraphList& list, const FoundNodes& found);

// Adds everything that the nodes have otherwise, less or more than the rows of these groups.
void check_graph(const GraphList& list, const std::set<std::string>& groups, const FoundNodes& found,
                 Problems& problems);

// What is wrong with the attributes alone, for nodes that are not listed (sources, sinks, passes).
void check_attributes(const OperatorRule& rule, const std::map<std::string, std::string>& expected,
                      const std::string& name, const FoundNode& node, Problems& problems);

}  // namespace limpid
