// Names of modules and nodes, made fit for the text of a network.
#include "weights/import/layer_names.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace limpid {

namespace {
constexpr size_t kLongest = 120;
}

std::string module_of_name(const std::string& name, const std::string& op) {
    constexpr std::string_view kTorch = "node_";
    if (name.starts_with(kTorch) && name.size() > kTorch.size()) return name.substr(kTorch.size());
    if (!name.starts_with('/')) return name;
    std::vector<std::string> parts;
    for (size_t at = 1; at <= name.size();) {
        const size_t end = std::min(name.find('/', at), name.size());
        parts.push_back(name.substr(at, end - at));
        at = end + 1;
    }
    // The last part is the operator, and a number where there are several.
    if (parts.size() > 1 && parts.back().starts_with(op)) parts.pop_back();
    std::string module, before;
    for (const std::string& part : parts) {
        // Members of a sequence repeat its name: layer1/layer1.0.
        if (!before.empty() && part.starts_with(before + "."))
            module += part.substr(before.size());
        else
            module += (module.empty() ? "" : ".") + part;
        before = part;
    }
    return module;
}

bool is_layer_name(const std::string& name) {
    constexpr size_t kLongestInTexts = 200;
    return !name.empty() && name.size() <= kLongestInTexts && std::ranges::all_of(name, [](char c) {
        return c > ' ' && c <= '~' && std::string_view("(),=:#\"").find(c) == std::string_view::npos;
    });
}

std::string legal_layer_name(const std::string& name) {
    std::string result;
    for (const char c : name.substr(0, kLongest)) {
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
        result += plain ? c : c == '/' ? '.' : '_';
    }
    while (result.starts_with('.')) result.erase(0, 1);
    return result.empty() ? "layer" : result;
}

}  // namespace limpid
