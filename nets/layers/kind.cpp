// The list of kinds, and the values that may be said of them.
#include "nets/layers/kind.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "kernels/error.h"
#include "nets/layers/kinds.h"
#include "nets/trimmed.h"
#include "weights/attribute_text.h"
#include "weights/bytes.h"

namespace limpid {

namespace {

using SettingForm = SettingRule::Form;

constexpr const LayerKind* kKinds[] = {
    &kinds::image,       &kinds::normalise,     &kinds::grey,       &kinds::conv,     &kinds::dense,
    &kinds::max_pool,    &kinds::average_pool,  &kinds::reduce,     &kinds::lrn,      &kinds::softmax,
    &kinds::log_softmax, &kinds::concatenation, &kinds::alias,      &kinds::relu,     &kinds::relu6,
    &kinds::clip,        &kinds::leaky_relu,    &kinds::elu,        &kinds::sigmoid,  &kinds::tanh,
    &kinds::silu,        &kinds::hard_sigmoid,  &kinds::hard_swish, &kinds::softplus, &kinds::abs,
    &kinds::neg,         &kinds::square,        &kinds::sqrt,       &kinds::exp,      &kinds::log,
    &kinds::reciprocal,  &kinds::power,         &kinds::affine,     &kinds::add,      &kinds::sub,
    &kinds::mul,         &kinds::div,           &kinds::max,        &kinds::min,      &kinds::batch_norm,
    &kinds::prelu,       &kinds::constant,      &kinds::slice,      &kinds::pad,      &kinds::rearrange,
};

constexpr size_t kMostNumbers = 65536;  // channels

// Whole numbers are far below 2^53.
bool is_whole(SettingForm form) { return form != SettingForm::number && form != SettingForm::numbers; }

bool allows_word(const SettingRule& rule, std::string_view word) {
    const std::vector<std::string> words = split_text(rule.words, ' ');
    return !word.empty() && std::ranges::count(words, word) > 0;
}

std::string expected_by(const SettingRule& rule) {
    std::string words;
    for (const std::string& word : split_text(rule.words, ' ')) words += (words.empty() ? "" : " or ") + word;
    if (rule.form == SettingForm::word) return words;
    const char* const what = rule.form == SettingForm::whole    ? "a whole number"
                             : rule.form == SettingForm::size   ? "HEIGHTxWIDTH"
                             : rule.form == SettingForm::border ? "YxX or TOPxLEFTxBOTTOMxRIGHT"
                             : rule.form == SettingForm::wholes ? "whole numbers"
                             : rule.form == SettingForm::number ? "a number"
                                                                : "numbers";
    return concat(words, words.empty() ? "" : " or ", what, " from ", rule.least, " to ", rule.most);
}

template <class Number>
bool parse_one(std::string_view text, double* value) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    *value = double(number);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::span<const LayerKind* const> layer_kinds() { return kKinds; }

const LayerKind* find_kind(std::string_view name) {
    const auto found = std::ranges::find(kKinds, name, &LayerKind::name);
    return found == std::end(kKinds) ? nullptr : *found;
}

Setting parse_setting(const SettingRule& rule, std::string_view text) {
    const auto refuse = [&] {
        throw Error(concat(rule.key, " is \"", printable(text), "\", expected ", expected_by(rule)));
    };
    if (allows_word(rule, text)) return {{}, std::string(text)};
    Setting setting;
    if (text.empty() && rule.usual.empty()) return setting;
    const bool joined = rule.form == SettingForm::size || rule.form == SettingForm::border;
    for (const std::string& part : split_text(text, joined ? 'x' : ' ')) {
        double value = 0;
        const bool read = is_whole(rule.form) ? parse_one<int64_t>(part, &value) : parse_one<float>(part, &value);
        if (!read || !(value >= rule.least && value <= rule.most) || setting.numbers.size() == kMostNumbers) refuse();
        setting.numbers.push_back(value);
    }
    std::vector<double>& n = setting.numbers;
    if (joined && n.size() == 1) n.push_back(n[0]);
    if (rule.form == SettingForm::border && n.size() == 4 && n[0] == n[2] && n[1] == n[3]) n.resize(2);
    const size_t count = n.size();
    const bool fits = rule.form == SettingForm::whole || rule.form == SettingForm::number ? count == 1
                      : rule.form == SettingForm::size                                    ? count == 2
                      : rule.form == SettingForm::border                                  ? count == 2 || count == 4
                                                         : rule.form != SettingForm::word && count > 0;
    if (!fits) refuse();
    return setting;
}

std::string print_setting(const SettingRule& rule, const Setting& setting) {
    if (!setting.word.empty()) return setting.word;
    const bool joined = rule.form == SettingForm::size || rule.form == SettingForm::border;
    std::string text;
    for (const double value : setting.numbers) {
        if (!text.empty()) text += joined ? 'x' : ' ';
        text += is_whole(rule.form) ? std::to_string(int64_t(value)) : number_text(float(value));
    }
    return text;
}

}  // namespace limpid
