// Convolutions, those of whole networks, and matrix products.
#include <algorithm>

#include "bench/case.h"
#include "kernels/buffer.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::random_tensor;
using testing::read_shapes;
using testing::ShapeRow;

constexpr std::pair<const char*, PeerLayout> kOneDnnLayouts[] = {{"onednn", PeerLayout::its_own},
                                                                 {"onednn_nhwc", PeerLayout::ours}};

Conv2dShape conv_shape(const ShapeRow& row) {
    return {row["n"],          row["h"],        row["w"],        row["c"],        row["r"],
            row["s"],          row["k"],        row["stride_y"], row["stride_x"], row["pad_top"],
            row["pad_bottom"], row["pad_left"], row["pad_right"]};
}

// The calls of a convolution as a render makes them: bias and ReLU forward, a mask backward.
struct Convolution {
    Stream& stream;
    Conv2dKernels kernels;
    Conv2dShape shape;
    HostTensor filters;
    DeviceTensor x, y, w, bias, dx, dw;
    Buffer packed, scratch;

    Convolution(Stream& s, const KernelTable& table, const Conv2dShape& conv, Conv2dPass pass)
        : stream(s),
          kernels(table.conv2d),
          shape(conv),
          filters(random_tensor(conv.filter(), -1, 1, 3)),
          x(s, random_tensor(conv.input(), -1, 1, 1)),
          y(s, random_tensor(conv.output(), -1, 1, 2)),
          w(s, filters),
          bias(s, random_tensor({1, 1, 1, conv.k}, -1, 1, 4)),
          dx(s.device(), conv.input()),
          dw(s.device(), conv.filter()),
          packed(s.device(), size_t(kernels.packed_size(conv, pass)) * sizeof(float)),
          scratch(s.device(), std::max(kernels.scratch(conv, pass, s.thread_count()),
                                       kernels.grad_filter_scratch(conv, s.thread_count()))) {
        kernels.pack(s, conv, pass, w.view(), packed.floats());
    }
};

