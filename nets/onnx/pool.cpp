// Pools and means over axes.
//
//   max_pool, average_pool    MaxPool, AveragePool
//     other_maps=whole        of a window that is the whole map at the canonical size: GlobalAveragePool, which is that
//                             at every size; of another one, what is the mean there: ReduceMean
//   reduce                    ReduceMean, ReduceMax, ReduceSum; over space: {N,C}
#include "kernels/error.h"
#include "nets/layers/kinds.h"
#include "nets/onnx/kinds.h"
#include "nets/onnx/windows.h"

namespace limpid::onnx {

namespace {

GraphWriter::Attributes pool_attributes(GraphWriter& w, const Layer& layer) {
    GraphWriter::Attributes attributes = window_attributes(w, layer);
    // Windows of pad=same are counted upwards anyway.
    if (layer.says("round", "up") && !layer.says("pad", "same")) attributes["ceil_mode"] = int64_t(1);
    return attributes;
}

Value write_max_pool(GraphWriter& w, const Layer& layer) {
    w.node("MaxPool", {w.map(layer.inputs[0])}, layer.name, pool_attributes(w, layer));
    remark_windows(w, layer);
    return {4, w.settled(layer)};
}

Value mean_of_all(GraphWriter& w, const Layer& layer) {
    w.node("ReduceMean", {w.map(layer.inputs[0]), w.wholes("axes(space)", {2, 3})}, layer.name,
           {{"keepdims", int64_t(1)}});
    return {4, true};
}

Value write_average_pool(GraphWriter& w, const Layer& layer) {
    const std::string& x = layer.inputs[0];
    GraphWriter::Attributes attributes = pool_attributes(w, layer);
    if (layer.says("other_maps", "whole")) {
        const Shape map = w.shape(x);
        if (map.h != layer.whole("window", 0) || map.w != layer.whole("window", 1)) return mean_of_all(w, layer);
        const auto usual = [&](const char* key) { return !attributes.contains(key); };
        if (usual("pads") && usual("auto_pad") && usual("dilations")) {
            w.node("GlobalAveragePool", {w.map(x)}, layer.name);
            return {4, true};
        }
        w.fix_size();
    }
    if (layer.says("count", "all")) attributes["count_include_pad"] = int64_t(1);
    w.node("AveragePool", {w.map(x)}, layer.name, std::move(attributes));
    remark_windows(w, layer);
    return {4, w.settled(layer)};
}

struct Reduction {
    const char* over;
    std::vector<int64_t> axes;
};

Value write_reduce(GraphWriter& w, const Layer& layer) {
    static const Reduction kReductions[] = {
        {"space", {2, 3}}, {"channels", {1}}, {"rows", {2}}, {"columns", {3}}, {"all", {1, 2, 3}}};
    const std::string op = layer.says("by", "max") ? "ReduceMax" : layer.says("by", "sum") ? "ReduceSum" : "ReduceMean";
    const bool space = layer.says("over", "space");
    for (const Reduction& reduction : kReductions)
        if (layer.says("over", reduction.over))
            w.node(op, {w.map(layer.inputs[0]), w.wholes(concat("axes(", reduction.over, ")"), reduction.axes)},
                   layer.name, {{"keepdims", int64_t(space ? 0 : 1)}});
    return {space ? size_t(2) : size_t(4), space || layer.says("over", "all") || w.settled(layer)};
}

constexpr WrittenKind kPoolKinds[] = {
    {&kinds::max_pool, write_max_pool},
    {&kinds::average_pool, write_average_pool},
    {&kinds::reduce, write_reduce},
};

}  // namespace

std::span<const WrittenKind> pool_kinds() { return kPoolKinds; }

}  // namespace limpid::onnx
