// LAYER:LIST, and nothing around it.
#include "viz/batch/channel_range.h"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "kernels/error.h"
#include "viz/calls/layer_word.h"

namespace limpid {

namespace {

constexpr std::string_view kList = "0123456789,-*";

// "LAYER:" and what may be a list behind it, as they stand in a text.
struct Place {
    std::string_view layer, list, behind;
};

// All of them, outside of quotes.
std::vector<Place> places(std::string_view text) {
    std::vector<Place> result;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); i++) {
        if (text[i] == '"') quoted = !quoted;
        if (text[i] == '\\' && quoted) i++;
        if (text[i] != ':' || quoted) continue;
        size_t begin = i;
        while (begin > 0 && in_layer_word(text[begin - 1])) begin--;
        const size_t end = std::min(text.find_first_not_of(kList, i + 1), text.size());
        const std::string_view layer = text.substr(begin, i - begin);
        if (!layer.empty() && layer != "class")
            result.push_back({layer, text.substr(i + 1, end - i - 1), text.substr(end)});
    }
    return result;
}

// First and last of "3" or "0-63".
struct Span {
    int64_t first = 0, last = 0;
};
std::optional<int64_t> whole(std::string_view digits) {
    int64_t value = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
    return value;
}
std::optional<Span> span(std::string_view part) {
    const size_t dash = part.find('-');
    const std::optional<int64_t> first = whole(part.substr(0, dash)),
                                 last = dash == std::string_view::npos ? first : whole(part.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    return Span{*first, *last};
}

std::vector<std::string_view> parts(std::string_view list) {
    std::vector<std::string_view> result;
    for (size_t begin = 0; begin <= list.size();) {
        const size_t end = std::min(list.find(',', begin), list.size());
        result.push_back(list.substr(begin, end - begin));
        begin = end + 1;
    }
    return result;
}

// Whether somebody meant a list here, and not one channel and arithmetic: mixed4a:3-2*mixed4b:1.
bool is_list_inside(const Place& place) {
    if (place.list == "*") return true;
    const size_t next = place.behind.find_first_not_of(' ');
    if (next != std::string_view::npos && std::string_view("+-),").find(place.behind[next]) == std::string_view::npos)
        return false;
    return !whole(place.list) &&
           std::ranges::all_of(parts(place.list), [](auto part) { return span(part).has_value(); });
}

}  // namespace

std::optional<ChannelRange> parse_channel_range(const std::string& text,
                                                const std::function<int64_t(const std::string& layer)>& channels_of) {
    const std::vector<Place> found = places(text);
    if (found.empty()) return std::nullopt;
    const auto [layer, list, behind] = found[0];
    const bool product = list.size() > 1 && list.find('*') != std::string_view::npos;  // mixed4a:3*2
    if (layer.size() + 1 + list.size() != text.size() || list.empty() || product) {
        for (const Place& place : found)
            if (is_list_inside(place))
                throw UsageError(concat("the channels ", place.layer, ":", place.list,
                                        " are within an objective, but such a list stands alone; name one channel, or "
                                        "write a job for each"));
        return std::nullopt;
    }
    ChannelRange range{std::string(layer), {}};
    const int64_t count = channels_of(range.layer);
    if (list == "*") {
        for (int64_t channel = 0; channel < count; channel++) range.channels.push_back(channel);
        return range;
    }
    for (const std::string_view part : parts(list)) {
        const std::optional<Span> one = span(part);
        if (!one)
            throw UsageError(
                concat("\"", text, "\": \"", part, "\" is not a channel; expected a list like 0-63,70 or *"));
        if (one->last < one->first || one->last >= count)
            throw UsageError(
                concat("\"", text, "\": ", part, " is not within the channels 0..", count - 1, " of ", range.layer));
        for (int64_t channel = one->first; channel <= one->last; channel++) range.channels.push_back(channel);
    }
    return range;
}

}  // namespace limpid