void add_convolutions(std::vector<Case>& cases, Precision precision) {
    for (const ShapeRow& row : read_shapes("conv2d.txt")) {
        const Conv2dShape s = conv_shape(row);
        if (s.n == 0) continue;
        Case forward, grad_input, grad_filter;
        forward.operations = grad_input.operations = grad_filter.operations = 2 * double(s.multiply_adds());
        forward.has_methods = grad_input.has_methods = grad_filter.has_methods = true;
        forward.name = row.name + "/forward";
        forward.bytes = bytes_of({s.input(), s.output(), s.filter()});
        forward.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto c = std::make_shared<Convolution>(stream, table, s, Conv2dPass::forward);
            return Prepared{[c] {
                                c->kernels.forward(c->stream, c->shape, c->x.view(), c->packed.floats(), c->bias.view(),
                                                   true, c->y.view(), c->scratch.scratch());
                            },
                            c->y.view(), std::string(c->kernels.algorithm(s, Conv2dPass::forward))};
        };
        forward.peers.push_back(
            {"cudnn", DeviceKind::cuda, [s, precision](Stream& stream) {
                 const auto c = std::make_shared<Convolution>(stream, stream.backend().kernels, s, Conv2dPass::forward);
                 return prepared_peer(cudnn_forward(stream, s, c->x.buffer.floats(), c->filters,
                                                    c->bias.buffer.floats(), c->y.buffer.floats(), precision),
                                      c, c->y.view(), "cudnn");
             }});
        for (const auto& [name, layout] : kOneDnnLayouts) {
            forward.peers.push_back(
                {name, DeviceKind::cpu, [s, layout = layout](Stream& stream) {
                     const auto c =
                         std::make_shared<Convolution>(stream, stream.backend().kernels, s, Conv2dPass::forward);
                     return prepared_peer(onednn_forward(stream, s, c->x.buffer.floats(), c->filters,
                                                         c->bias.buffer.floats(), c->y.buffer.floats(), layout),
                                          c, c->y.view(), "");
                 }});
            grad_input.peers.push_back(
                {name, DeviceKind::cpu, [s, layout = layout](Stream& stream) {
                     const auto c =
                         std::make_shared<Convolution>(stream, stream.backend().kernels, s, Conv2dPass::grad_input);
                     return prepared_peer(onednn_grad_input(stream, s, c->y.buffer.floats(), c->filters,
                                                            c->x.buffer.floats(), c->dx.buffer.floats(), layout),
                                          c, c->dx.view(), "");
                 }});
        }
        grad_input.name = row.name + "/grad_input";
        grad_input.bytes = bytes_of({s.input(), s.input(), s.output(), s.filter()});
        grad_input.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto c = std::make_shared<Convolution>(stream, table, s, Conv2dPass::grad_input);
            return Prepared{[c] {
                                c->kernels.grad_input(c->stream, c->shape, c->y.view(), c->packed.floats(), {},
                                                      c->x.view(), c->dx.view(), c->scratch.scratch());
                            },
                            c->dx.view(), std::string(c->kernels.algorithm(s, Conv2dPass::grad_input))};
        };
        grad_filter.name = row.name + "/grad_filter";
        grad_filter.bytes = bytes_of({s.input(), s.output(), s.filter()});
        grad_filter.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto c = std::make_shared<Convolution>(stream, table, s, Conv2dPass::forward);
            return Prepared{[c] {
                                c->kernels.grad_filter(c->stream, c->shape, c->x.view(), c->y.view(), c->dw.view(),
                                                       c->scratch.scratch());
                            },
                            c->dw.view(), ""};
        };
        forward.partial_bytes = [s](const KernelTable& table) {
            return table.conv2d.scratch(s, Conv2dPass::forward, 1);
        };
        grad_input.partial_bytes = [s](const KernelTable& table) {
            return table.conv2d.scratch(s, Conv2dPass::grad_input, 1);
        };
        grad_filter.partial_bytes = [s](const KernelTable& table) { return table.conv2d.grad_filter_scratch(s, 1); };
        for (Case& one : {std::ref(forward), std::ref(grad_input), std::ref(grad_filter)})
            cases.push_back(std::move(one));
    }
}

// All convolutions of a network in order, then their input gradients in reverse: filters come from where a render step
// finds them, which is not the nearest cache. Branches stay separate here (the planner merges sibling 1x1
// convolutions).
void add_networks(std::vector<Case>& cases) {
    for (const std::string network : {"googlenet224", "googlenet128"})
        for (const int64_t batch : {1, 8}) {
            std::vector<Conv2dShape> shapes;
            Case one;
            one.name = concat(network, "/to_mixed4d/batch:", batch);
            one.has_methods = true;
            for (const ShapeRow& row : read_shapes("conv2d.txt")) {
                if (row.name == network + "/mixed4e_1x1") break;
                if (!row.name.starts_with(network + "/")) continue;
                Conv2dShape s = conv_shape(row);
                s.n = batch;
                shapes.push_back(s);
                one.launches = 2 * int(shapes.size());
                one.operations += 4 * double(s.multiply_adds());
                one.bytes +=
                    bytes_of({s.input(), s.output(), s.filter(), s.input(), s.input(), s.output(), s.filter()});
            }
            one.prepare = [shapes](Stream& stream, const KernelTable& table) {
                const auto layers = std::make_shared<std::vector<Prepared>>();
                std::vector<Prepared> backward;
                for (const Conv2dShape& s : shapes) {
                    const auto forward = std::make_shared<Convolution>(stream, table, s, Conv2dPass::forward);
                    const auto grad = std::make_shared<Convolution>(stream, table, s, Conv2dPass::grad_input);
                    layers->push_back({[c = forward] {
                                           c->kernels.forward(c->stream, c->shape, c->x.view(), c->packed.floats(),
                                                              c->bias.view(), true, c->y.view(), c->scratch.scratch());
                                       },
                                       forward->y.view(), ""});
                    backward.push_back({[c = grad] {
                                            c->kernels.grad_input(c->stream, c->shape, c->y.view(), c->packed.floats(),
                                                                  {}, c->x.view(), c->dx.view(), c->scratch.scratch());
                                        },
                                        grad->dx.view(), ""});
                }
                layers->insert(layers->end(), backward.rbegin(), backward.rend());
                return Prepared{[layers] {
                                    for (const Prepared& layer : *layers) layer.run();
                                },
                                layers->back().result, ""};
            };
            cases.push_back(std::move(one));
        }
}

