// One plan per number of images, made when it is first needed.
#include "viz/attribution/section.h"

#include <algorithm>

#include "graph/ops.h"
#include "kernels/buffer.h"
#include "kernels/error.h"
#include "kernels/memory_need.h"
#include "viz/attribution/image_batch.h"

namespace limpid {

namespace {

// The node of layer `to` after the fed layer.
NodeId follow(const Net& net, Graph& graph, const std::string& from, NodeId fed, const std::string& to) {
    const Layers layers = apply(net, graph, Layers{{from, fed}});
    if (!layers.contains(to)) {
        Graph whole;  // does the layer exist at all?
        layer(net, apply(net, whole, whole.input("image", net.image())), to);
        throw Error(concat("layer ", to, " does not follow from ", from, " alone; expected a later layer"));
    }
    return layers.at(to);
}

}  // namespace

Section::Section(const Net& net, const std::string& from, Shape from_shape, const std::string& to, Stream& stream,
                 SectionOptions options)
    : net_(net),
      from_(from),
      to_(to),
      from_shape_(images(from_shape, 1)),
      stream_(stream),
      options_(std::move(options)),
      constants_(stream),
      most_{options_.batch, options_.batch} {
    Graph graph;
    to_shape_ = graph.shape(follow(net_, graph, from_, graph.input(from_, from_shape_), to_));
}

const Plan& Section::plan(Key key) {
    if (const auto found = plans_.find(key); found != plans_.end()) return found->second;
    Graph graph;
    NodeId fed = graph.input(from_, images(from_shape_, key.points)), result;
    if (key.seeds == 0) {
        result = follow(net_, graph, from_, fed, to_);
    } else {
        const NodeId seed = graph.input("seed", images(to_shape_, key.seeds));
        if (key.points != key.seeds) fed = ops::broadcast(graph, fed, images(from_shape_, key.seeds));
        const NodeId product = ops::mul(graph, follow(net_, graph, from_, fed, to_), seed);
        result = grad(graph, product, {fed}, options_.overrides)[0];
    }
    return plans_.emplace(key, make_plan(graph, {result}, constants_)).first->second;
}

// What the plan works in; what goes in and comes out, on the device and on the host.
size_t Section::pass_bytes(const Plan& plan) const {
    size_t bytes = plan.arena_bytes;
    for (const Plan::Input& input : plan.inputs) bytes += 2 * size_t(input.shape.size()) * sizeof(float);
    for (const Shape& output : plan.outputs) bytes += 2 * size_t(output.size()) * sizeof(float);
    return bytes;
}

int64_t Section::images_at_once(int64_t wanted, bool gradient, bool one_point) {
    int64_t& most = most_[gradient];
    for (;;) {
        const int64_t count = std::min(wanted, most);
        const Key key{one_point ? 1 : count, gradient ? count : 0};
        const size_t bytes = pass_bytes(plan(key));
        if (bytes <= stream_.allowed_memory()) return count;
        if (count == 1)
            check_memory(stream_, bytes, concat("from ", from_, " of ", from_shape_, " to ", to_, " of ", to_shape_));
        plans_.erase(key);
        most = (count + 1) / 2;
    }
}

void Section::run(Key key, std::span<const ConstView> inputs, HostTensor& all, int64_t first) {
    const Plan& made = plan(key);
    if (made.arena_bytes > arena_.size_bytes()) arena_ = Buffer(stream_.device(), made.arena_bytes);
    DeviceTensor output(stream_.device(), made.outputs[0]);
    const MutView outputs[] = {output.view()};
    limpid::run(made, stream_, inputs, outputs, arena_.scratch(), options_.run);
    const int64_t one = all.shape.size() / all.shape.n;
    download(stream_, output.buffer.floats(), all.values.data() + first * one, output.shape.size());
}

namespace {

// Images [first, first + count) on the device.
DeviceTensor upload_images(Stream& stream, const HostTensor& all, int64_t first, int64_t count) {
    DeviceTensor result(stream.device(), images(all.shape, count));
    upload(stream, all.values.data() + first * all.shape.size() / all.shape.n, result.buffer.floats(),
           result.shape.size());
    return result;
}

}  // namespace

HostTensor Section::forward(const HostTensor& x) {
    require(images(x.shape, 1) == from_shape_ && x.shape.n > 0, x.shape, " is fed to ", from_, ", expected images of ",
            from_shape_);
    HostTensor result(images(to_shape_, x.shape.n));
    for (int64_t first = 0, count = 0; first < x.shape.n; first += count) {
        count = images_at_once(x.shape.n - first, false);
        const DeviceTensor fed = upload_images(stream_, x, first, count);
        const ConstView inputs[] = {fed.view()};
        run({count, 0}, inputs, result, first);
    }
    return result;
}

HostTensor Section::pull_back(const HostTensor& x, const HostTensor& seeds) {
    require(images(x.shape, 1) == from_shape_ && images(seeds.shape, 1) == to_shape_, x.shape, " of ", from_,
            " and the gradient ", seeds.shape, " of ", to_, ", expected images of ", from_shape_, " and ", to_shape_);
    const int64_t n = seeds.shape.n;
    const bool one_point = x.shape.n == 1;
    require(n > 0 && (one_point || x.shape.n == n), x.shape.n, " images and ", n,
            " gradients, expected as many of both, or one image");
    HostTensor result(images(from_shape_, n));
    for (int64_t first = 0, count = 0; first < n; first += count) {
        count = images_at_once(n - first, true, one_point);
        const DeviceTensor fed = upload_images(stream_, x, one_point ? 0 : first, one_point ? 1 : count);
        const DeviceTensor seed = upload_images(stream_, seeds, first, count);
        const ConstView inputs[] = {fed.view(), seed.view()};
        run({fed.shape.n, count}, inputs, result, first);
    }
    return result;
}

Shape layer_shape(const Net& net, const std::string& name, Shape photo) {
    Graph graph;
    return graph.shape(layer(net, apply(net, graph, graph.input("image", photo)), name));
}

std::vector<HostTensor> activations(const Net& net, const std::vector<std::string>& names, const HostTensor& photo,
                                    Stream& stream, const RunOptions& options) {
    Graph graph;
    const Layers layers = apply(net, graph, graph.input("image", photo.shape));
    std::vector<NodeId> nodes;
    for (const std::string& name : names) nodes.push_back(layer(net, layers, name));
    return evaluate(graph, nodes, stream, {photo}, {}, options);
}

}  // namespace limpid
