// A plan whose outputs are sums of A*G in each layer; run a batch of seeds at a time.
#include "viz/attribution/layer_shares.h"

#include <algorithm>

#include "graph/ops.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "viz/attribution/image_batch.h"

namespace limpid {

namespace {

// For `count` seeds: outputs by_position, by_channel of each layer in turn.
Plan plan_shares(const Net& net, const std::vector<std::string>& layers, Shape first, const std::string& to,
                 int64_t count, const VjpOverrides& overrides, ConstantStore& constants) {
    Graph graph;
    const NodeId photo = graph.input("first", first);
    const NodeId fed = count == 1 ? photo : ops::broadcast(graph, photo, images(first, count));
    const Layers values = apply(net, graph, Layers{{layers[0], fed}});
    std::vector<NodeId> nodes;
    for (const std::string& name : layers) nodes.push_back(name == layers[0] ? fed : layer(net, values, name));
    const NodeId explained = layer(net, values, to);
    const NodeId seed = graph.input("seed", graph.shape(explained));
    const std::vector<NodeId> gradients = grad(graph, ops::mul(graph, explained, seed), nodes, overrides);
    std::vector<NodeId> outputs;
    for (size_t i = 0; i < nodes.size(); i++) {
        const NodeId owed = ops::mul(graph, nodes[i], gradients[i]);
        outputs.push_back(ops::reduce(graph, Reduce::sum, {false, false, false, true}, owed));
        outputs.push_back(ops::reduce(graph, Reduce::sum, {false, true, true, false}, owed));
    }
    return make_plan(graph, outputs, constants);
}

}  // namespace

std::optional<std::vector<LayerShares>> layer_shares(const Net& net, const std::vector<std::string>& layers,
                                                     const HostTensor& first, const std::string& to, int64_t targets,
                                                     const SeedWriter& write_seed, Stream& stream,
                                                     const SectionOptions& options,
                                                     const std::function<bool(int64_t, int64_t)>& watcher) {
    require(!layers.empty() && targets > 0 && first.shape.n == 1, layers.size(), " layers, ", targets, " targets and ",
            first.shape, ", expected some of both and the activations of one image");
    ConstantStore constants(stream);
    const DeviceTensor photo(stream, first);
    std::vector<LayerShares> result(layers.size());
    Plan plan;
    Buffer arena;
    std::vector<DeviceTensor> sums;
    int64_t planned = 0, at_once = options.batch;
    for (int64_t done = 0; done < targets;) {
        const int64_t count = std::min(at_once, targets - done);
        if (count != planned) {
            plan = plan_shares(net, layers, first.shape, to, count, options.overrides, constants);
            const size_t bytes =
                plan.arena_bytes + 2 * size_t(plan.inputs[size_t(plan.input("seed"))].shape.size()) * sizeof(float);
            if (bytes > stream.allowed_memory() && count > 1) {
                at_once = (count + 1) / 2;
                continue;
            }
            check_memory(stream, bytes, concat("from ", layers[0], " of ", first.shape, " to ", to));
            planned = count;
            if (plan.arena_bytes > arena.size_bytes()) arena = Buffer(stream.device(), plan.arena_bytes);
            sums.clear();
            for (const Shape& shape : plan.outputs) sums.emplace_back(stream.device(), shape);
        }
        HostTensor seeds(plan.inputs[size_t(plan.input("seed"))].shape);
        for (int64_t i = 0; i < count; i++) write_seed(done + i, seeds.view().image(i));
        const DeviceTensor seed(stream, seeds);
        const ConstView inputs[] = {photo.view(), seed.view()};
        std::vector<MutView> outputs;
        for (DeviceTensor& sum : sums) outputs.push_back(sum.view());
        run(plan, stream, inputs, outputs, arena.scratch(), options.run);
        for (size_t k = 0; k < sums.size(); k++) {
            HostTensor& all = k % 2 == 0 ? result[k / 2].by_position : result[k / 2].by_channel;
            const Shape s = sums[k].shape;
            if (all.values.empty()) all = HostTensor(images(s, targets));
            download(stream, sums[k].buffer.floats(), all.values.data() + done * s.h * s.w * s.c, s.size());
        }
        done += count;
        if (watcher && !watcher(done, targets)) return std::nullopt;
    }
    return result;
}

}  // namespace limpid
