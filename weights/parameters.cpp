// Checks found parameters against the name table and converts them.
#include "weights/parameters.h"

#include <algorithm>
#include <cmath>

#include "weights/layer_names.h"
#include "weights/layout.h"

namespace limpid {
namespace {

// Legacy Caffe files write a bias as 1x1x1xK and a matrix as 1x1xOxI.
std::vector<int64_t> without_leading_ones(std::vector<int64_t> shape, size_t rank) {
    while (shape.size() > rank && shape.front() == 1) shape.erase(shape.begin());
    return shape;
}

std::vector<int64_t> expected_weight_shape(const NameRow& row, const ParameterFormat& format) {
    const Shape& f = row.filter;
    if (row.form == NameRow::Form::conv) {
        return format.transposed ? std::vector<int64_t>{f.c, f.w, f.n, f.h} : std::vector<int64_t>{f.n, f.h, f.w, f.c};
    }
    return format.transposed ? std::vector<int64_t>{f.c, f.w} : std::vector<int64_t>{f.w, f.c};
}

HostTensor convert_weight(const NameRow& row, const ParameterFormat& format, std::vector<float> values) {
    if (!format.transposed) return HostTensor(row.filter, std::move(values));
    if (row.form == NameRow::Form::conv) return rsck_from_kcrs(values, row.filter);
    if (row.form == NameRow::Form::dense) return matrix_from_transposed(values, row.filter);
    return matrix_from_transposed_chw(values, row.filter, row.map);
}

// The values of one parameter; empty after adding a problem.
std::vector<float> read_checked(const std::string& name, const std::string& ours, const std::vector<int64_t>& expected,
                                const FoundParameters& found, Problems& problems) {
    const auto it = found.find(name);
    if (it == found.end()) {
        problems.add(concat(name, " is missing (our ", ours, ", ", shape_text(expected), ")"));
        return {};
    }
    const FoundParameter& parameter = it->second;
    if (!parameter.fault.empty()) {
        problems.add(concat(name, " ", parameter.fault));
        return {};
    }
    if (without_leading_ones(parameter.shape, expected.size()) != expected) {
        problems.add(concat(name, " is ", shape_text(parameter.shape), ", expected ", shape_text(expected)));
        return {};
    }
    std::vector<float> values = parameter.read(parameter);
    CHECK(int64_t(values.size()) == checked_size(expected), name);
    const auto bad = std::count_if(values.begin(), values.end(), [](float v) { return !std::isfinite(v); });
    if (bad > 0) {
        problems.add(concat(name, " has ", bad, " values that are not finite numbers"));
        return {};
    }
    return values;
}

}  // namespace

void Problems::add(std::string problem) {
    constexpr size_t kSaid = 3, kLongest = 300;
    ++count_;
    if (first_.size() == kSaid) return;
    if (problem.size() > kLongest) problem.replace(kLongest, std::string::npos, "...");
    first_.push_back(std::move(problem));
}

void Problems::throw_if_any(std::string_view advice) const {
    if (empty()) return;
    std::string text = count_ == 1
                           ? std::string()
                           : concat(count_, " problems", count_ > first_.size() ? ", the first three" : "", ": ");
    for (const std::string& problem : first_) text += problem + "; ";
    for (const std::string& note : notes_) text += note + "; ";
    throw Error(concat(text, advice));
}

std::string first_names(const std::vector<std::string>& names) {
    constexpr size_t kShown = 3;
    std::string text;
    for (size_t i = 0; i < std::min(kShown, names.size()); ++i) text += (i == 0 ? "" : ", ") + names[i];
    return names.size() > kShown ? concat(text, " and ", names.size() - kShown, " more") : text;
}

int64_t checked_size(const std::vector<int64_t>& shape) {
    int64_t size = 1;
    for (const int64_t length : shape) {
        if (length < 0 || __builtin_mul_overflow(size, length, &size)) return -1;
    }
    return size;
}

std::string shape_text(const std::vector<int64_t>& shape) {
    std::string text;
    for (const int64_t length : shape) text += (text.empty() ? "" : "x") + std::to_string(length);
    return text.empty() ? "a single number" : text;
}

std::set<std::string> groups_of(const std::vector<NameRow>& table, const ParameterFormat& format,
                                const FoundParameters& found) {
    std::set<std::string> groups{"trunk"};
    for (const NameRow& row : table)
        if (found.contains(row.source + format.weight_suffix) || found.contains(row.source + format.bias_suffix))
            groups.insert(row.group);
    return groups;
}

std::string foreign_prefix(const std::vector<NameRow>& table, const ParameterFormat& format,
                           const FoundParameters& found) {
    if (table.empty()) return {};
    const std::string known = table[0].source + format.weight_suffix;
    for (const auto& [name, parameter] : found)
        if (name.size() > known.size() && name.ends_with("/" + known))
            return name.substr(0, name.size() - known.size());
    return {};
}

int64_t other_classes(const std::vector<NameRow>& table, const ParameterFormat& format, const FoundParameters& found) {
    for (const NameRow& row : table) {
        const auto bias = found.find(row.source + format.bias_suffix);
        if (row.layer != "softmax2" || bias == found.end()) continue;
        const int64_t outputs = checked_size(bias->second.shape);
        return outputs == row.filter.c ? 0 : outputs;
    }
    return 0;
}

void take_parameters(const std::vector<NameRow>& table, const ParameterFormat& format,
                     const std::set<std::string>& groups, const FoundParameters& found, Problems& problems,
                     Weights& weights) {
    std::set<std::string> known;
    for (const NameRow& row : table) {
        known.insert(row.source + format.weight_suffix);
        known.insert(row.source + format.bias_suffix);
        if (!groups.contains(row.group)) continue;
        std::vector<float> filter = read_checked(row.source + format.weight_suffix, weight_of(row.layer),
                                                 expected_weight_shape(row, format), found, problems);
        std::vector<float> bias =
            read_checked(row.source + format.bias_suffix, bias_of(row.layer), {row.filter.c}, found, problems);
        if (!filter.empty()) weights.tensors[weight_of(row.layer)] = convert_weight(row, format, std::move(filter));
        if (!bias.empty()) weights.tensors[bias_of(row.layer)] = HostTensor({1, 1, 1, row.filter.c}, std::move(bias));
    }
    for (const auto& [name, parameter] : found) {
        if (known.count(name) == 0)
            weights.unused.push_back(concat(printable(name), " (", shape_text(parameter.shape), ")"));
    }
    // Named beside what is missing, a renamed layer is seen at once; on its own, a parameter without a place does no
    // harm.
    if (!weights.unused.empty())
        problems.add_note(concat(weights.unused.size(), " unused: ", first_names(weights.unused)));
}

}  // namespace limpid
