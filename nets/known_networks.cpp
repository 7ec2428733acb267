// The texts of known variants, made for weights.
#include "nets/known_networks.h"

#include "kernels/error.h"
#include "nets/googlenet.h"
#include "nets/tiny.h"
#include "weights/attribute_text.h"
#include "weights/layer_names.h"
#include "weights/parameters.h"

namespace limpid {

namespace {

std::string variant_text(const GoogLeNetVariant& variant, const Weights& weights) {
    int64_t own = 1;
    for (const std::string& name : {weight_of("softmax2"), bias_of("softmax2")})
        if (const auto last = weights.tensors.find(name); last != weights.tensors.end()) own = last->second.shape.c;
    return inception_text(variant, variant.classes > 0 ? variant.classes : own,
                          weights.tensors.contains(weight_of("nn0")), preprocessing_line(weights.preprocessing));
}

std::string known_text(const Weights& weights) {
    if (weights.variant == "tiny") return tiny_text(preprocessing_line(weights.preprocessing));
    if (weights.variant == kPatternsVariant.name) return variant_text(kPatternsVariant, weights);
    std::string known;
    for (const GoogLeNetVariant& variant : kGoogLeNetVariants) {
        if (weights.variant == variant.name) return variant_text(variant, weights);
        known += concat(known.empty() ? "" : ", ", variant.name);
    }
    throw Error(concat("weights ", weights.source, ": variant \"", weights.variant, "\" is not known; expected one of ",
                       known));
}

}  // namespace

std::string preprocessing_line(const Preprocessing& p) {
    const bool equal = p.mean[0] == p.mean[1] && p.mean[1] == p.mean[2];
    std::string order, mean;
    for (size_t j = 0; j < 3; j++) {
        order += concat(j ? " " : "", p.source[j]);
        if (j == 0 || !equal) mean += concat(j ? " " : "", number_text(p.mean[j]));
    }
    return concat("preprocessed = normalise(input", order == "0 1 2" ? "" : concat(", order=", order),
                  ", scale=", number_text(p.scale), ", mean=", mean, ")");
}

void check_weights(const Architecture& architecture, const Weights& weights) {
    const ArchitectureShapes shapes = shapes_of(architecture);
    Problems problems;
    for (const auto& [name, shape] : shapes.parameters) {
        const auto found = weights.tensors.find(name);
        if (found == weights.tensors.end()) {
            problems.add(concat(name, " is missing"));
        } else if (!(found->second.shape == shape)) {
            problems.add(concat(name, " is ", found->second.shape, ", expected ", shape));
        }
    }
    with_context(concat("weights ", weights.source), [&] {
        problems.throw_if_any(concat("expected those of ", architecture.name, "; are these of another network?"));
        const auto logits = shapes.layers.find(architecture.logits);
        const int64_t labels = int64_t(weights.labels.size());
        if (!weights.network.empty() && logits != shapes.layers.end() && labels > 0 && labels != logits->second.c)
            throw Error(concat(labels, " labels, expected ", logits->second.c, ", one for each channel of the logits ",
                               architecture.logits));
    });
}

Weights with_network_text(Weights weights) {
    if (!weights.network.empty()) {
        check_weights(architecture_of(weights), weights);
        return weights;
    }
    try {
        const Architecture architecture = architecture_of(weights);
        check_weights(architecture, weights);
        weights.network = to_string(architecture);
    } catch (const Error&) {
        // They can be kept, though not run.
    }
    return weights;
}

Architecture architecture_of(const Weights& weights) {
    if (weights.network.empty()) return parse_architecture(known_text(weights));
    return with_context(concat("weights ", weights.source, ": network"),
                        [&] { return parse_architecture(weights.network); });
}

}  // namespace limpid
