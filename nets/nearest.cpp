// Levenshtein distance with a small table; names are short and few.
#include "nets/nearest.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace limpid {

namespace {

int edit_distance(const std::string& a, const std::string& b) {
    std::vector<int> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (size_t i = 1; i <= a.size(); i++) {
        int diagonal = row[0];
        row[0] = int(i);
        for (size_t j = 1; j <= b.size(); j++) {
            const bool same = std::tolower(static_cast<unsigned char>(a[i - 1])) ==
                              std::tolower(static_cast<unsigned char>(b[j - 1]));
            const int replace = diagonal + (same ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replace, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string nearest_names(const std::string& name, const std::vector<std::string>& known) {
    std::vector<std::pair<int, std::string>> ranked;
    for (const std::string& candidate : known)
        if (!candidate.empty()) ranked.emplace_back(edit_distance(name, candidate), candidate);
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string text;
    const size_t count = std::min<size_t>(3, ranked.size());
    for (size_t i = 0; i < count; i++) text += (i == 0 ? "" : i + 1 == count ? " or " : ", ") + ranked[i].second;
    return text;
}

}  // namespace limpid
