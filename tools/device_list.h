// The devices that exist in principle, and which of them this machine and build can use.
#pragma once

#include <string>
#include <vector>

namespace limpid {

struct DeviceEntry {
    std::string name;  // as --device takes it
    bool available = false;
    std::string note;  // what it is, or why it is not available
};

std::vector<DeviceEntry> list_devices();

}  // namespace limpid
