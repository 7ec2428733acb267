// limpid devices: what --device may be on this machine, and why the others may not.
#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "kernels/stream.h"
#include "tools/command.h"
#include "tools/device_list.h"
#include "viz/json_text.h"

namespace limpid {

namespace {

ExitStatus show_devices(bool as_json) {
    const std::vector<DeviceEntry> entries = list_devices();
    if (as_json) {
        nlohmann::ordered_json list = nlohmann::ordered_json::array();
        for (const DeviceEntry& entry : entries)
            list.push_back({{"name", entry.name}, {"available", entry.available}, {"note", entry.note}});
        std::cout << to_json_text(list, 2) << '\n';
        return kDone;
    }
    for (const DeviceEntry& entry : entries)
        std::cout << std::left << std::setw(14) << entry.name << std::setw(5) << (entry.available ? "yes" : "no")
                  << entry.note << '\n';
    return kDone;
}

}  // namespace

Run declare_devices(CLI::App& app) {
    const auto as_json = std::make_shared<bool>(false);
    app.add_flag("--json", *as_json, "machine-readable");
    return [as_json] { return show_devices(*as_json); };
}

}  // namespace limpid
