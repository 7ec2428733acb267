// Text from numbers.
#include "viz/judge/document.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include "kernels/elementary.h"
#include "nets/world/world.h"

namespace limpid {

namespace {

std::string fixed(double value, int digits) {
    char text[32];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    return text;
}

std::string with_interval(const Estimate& e) { return fixed(e.mean, 2) + " ±" + fixed((e.high - e.low) / 2, 2); }

// Characters, not bytes.
size_t width_of(const std::string& text) {
    return size_t(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

int digits_of(Statistic statistic) { return statistic == Statistic::frequency ? 3 : 0; }

// "3 (world 1 ±12)", and what is wrong.
std::string compared(Statistic statistic, const Norm& norm, double value) {
    if (!norm.defined) return "-";
    const int digits = digits_of(statistic);
    const std::string tolerance = statistic == Statistic::frequency
                                      ? " ×÷" + fixed(elementary::pow(2, norm.tolerance), 1)
                                      : " ±" + fixed(norm.tolerance, 0);
    return fixed(value, digits) + " (world " + fixed(norm.mean, digits) + tolerance + ")" +
           (norm.accepts(statistic, value) ? "" : " MISSED");
}

}  // namespace

Cells method_cells(const Judgement& judgement) {
    Cells cells{{"method", "from", "energy inside", "/ area", "pointing", "discrimination", "deletion", "insertion",
                 "random weights"}};
    for (const MethodScores& row : judgement.rows)
        cells.push_back({row.name, row.from, with_interval(row.energy), with_interval(row.gain),
                         with_interval(row.pointing), with_interval(row.discrimination), with_interval(row.deletion),
                         with_interval(row.insertion), row.from.empty() ? "-" : with_interval(row.control)});
    return cells;
}

Cells visualisation_cells(const VisualisationJudgement& judgement) {
    Cells cells{{"class", "taken for", "probability"}};
    for (const Statistic statistic : kStatistics)
        cells[0].push_back(std::string(name_of(statistic)) + ", " + unit_of(statistic));
    for (const JudgedVisualisation& row : judgement.rows) {
        std::vector<std::string> line{std::string(kPatternNames[size_t(row.concept_index)]),
                                      row.right() ? "itself" : std::string(kPatternNames[size_t(row.taken_for)]),
                                      fixed(row.probability, 3)};
        for (const Statistic statistic : kStatistics)
            line.push_back(compared(statistic, judgement.norms[size_t(row.concept_index)][size_t(statistic)],
                                    value_of(statistic, row.measured)));
        cells.push_back(std::move(line));
    }
    return cells;
}

std::string text_table(const Cells& cells) {
    std::vector<size_t> widths(cells[0].size());
    for (const auto& row : cells)
        for (size_t i = 0; i < row.size(); i++) widths[i] = std::max(widths[i], width_of(row[i]));
    std::string text;
    for (const auto& row : cells) {
        std::string line;
        for (size_t i = 0; i < row.size(); i++) line += row[i] + std::string(widths[i] - width_of(row[i]) + 2, ' ');
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

std::string markdown_table(const Cells& cells) {
    std::string text;
    for (size_t row = 0; row < cells.size(); row++) {
        text += "|";
        for (const std::string& cell : cells[row]) text += " " + cell + " |";
        text += "\n";
        if (row > 0) continue;
        text += "|";
        for (size_t i = 0; i < cells[0].size(); i++) text += "---|";
        text += "\n";
    }
    return text;
}

std::string visualisation_summary(const VisualisationJudgement& judgement) {
    std::ostringstream text;
    text << std::ranges::count_if(judgement.rows, &JudgedVisualisation::right) << " of " << judgement.rows.size()
         << " rendered classes are taken for themselves";
    for (const Statistic statistic : kStatistics) {
        int defined = 0, agree = 0;
        for (const JudgedVisualisation& row : judgement.rows) {
            const Norm& norm = judgement.norms[size_t(row.concept_index)][size_t(statistic)];
            defined += norm.defined;
            agree += norm.defined && norm.accepts(statistic, value_of(statistic, row.measured));
        }
        text << "; " << name_of(statistic) << ": ";
        if (defined > 0)
            text << agree << " of " << defined << " that define one agree";
        else
            text << "no concept defines one";
    }
    return text.str();
}

std::string markdown_document(const Verdict& v) {
    std::ostringstream text;
    text << "# The judge\n\nWritten by\n\n    " << v.command << "\n\nfor " << v.network << ".\n";
    if (v.methods) {
        const Judgement& j = *v.methods;
        text << "\n## Methods of attribution\n\n"
             << "The [world](../nets/world/world.h) paints composites of two concepts, " << v.options.size
             << " pixels wide, with a mask of the pixels that carry each. Every method\nis asked for both concepts of "
             << j.judged << " composites: those whose two concepts are the network's first two answers, of "
             << j.painted
             << " painted. Where the\nnetwork does not see a concept, the place of its evidence says nothing about the "
                "method. Masks cover "
             << fixed(100 * j.area, 1) << " % of a picture on average.\n\n"
             << markdown_table(method_cells(j))
             << "\nMeans over composites, with half the width of their 95 % interval (bootstrap over composites). The "
                "first three rows do not look at the\nnetwork: what the truth itself, a bump in the middle, and "
                "chance are worth. A method that is not better than those shows nothing.\n\n"
             << "* **energy inside**: the part of the map's positive values inside the mask of the asked concept. "
                "**/ area**: divided by the mask's part of\n  the picture; 1 is chance.\n"
             << "* **pointing**: how often the map's largest value is in the mask, or within "
             << v.options.pointing_tolerance() << " pixels of it.\n"
             << "* **discrimination**: of what lies in either mask, the part in that of the asked concept; 1/2 is "
                "chance, and a map that is the same for\n  both.\n"
             << "* **deletion**, **insertion**: mean probability of the class while pixels are removed (put in), the "
                "map's largest first. Low, and high, are good. Single\n  pixels strewn over a picture disturb a "
                "network more than the loss of an area, which is why noise does well in deletion.\n"
             << "* **random weights**: rank correlation with the map of a network of random weights. Near 0 is good: "
                "a map that stays the same shows the\n  picture, not the network. A map without differences counts as "
                "0, as "
                "grad-cam's does where a random network has only evidence against.\n\n"
             << "Methods from a layer are upsampled to the picture. Windows are " << v.options.settings.window
             << " pixels, every " << v.options.settings.stride
             << "; other settings are those of `limpid attribute`. Where "
                "all after the layer is linear, linear\nand both paths are one map; saliency is the map of the "
                "gradient.\n";
    }
    if (v.visualisations) {
        text << "\n## Visualisations\n\nEach class rendered (" << v.visualisation_options.steps << " steps, "
             << kWorldSize
             << " pixels), shown to the network, and measured: " << visualisation_summary(*v.visualisations) << ".\n\n"
             << markdown_table(visualisation_cells(*v.visualisations)) << "\nIn brackets mean and tolerance of "
             << v.visualisation_options.samples
             << " of the world's own pictures: 95 % of those are as near to their mean. A concept defines a statistic\n"
                "where at most half of the pictures of all concepts are as near; `-` where it does not. (A half was "
                "chosen after trying\nstricter shares, which left one or two frequencies to compare: agreement is a "
                "weak statement, a miss a strong one.)\nAngles are of lines, 0 horizontal, 45 rising to the right; "
                "frequencies are the strongest ring of the spectrum; hues 0 red,\n120 green. The world draws its "
                "colours at random.\n";
    }
    return text.str();
}

}  // namespace limpid
