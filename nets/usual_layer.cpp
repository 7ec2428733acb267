// Looks at the network's table.
#include "nets/usual_layer.h"

namespace limpid {

std::string usual_layer(const Net& net, const std::string& asked, const std::string& usual) {
    if (!asked.empty()) return asked;
    std::string last = usual;
    for (const LayerSpec& spec : net.layers) {
        if (spec.name == usual) return usual;
        if (spec.kind == LayerSpec::Kind::concat) last = spec.name;
    }
    return last;
}

}  // namespace limpid
