// Which channels the figures of a photo name, read from their data.
#include <set>

#include "viz/report/figure.h"

namespace limpid {

using nlohmann::ordered_json;

namespace {

struct UnitList {
    std::vector<Unit> units;
    std::set<Unit> seen;

    void add(const std::string& layer, int64_t channel) {
        if (seen.insert({layer, channel}).second) units.push_back({layer, channel});
    }
    std::vector<Unit> first(int64_t most) const {
        return {units.begin(), units.begin() + std::min(most, int64_t(units.size()))};
    }
    // [[channel, value], ...]
    void add_entries(const std::string& layer, const ordered_json& entries, size_t most) {
        for (size_t i = 0; i < std::min(most, entries.size()); i++) add(layer, entries[i][0].get<int64_t>());
    }
};

void add_pinned(const ordered_json& channels, const std::string& layer, int64_t channel, UnitList& list) {
    const ordered_json& entry = channels["channel"][layer][std::to_string(channel)];
    for (const ordered_json& name : channels["layers"])
        if (entry.contains(name.get<std::string>())) list.add_entries(name, entry[name.get<std::string>()], 3);
}

// The channels that the output owes most to.
std::vector<Unit> output_units(const ordered_json& photo) {
    std::vector<Unit> units;
    if (photo.contains("channels"))
        for (const ordered_json& layer : photo["channels"]["layers"])
            for (const ordered_json& entry : photo["channels"]["output"][layer.get<std::string>()])
                units.push_back({layer, entry[0].get<int64_t>()});
    return units;
}

}  // namespace

std::vector<Unit> sheet_units(const ordered_json& photo, int64_t most) {
    UnitList list;
    if (photo.contains("dictionary")) {
        const ordered_json &dictionary = photo["dictionary"], &at = dictionary["initial"];
        list.add_entries(dictionary["layer"], dictionary["top"][at["y"].get<size_t>()][at["x"].get<size_t>()], 3);
    }
    const std::vector<Unit> output = output_units(photo);
    for (auto unit = output.rbegin(); unit != output.rend(); ++unit) list.add(unit->layer, unit->channel);
    for (const Unit& unit : named_units(photo, most)) list.add(unit.layer, unit.channel);
    return list.first(most);
}

std::vector<Unit> named_units(const ordered_json& photo, int64_t most) {
    UnitList list;
    const std::vector<Unit> first = output_units(photo);
    for (const Unit& unit : first) list.add(unit.layer, unit.channel);
    if (photo.contains("teaser")) {
        const ordered_json &teaser = photo["teaser"], &pairs = teaser["pairs"];
        for (const ordered_json& entries : pairs)
            for (const ordered_json& entry : entries) list.add(teaser["layer"], entry["channel"].get<int64_t>());
    }
    if (photo.contains("dictionary"))
        for (size_t k = 0; k < 5; k++)  // the first of every position, then the second, ...
            for (const ordered_json& row : photo["dictionary"]["top"])
                for (const ordered_json& entries : row)
                    if (k < entries.size()) list.add(photo["dictionary"]["layer"], entries[k][0].get<int64_t>());
    for (const Unit& unit : first) add_pinned(photo["channels"], unit.layer, unit.channel, list);
    // What can be pinned further on, in no better order than that of the network.
    if (photo.contains("channels")) {
        const ordered_json& channel = photo["channels"]["channel"];
        for (auto layer = channel.begin(); layer != channel.end(); ++layer)
            for (auto unit = layer->begin(); unit != layer->end(); ++unit)
                list.add(layer.key(), std::stoll(unit.key()));
    }
    return list.first(most);
}

}  // namespace limpid
