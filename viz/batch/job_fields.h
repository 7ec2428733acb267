// What a job of a file may say, by the names of the fields.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "viz/render/render.h"

namespace limpid {

struct JobText {
    std::string objective, name;
    RenderOptions options;
};

// Throws UsageError with the nearest names where there is no such field.
void check_field(const std::string& name);

// value: as JSON has it, or the text of a cell. Whole numbers are whole, exact and within the limits of the command
// line; on anything else UsageError that says the field, what was found and what is expected.
void set_field(JobText& job, const std::string& name, const nlohmann::ordered_json& value);

}  // namespace limpid
