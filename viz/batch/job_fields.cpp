// The table of fields.
#include "viz/batch/job_fields.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "viz/json_text.h"
#include "viz/render/limits.h"

namespace limpid {

namespace {

using nlohmann::ordered_json;

struct JobField {
    const char* name;
    void (*set)(JobText&, const ordered_json&);
};

UsageError unexpected(const ordered_json& value, const std::string& expected) {
    return UsageError(concat("found ", to_json_text(value), ", expected ", expected));
}

// What the whole text of the value is as a number of this type. JSON numbers are read from their text too, so that a
// fraction is no whole number, and nothing is rounded to one.
template <class T>
std::optional<T> number_in(const ordered_json& value) {
    const std::string text = value.is_string()   ? value.get<std::string>()
                             : value.is_number() ? to_json_text(value)
                                                 : "";
    T result{};
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), result);
    if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
    return result;
}

template <class T>
T whole_number(const ordered_json& value, Limits<T> limits) {
    const std::optional<T> number = number_in<T>(value);
    if (!number || *number < limits.least || *number > limits.most)
        throw unexpected(value, concat("a whole number from ", limits.least, " to ", limits.most));
    return *number;
}

template <class T>
constexpr Limits<T> kAll{0, std::numeric_limits<T>::max()};

double positive_number(const ordered_json& value) {
    const std::optional<double> number = number_in<double>(value);
    if (!number || !std::isfinite(*number) || *number <= 0) throw unexpected(value, "a number above 0");
    return *number;
}

std::string text_of(const ordered_json& value) {
    if (!value.is_string()) throw unexpected(value, "text");
    const std::string text = value.get<std::string>();
    if (text.find('\0') != text.npos) throw unexpected(value, "text without a NUL character");
    return text;
}

const JobField kFields[] = {
    {"objective", [](JobText& job, const ordered_json& value) { job.objective = text_of(value); }},
    {"name", [](JobText& job, const ordered_json& value) { job.name = text_of(value); }},
    {"size",
     [](JobText& job, const ordered_json& value) {
         job.options.param.height = job.options.param.width = whole_number(value, kSizeLimits);
     }},
    {"steps", [](JobText& job, const ordered_json& value) { job.options.steps = whole_number(value, kStepLimits); }},
    {"seed", [](JobText& job, const ordered_json& value) { job.options.seed = whole_number(value, kAll<uint64_t>); }},
    {"job",
     [](JobText& job, const ordered_json& value) { job.options.first_job = whole_number(value, kAll<uint32_t>); }},
    {"learning_rate", [](JobText& job, const ordered_json& value) { job.options.adam.rate = positive_number(value); }},
    {"optimiser",
     [](JobText& job, const ordered_json& value) { job.options.optimiser = parse_optimiser(text_of(value)); }},
    {"transforms",
     [](JobText& job, const ordered_json& value) { job.options.transforms = parse_transforms(text_of(value)); }},
    {"param",
     [](JobText& job, const ordered_json& value) {
         ImageParam param = parse_param(text_of(value));
         param.height = job.options.param.height;
         param.width = job.options.param.width;
         job.options.param = param;
     }},
    {"batch", [](JobText& job, const ordered_json& value) { job.options.batch = whole_number(value, kBatchLimits); }},
};

const JobField& field_called(const std::string& name) {
    std::vector<std::string> known;
    for (const JobField& field : kFields) {
        if (name == field.name) return field;
        known.push_back(field.name);
    }
    throw UsageError(concat("field \"", name, "\" is not known; nearest: ", nearest_names(name, known)));
}

}  // namespace

void check_field(const std::string& name) { field_called(name); }

void set_field(JobText& job, const std::string& name, const ordered_json& value) {
    const JobField& field = field_called(name);
    with_context(name, [&] { field.set(job, value); });
}

}  // namespace limpid
