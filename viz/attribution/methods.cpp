// The table.
#include "viz/attribution/methods.h"

#include <algorithm>
#include <vector>

#include "kernels/error.h"
#include "nets/nearest.h"

namespace limpid {

namespace {

using Settings = MethodSettings;

int64_t either(int64_t asked, int64_t otherwise) { return asked > 0 ? asked : otherwise; }

Explanation raw_gradient(Section& section, const HostTensor& x, const Target& target, const Settings&) {
    return {gradient(section, x, target), {}, {}};
}

Explanation linear(Section& section, const HostTensor& x, const Target& target, const Settings&) {
    return {linear_attribution(section, x, target), {}, {}};
}

template <bool stochastic>
Explanation path(Section& section, const HostTensor& x, const Target& target, const Settings& settings) {
    const PathOptions options{.steps = either(settings.steps, 100), .stochastic = stochastic, .seed = settings.seed};
    return {path_attribution(section, x, target, options), {}, {}};
}

Explanation largest_gradient(Section& section, const HostTensor& x, const Target& target, const Settings&) {
    return {saliency(gradient(section, x, target)), {}, {}};
}

Explanation integrated(Section& section, const HostTensor& x, const Target& target, const Settings& settings) {
    IntegratedGradients result = integrated_gradients(section, x, target, either(settings.steps, 200));
    return {std::move(result.attribution), result.completeness, {}};
}

Explanation smooth(Section& section, const HostTensor& x, const Target& target, const Settings& settings) {
    return {smooth_grad(section, x, target, {.samples = either(settings.steps, 50), .seed = settings.seed}), {}, {}};
}

Explanation class_activations(Section& section, const HostTensor& x, const Target& target, const Settings&) {
    return {grad_cam(section, x, target), {}, {}};
}

Explanation occluded(Section& section, const HostTensor& x, const Target& target, const Settings& settings) {
    const OcclusionOptions options{.window = either(settings.window, 32), .stride = settings.stride};
    return {occlusion(section, x, target, options, settings.watcher), {}, {}};
}

Explanation predicted(Section& section, const HostTensor& x, const Target& target, const Settings& settings) {
    if (target.terms.size() != 1 || target.terms[0].kind != Target::Kind::logit)
        throw UsageError("prediction-difference is about the probability of one class; the target must be class:LABEL");
    PredictionDifferenceOptions options{
        .window = either(settings.window, 16), .stride = settings.stride, .seed = settings.seed};
    options.samples = either(settings.steps, options.samples);
    return {prediction_difference(section, x, target.terms[0].channel, options, settings.watcher), {}, {}};
}

Explanation segmented(Section& section, const HostTensor& x, const Target& target, const Settings& settings) {
    Lime result =
        lime(section, x, target, {.samples = either(settings.steps, 1000), .seed = settings.seed}, settings.watcher);
    HostTensor map = result.map;
    return {std::move(map), {}, std::move(result)};
}

constexpr AttributionMethod kMethods[] = {
    {"linear", "", false, false, nullptr, linear},
    {"path", "", false, false, nullptr, path<false>},
    {"stochastic-path", "", false, false, nullptr, path<true>},
    {"gradient", "input", false, true, nullptr, raw_gradient},
    {"saliency", "input", false, true, nullptr, largest_gradient},
    {"gradient-x-input", "input", false, false, nullptr, linear},
    {"integrated-gradients", "input", false, false, nullptr, integrated},
    {"smoothgrad", "input", false, true, nullptr, smooth},
    {"guided-backprop", "input", false, true, guided_relu, raw_gradient},
    {"deconvolution", "input", false, true, deconvolved_relu, raw_gradient},
    {"grad-cam", "", false, false, nullptr, class_activations},
    {"occlusion", "input", true, false, nullptr, occluded},
    {"prediction-difference", "input", true, false, nullptr, predicted},
    {"lime", "input", true, false, nullptr, segmented},
};

std::vector<std::string> names() {
    std::vector<std::string> all;
    for (const AttributionMethod& method : kMethods) all.push_back(method.name);
    return all;
}

}  // namespace

std::span<const AttributionMethod> attribution_methods() { return kMethods; }

std::string attribution_method_names() {
    std::string text;
    for (const std::string& name : names()) text += (text.empty() ? "" : ", ") + name;
    return text;
}

const AttributionMethod& attribution_method(const std::string& name) {
    const auto found = std::ranges::find_if(kMethods, [&](const AttributionMethod& m) { return name == m.name; });
    if (found == std::end(kMethods))
        throw UsageError(
            concat("attribution method ", name, " is not known; did you mean ", nearest_names(name, names()), '?'));
    return *found;
}

HostTensor attribution_map(const AttributionMethod& method, const HostTensor& attribution) {
    return method.is_gradient ? saliency(attribution) : sum_channels(attribution);
}

}  // namespace limpid