void add_matrices(std::vector<Case>& cases, Precision precision) {
    for (const ShapeRow& row : read_shapes("matmul.txt")) {
        MatmulShape s;
        s.batch = row["batch"], s.m = row["m"], s.n = row["n"], s.k = row["k"];
        s.transpose_a = row["transpose_a"] != 0, s.transpose_b = row["transpose_b"] != 0;
        if (s.batch * s.m * s.n * s.k == 0) continue;
        s.lda = s.transpose_a ? s.m : s.k, s.ldb = s.transpose_b ? s.k : s.n, s.ldy = s.n;
        s.stride_a = s.m * s.k, s.stride_b = s.k * s.n, s.stride_y = s.m * s.n;
        Case one;
        one.name = "matmul/" + row.name;
        one.has_methods = true;
        one.operations = 2 * double(s.batch * s.m * s.n * s.k);
        one.bytes = 4 * double(s.batch * (s.m * s.k + s.k * s.n + s.m * s.n));
        one.partial_bytes = [s](const KernelTable& table) { return table.matmul.scratch(s, 1); };
        struct Matrices {
            DeviceTensor a, b, y;
            Buffer scratch;
            Matrices(Stream& stream, const MatmulShape& s, size_t scratch_bytes)
                : a(stream, random_tensor({1, s.batch, s.m, s.k}, -1, 1, 1)),
                  b(stream, random_tensor({1, s.batch, s.k, s.n}, -1, 1, 2)),
                  y(stream.device(), {1, s.batch, s.m, s.n}),
                  scratch(stream.device(), scratch_bytes) {}
        };
        one.prepare = [s](Stream& stream, const KernelTable& table) {
            const MatmulKernels kernels = table.matmul;
            const auto m = std::make_shared<Matrices>(stream, s, kernels.scratch(s, stream.thread_count()));
            return Prepared{[=, &stream] {
                                kernels.multiply(stream, s, m->a.buffer.floats(), m->b.buffer.floats(), nullptr,
                                                 m->y.buffer.floats(), m->scratch.scratch());
                            },
                            m->y.view(), ""};
        };
        one.peers.push_back({"cublas", DeviceKind::cuda, [s, precision](Stream& stream) {
                                 const auto m = std::make_shared<Matrices>(stream, s, 0);
                                 return prepared_peer(
                                     cublas_multiply(stream, s, m->a.buffer.floats(), m->b.buffer.floats(),
                                                     m->y.buffer.floats(), precision),
                                     m, m->y.view(), "cublas");
                             }});
        one.peers.push_back({"onednn", DeviceKind::cpu, [s](Stream& stream) {
                                 const auto m = std::make_shared<Matrices>(stream, s, 0);
                                 return prepared_peer(onednn_multiply(stream, s, m->a.buffer.floats(),
                                                                      m->b.buffer.floats(), m->y.buffer.floats()),
                                                      m, m->y.view(), "");
                             }});
        cases.push_back(std::move(one));
    }
}

}  // namespace

double bytes_of(std::initializer_list<Shape> shapes) {
    double bytes = 0;
    for (const Shape& shape : shapes) bytes += double(sizeof(float)) * double(shape.size());
    return bytes;
}

void add_products(std::vector<Case>& cases, Precision precision) {
    add_convolutions(cases, precision);
    add_networks(cases);
    add_matrices(cases, precision);
}

}  // namespace limpid
