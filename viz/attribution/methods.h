// The methods of attribution by name, as `limpid attribute` and `limpid judge` offer them: where each starts, and how
// its result becomes a map.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "graph/vjp_overrides.h"
#include "viz/attribution/gradient_methods.h"
#include "viz/attribution/perturbation_methods.h"

namespace limpid {

struct MethodSettings {
    int64_t steps = 0;      // of a path, samples of noise, sets of segments; 0: the method's default
    int64_t window = 0;     // side of the window of occlusion and prediction-difference; 0: their default
    int64_t stride = 8;     // from window to window
    uint64_t seed = 0;      // of methods that draw
    PassWatcher watcher{};  // of methods that change pixels
};

struct Explanation {
    HostTensor attribution;                    // of the section's `from` layer, or {1,h,w,1}
    std::optional<Completeness> completeness;  // of integrated-gradients
    std::optional<Lime> lime;
};

struct AttributionMethod {
    const char* name;
    const char* from;  // where it starts when nobody says so: "input", or "": at the network's default layer for it
    bool pixels_only;
    bool is_gradient;             // not multiplied by what it is owed to: the map is max_c |G|, not a sum
    VjpOverrides (*overrides)();  // null: as the caller likes
    // x: what the section's `from` is for the photo. Throws UsageError where target or settings are not the method's.
    Explanation (*explain)(Section& section, const HostTensor& x, const Target& target, const MethodSettings& settings);
};

std::span<const AttributionMethod> attribution_methods();
// "linear, path, ..."
std::string attribution_method_names();
// Throws UsageError with the nearest names.
const AttributionMethod& attribution_method(const std::string& name);

// One number for each position, {1,h,w,1}.
HostTensor attribution_map(const AttributionMethod& method, const HostTensor& attribution);

}  // namespace limpid
