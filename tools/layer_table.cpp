// A tree of names, and columns as wide as what stands in them.
#include "tools/layer_table.h"

#include <algorithm>
#include <array>
#include <iomanip>
#include <memory>
#include <ostream>

#include "tools/command.h"

namespace limpid {
namespace {

// A part of a name. Children are in the order of their first layers.
struct Branch {
    std::string name;
    const LayerRow* row = nullptr;
    std::vector<std::unique_ptr<Branch>> children;

    Branch& child(const std::string& of) {
        const auto found = std::ranges::find(children, of, [](const auto& c) -> const std::string& { return c->name; });
        if (found != children.end()) return **found;
        return *children.emplace_back(std::make_unique<Branch>(Branch{of, nullptr, {}}));
    }
};

using LayerCells = std::array<std::string, 6>;

LayerCells cells_of(const LayerRow& row, int depth) {
    const Shape& o = row.output;
    return {std::string(size_t(2 * depth), ' ') + one_line(row.name),
            one_line(row.kind),
            row.filter.size() > 0 ? to_string(row.filter) : "",
            row.parameters > 0 ? std::to_string(row.parameters) : "",
            o.size() > 0 ? concat(o.h, 'x', o.w, 'x', o.c) : "-",
            row.multiply_adds > 0 ? std::to_string(row.multiply_adds) : ""};
}

// Appends the branch's lines, and returns its sums.
LayerRow list(const Branch& branch, int depth, std::vector<LayerCells>& lines) {
    // A part that only one layer has is no line of its own.
    if (!branch.row && branch.children.size() == 1) return list(*branch.children[0], depth, lines);
    LayerRow sum;
    if (branch.row) sum = *branch.row;
    sum.name = branch.name;
    const size_t own = lines.size();
    lines.emplace_back();
    for (const auto& child : branch.children) {
        const LayerRow below = list(*child, depth + 1, lines);
        sum.parameters += below.parameters;
        sum.multiply_adds += below.multiply_adds;
        if (!branch.row) sum.output = below.output;
    }
    lines[own] = cells_of(branch.row ? *branch.row : sum, depth);
    return sum;
}

}  // namespace

void print_layers(std::ostream& out, const std::vector<LayerRow>& rows) {
    Branch root;
    LayerRow total;
    for (const LayerRow& row : rows) {
        Branch* at = &root;
        for (size_t dot = row.name.find('.'); dot != row.name.npos; dot = row.name.find('.', dot + 1))
            at = &at->child(row.name.substr(0, dot));
        at->child(row.name).row = &row;
        total.parameters += row.parameters;
        total.multiply_adds += row.multiply_adds;
    }
    std::vector<LayerCells> lines{{"layer", "kind", "filter", "parameters", "output", "multiply-adds"}};
    for (const auto& branch : root.children) list(*branch, 0, lines);
    lines.push_back({"total", "", "", std::to_string(total.parameters), "", std::to_string(total.multiply_adds)});

    std::array<size_t, 6> widths{};
    for (const LayerCells& cells : lines)
        for (size_t i = 0; i < cells.size(); i++) widths[i] = std::max(widths[i], cells[i].size());
    for (const LayerCells& cells : lines) {
        for (size_t i = 0; i < cells.size(); i++) {
            const bool number = i == 3 || i == 5;
            out << (i ? "  " : "") << (number ? std::right : std::left) << std::setw(int(widths[i])) << cells[i];
        }
        out << '\n';
    }
}

}  // namespace limpid
