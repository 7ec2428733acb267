// The network text and parameters while they are made, operator by operator: what the functions of operators.h write
// to.
#pragma once

#include <functional>
#include <set>

#include "kernels/tensor.h"
#include "weights/attribute_text.h"
#include "weights/import/passes.h"
#include "weights/import/placement.h"

namespace limpid {

// One line of the text.
struct DraftLine {
    std::string name, kind;
    std::vector<std::string> inputs;
    std::string settings;            // "window=3x3, stride=2x2"
    std::array<int64_t, 4> sizes{};  // of the layer at the canonical size, n h w c
};

class Draft {
  public:
    // graph: is read, and gets the constants that folding makes. most_values: of a parameter that the file does not
    // hold but makes by a rule.
    Draft(ImportGraph& graph, int64_t most_values) : graph_(graph), most_values_(most_values) {}

    const ImportGraph& graph() const { return graph_; }

    // What an operator takes. Throws Error where there is none.
    const Placement& value(const std::string& name) const;
    bool has_value(const std::string& name) const { return values_.contains(name); }
    const ImportTensor* constant(const std::string& name) const { return find_constant(graph_, name); }
    const ImportTensor& need_constant(const ImportNode& node, size_t input, const char* what) const;
    std::vector<float> reals(const ImportTensor& tensor) const;
    // Throws Error where parameters would be made of that many values more than the file holds.
    void check_made(int64_t values) const;
    std::optional<std::vector<int64_t>> integers(const ImportNode& node, size_t input, const std::string& key) const {
        return integers_of(node, graph_, input, key);
    }
    // The same tensor in that arrangement, moved by a `rearrange` where it lies otherwise (arrange.cpp). Throws Error
    // where images of a batch would be moved.
    Placement arranged(const ImportNode& node, const Placement& view, const Arrangement& into,
                       const std::string& part = "_moved");
    // In its usual one; with these axes along the channels; with all but images along the channels.
    Placement plain(const ImportNode& node, const Placement& view);
    Placement on_channels(const ImportNode& node, const Placement& view, const std::vector<size_t>& axes);
    Placement flat(const ImportNode& node, const Placement& view);

    // What it makes.
    void put(const std::string& value, Placement view) { values_[value] = std::move(view); }
    // A layer named after the node; its name. part: told apart from other layers of the same node.
    std::string line(const ImportNode& node, const std::string& kind, std::vector<std::string> inputs,
                     const std::string& settings, const std::array<int64_t, 4>& sizes, const std::string& part = "");
    void parameter(const std::string& name, HostTensor value);
    std::string start(const std::string& name, const std::string& kind, std::vector<std::string> inputs,
                      const std::string& settings, const std::array<int64_t, 4>& sizes);

    const std::vector<DraftLine>& lines() const { return lines_; }
    const DraftLine* find_line(const std::string& name) const;
    std::map<std::string, HostTensor> take_parameters() { return std::move(parameters_); }

    // Names that several nodes share (modules that are no leaves) say more: known before the first line.
    void know_modules();
    // Nodes are called as layers are to be: of a model that this program wrote.
    void keep_names() { keeps_names_ = true; }
    bool keeps_names() const { return keeps_names_; }

  private:
    std::string name_for(const ImportNode& node, const std::string& part);
    std::string unique(std::string name);
    bool is_beside_its_part(const std::string& name) const;

    ImportGraph& graph_;
    const int64_t most_values_;
    bool keeps_names_ = false;
    mutable int64_t made_values_ = 0;
    std::map<std::string, Placement> values_;
    struct Move {
        std::vector<Factors> from;
        Placement to;
    };
    std::multimap<std::string, Move> moved_;  // by the layer that was moved: once for all that need it so
    std::vector<DraftLine> lines_;
    std::map<std::string, size_t> line_of_;
    std::map<std::string, HostTensor> parameters_;
    std::set<std::string> taken_, parents_;  // names; modules with modules inside
    std::map<std::string, int> repeated_;    // names that were asked for again
};

// HEIGHTxWIDTH, as texts of networks say it.
std::string size_text(int64_t height, int64_t width);
// ", key=value", or nothing where it is the usual one.
std::string setting(const char* key, const std::string& value, const std::string& usual);

}  // namespace limpid
