// Channels of a layer as text: mixed3a:0-63,70  mixed4d:*
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace limpid {

struct ChannelRange {
    std::string layer;
    std::vector<int64_t> channels;
};

// Nothing where the text is not LAYER:LIST from its first letter to its last, with a layer as the objective language
// writes it: then it is an objective. UsageError where the list is none, or leaves the channels that the layer has; and
// where a list stands within an objective, which has no such thing (the language reads mixed4a:0-3 as a channel minus
// the number 3).
std::optional<ChannelRange> parse_channel_range(const std::string& text,
                                                const std::function<int64_t(const std::string& layer)>& channels_of);

}  // namespace limpid
