// One way to write each kind.
#include "weights/attribute_text.h"

#include <charconv>

namespace limpid {
namespace {

constexpr size_t kMostElements = 64;

}  // namespace

std::string number_text(float value) {
    char text[32];
    return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string text_of(const std::vector<int64_t>& values) {
    std::string text;
    for (const int64_t value : values) text += (text.empty() ? "" : ",") + std::to_string(value);
    return text.empty() ? "none" : text;
}

void append_attribute(const AttributeRule& rule, const Field& field, std::string& text) {
    using Kind = AttributeRule::Kind;
    switch (rule.kind) {
        case Kind::integer:
            text = std::to_string(static_cast<int64_t>(field.integer()));
            return;
        case Kind::flag:
            text = field.integer() != 0 ? "true" : "false";
            return;
        case Kind::choice:
            text = field.integer() < rule.choices.size() ? rule.choices[field.integer()]
                                                         : concat("number ", field.integer());
            return;
        case Kind::real:
            text = number_text(field.number_f32());
            return;
        case Kind::text:
            text = printable(field.text());
            return;
        case Kind::about: {
            std::vector<float> values;
            if (count_floats(field) > kMostElements)
                throw Error(concat("byte ", field.offset, ": ", count_floats(field), " values for ", rule.name,
                                   ", expected a few; the file is damaged, or of another kind"));
            append_floats(field, values);
            for (const float value : values) text += (text.empty() ? "" : ",") + number_text(value);
            return;
        }
        default:
            CHECK(false, "attribute ", rule.name, " has a kind without a single field");
    }
}

}  // namespace limpid
