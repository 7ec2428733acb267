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

}  // namespace

std::vector<Unit> named_units(const ordered_json& photo) {
    UnitList list;
    if (photo.contains("teaser")) {
        const ordered_json &teaser = photo["teaser"], &pairs = teaser["pairs"];
        for (const ordered_json& entries : pairs)
            for (const ordered_json& entry : entries) list.add(teaser["layer"], entry["channel"].get<int64_t>());
    }
    std::vector<Unit> first;
    if (photo.contains("channels"))
        for (const ordered_json& layer : photo["channels"]["layers"])
            for (const ordered_json& entry : photo["channels"]["output"][layer.get<std::string>()])
                first.push_back({layer, entry[0].get<int64_t>()});
    for (const Unit& unit : first) list.add(unit.layer, unit.channel);
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
    return list.units;
}

}  // namespace limpid
