// The judge's verdict as tables: aligned for a terminal, and as a Markdown document.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "viz/judge/judge.h"
#include "viz/judge/visualisations.h"

namespace limpid {

// Rows of equally many cells, the first the header.
using Cells = std::vector<std::vector<std::string>>;
Cells method_cells(const Judgement& judgement);
Cells visualisation_cells(const VisualisationJudgement& judgement);

std::string text_table(const Cells& cells);
std::string markdown_table(const Cells& cells);

// "24 of 25 are taken for their class; angle: 5 of 6 agree; ..."
std::string visualisation_summary(const VisualisationJudgement& judgement);

struct Verdict {
    std::string command, network;  // what made it; name and checksum
    JudgeOptions options;
    VisualisationOptions visualisation_options;
    std::optional<Judgement> methods = {};
    std::optional<VisualisationJudgement> visualisations = {};
};
std::string markdown_document(const Verdict& verdict);

}  // namespace limpid
