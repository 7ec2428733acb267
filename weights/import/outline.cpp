// Logits, outputs and stages.
#include "weights/import/outline.h"

#include <algorithm>
#include <map>

namespace limpid {
namespace {

bool ends_a_classifier(const std::string& kind) {
    return kind == "softmax" || kind == "log_softmax" || kind == "sigmoid";
}

// What has units that people look at; a part that only moves or scales is none.
bool has_units(const std::string& kind) {
    static constexpr const char* kMovements[] = {"image",  "grey",     "normalise", "slice", "pad",   "rearrange",
                                                 "affine", "constant", "softmax",   "dense", "reduce"};
    return std::ranges::none_of(kMovements, [&](const char* movement) { return kind == movement; });
}

// Lines that everything from the picture to `end` comes through (as trunk_layers of nets/architecture.h).
std::vector<const DraftLine*> trunk(const std::vector<DraftLine>& lines, const std::string& end) {
    std::map<std::string, size_t> taken_by{{end, lines.size()}};
    for (size_t i = lines.size(); i-- > 0;)
        if (taken_by.contains(lines[i].name))
            for (const std::string& input : lines[i].inputs) taken_by.emplace(input, i);
    std::vector<const DraftLine*> result;
    size_t furthest = 0;
    for (size_t i = 0; i < lines.size(); i++) {
        const auto taken = taken_by.find(lines[i].name);
        if (taken == taken_by.end() || lines[i].kind == "constant") continue;
        if (furthest <= i) result.push_back(&lines[i]);
        furthest = std::max(furthest, taken->second);
    }
    return result;
}

std::string listing(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

}  // namespace

Outline outline_of(const Draft& draft, const std::vector<std::string>& outputs) {
    Outline outline;
    for (const std::string& output : outputs)
        if (std::ranges::count(outline.outputs, output) == 0) outline.outputs.push_back(output);
    if (!outputs.empty()) {
        const DraftLine* line = draft.find_line(outputs[0]);
        while (line && ends_a_classifier(line->kind)) line = draft.find_line(line->inputs[0]);
        if (line && line->sizes[1] == 1 && line->sizes[2] == 1 && line->kind != "image" && line->kind != "normalise") {
            outline.logits = line->name;
            outline.classes = line->sizes[3];
        }
    }
    const std::string end = !outline.logits.empty() ? outline.logits
                            : !outputs.empty()      ? outputs[0]
                                                    : draft.lines().back().name;
    std::array<int64_t, 4> before{};
    for (const DraftLine* line : trunk(draft.lines(), end)) {
        if (!has_units(line->kind) || line->sizes[1] * line->sizes[2] == 1 || line->name == outline.logits) continue;
        const bool same = !outline.stages.empty() && before[1] == line->sizes[1] && before[2] == line->sizes[2];
        if (same && line->kind.ends_with("_pool")) continue;
        if (!same && line->kind.ends_with("_pool")) continue;  // units of the stage before
        if (same)
            outline.stages.back() = line->name;
        else
            outline.stages.push_back(line->name);
        before = line->sizes;
    }
    if (!outline.stages.empty())
        outline.usual = outline.stages[outline.stages.size() - (outline.stages.size() > 1 ? 2 : 1)];
    return outline;
}

std::string outline_text(const Outline& outline) {
    std::string text;
    if (!outline.logits.empty()) text += concat("logits: ", outline.logits, "\n");
    if (!outline.outputs.empty()) text += concat("outputs: ", listing(outline.outputs), "\n");
    if (outline.stages.empty()) return text;
    text += concat("default: ", outline.usual, "\n");
    // Of a report: the article's mixed4d, and what flows to it from the block before.
    for (const char* purpose : {"dictionary", "groups"}) text += concat("default ", purpose, ": ", outline.usual, "\n");
    if (outline.stages.size() > 2) text += concat("default flow: ", outline.stages[outline.stages.size() - 3], "\n");
    text += concat("default grad-cam: ", outline.stages.back(), "\n");
    for (const char* purpose : {"grids", "spatial", "channels"})
        text += concat("default ", purpose, ": ", listing(outline.stages), "\n");
    return text;
}

}  // namespace limpid
