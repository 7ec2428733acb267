// Pooling, depthwise convolution, normalisation, functions of elements, padding and transposition, resampling, the spectral transform.
#include "bench/case.h"
#include "kernels/buffer.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::random_tensor;
using testing::read_shapes;
using testing::ShapeRow;

struct Three {
    DeviceTensor x, y, dy, dx;
    Three(Stream& stream, Shape in, Shape out)
        : x(stream, random_tensor(in, -1, 1, 1)),
          y(stream.device(), out),
          dy(stream, random_tensor(out, -1, 1, 2)),
          dx(stream.device(), in) {}
};

// There and back between two shapes: run(stream, table, tensors) leaves y, or dx.
template <class Run>
Case there(const std::string& name, Shape in, Shape out, Run run) {
    return {name, 0, bytes_of({in, out}), [=](Stream& stream, const KernelTable& table) {
                const auto t = std::make_shared<Three>(stream, in, out);
                return Prepared{[=, &stream] { run(stream, table, *t); }, t->y.view(), ""};
            }};
}
template <class Run>
Case back(const std::string& name, Shape in, Shape out, Run run) {
    Case one = there(name, in, out, run);
    one.prepare = [=](Stream& stream, const KernelTable& table) {
        const auto t = std::make_shared<Three>(stream, in, out);
        return Prepared{[=, &stream] { run(stream, table, *t); }, t->dx.view(), ""};
    };
    return one;
}

void add_pools(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("pool.txt")) {
        const PoolShape s{row["n"],        row["h"],        row["w"],       row["c"],        row["r"], row["s"],
                          row["stride_y"], row["stride_x"], row["pad_top"], row["pad_left"], row["p"], row["q"]};
        if (s.n == 0) continue;
        cases.push_back({"pool/" + row.name + "/max_forward", 0, bytes_of({s.input(), s.output()}),
                         [s](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, s.input(), s.output());
                             return Prepared{[=, &stream, kernels = table.pool] {
                                                 kernels.max_forward(stream, s, t->x.view(), t->y.view());
                                             },
                                             t->y.view(), ""};
                         }});
        cases.push_back({"pool/" + row.name + "/max_grad_input", 0,
                         bytes_of({s.input(), s.input(), s.output(), s.output()}),
                         [s](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, s.input(), s.output());
                             table.pool.max_forward(stream, s, t->x.view(), t->y.view());
                             return Prepared{[=, &stream, kernels = table.pool] {
                                                 kernels.max_grad_input(stream, s, t->x.view(), t->y.view(),
                                                                        t->dy.view(), {}, {}, t->dx.view());
                                             },
                                             t->dx.view(), ""};
                         }});
    }
}

// Nine or 25 multiply-adds for a float read and one written: in large layers memory is the bound.
void add_depthwise(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("depthwise.txt")) {
        const DepthwiseShape s{row["n"],          row["h"],       row["w"],          row["c"],        row["r"],
                               row["s"],          row["m"],       row["stride_y"],   row["stride_x"], row["dilation_y"],
                               row["dilation_x"], row["pad_top"], row["pad_bottom"], row["pad_left"], row["pad_right"]};
        if (s.n == 0) continue;
        struct Pass {
            Three t;
            DeviceTensor w, dw;
            Buffer scratch;
            Pass(Stream& stream, const DepthwiseKernels& kernels, const DepthwiseShape& shape)
                : t(stream, shape.input(), shape.output()),
                  w(stream, random_tensor(shape.filter(), -1, 1, 3)),
                  dw(stream.device(), shape.filter()),
                  scratch(stream.device(), kernels.grad_filter_scratch(shape)) {}
        };
        Case forward;
        forward.name = "depthwise/" + row.name + "/forward";
        forward.operations = 2 * double(s.multiply_adds());
        forward.bytes = bytes_of({s.input(), s.filter(), s.output()});
        Case grad_input = forward, grad_filter = forward;
        grad_input.name = "depthwise/" + row.name + "/grad_input";
        grad_filter.name = "depthwise/" + row.name + "/grad_filter";
        grad_filter.partial_bytes = [s](const KernelTable& table) { return table.depthwise.grad_filter_scratch(s); };
        forward.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto pass = std::make_shared<Pass>(stream, table.depthwise, s);
            return Prepared{[=, &stream, kernels = table.depthwise] {
                                kernels.forward(stream, s, pass->t.x.view(), pass->w.view(), pass->t.y.view());
                            },
                            pass->t.y.view(), ""};
        };
        grad_input.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto pass = std::make_shared<Pass>(stream, table.depthwise, s);
            return Prepared{[=, &stream, kernels = table.depthwise] {
                                kernels.grad_input(stream, s, pass->t.dy.view(), pass->w.view(), pass->t.dx.view());
                            },
                            pass->t.dx.view(), ""};
        };
        grad_filter.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto pass = std::make_shared<Pass>(stream, table.depthwise, s);
            return Prepared{[=, &stream, kernels = table.depthwise] {
                                kernels.grad_filter(stream, s, pass->t.x.view(), pass->t.dy.view(), pass->dw.view(),
                                                    pass->scratch.scratch());
                            },
                            pass->dw.view(), ""};
        };
        cases.push_back(std::move(forward));
        cases.push_back(std::move(grad_input));
        cases.push_back(std::move(grad_filter));
    }
}

void add_lrn(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("lrn.txt")) {
        const Shape shape{row["n"], row["h"], row["w"], row["c"]};
        const LrnParameters p{row["radius"], float(row["bias_e3"]) * 1e-3f, float(row["alpha_e7"]) * 1e-7f,
                              float(row["beta_e3"]) * 1e-3f};
        if (shape.size() == 0) continue;
        cases.push_back({"lrn/" + row.name + "/forward", 0, bytes_of({shape, shape}),
                         [=](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, shape, shape);
                             return Prepared{[=, &stream, kernels = table.lrn] {
                                                 kernels.forward(stream, p, t->x.view(), t->y.view());
                                             },
                                             t->y.view(), ""};
                         }});
        cases.push_back({"lrn/" + row.name + "/grad_input", 0, bytes_of({shape, shape, shape}),
                         [=](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, shape, shape);
                             return Prepared{[=, &stream, kernels = table.lrn] {
                                                 kernels.grad_input(stream, p, t->x.view(), t->dy.view(), {},
                                                                    t->dx.view());
                                             },
                                             t->dx.view(), ""};
                         }});
    }
}

// One function of each number of arguments: they differ in what they compute, which no memory waits for.
void add_elementwise(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("elementwise.txt")) {
        const Shape shape{row["n"], row["h"], row["w"], row["c"]};
        if (shape.size() == 0) continue;
        const std::string name = "elementwise/" + row.name;
        cases.push_back(there(name + "/relu", shape, shape, [](Stream& stream, const KernelTable& table, Three& t) {
            table.elementwise.unary(stream, Unary::relu, 0, 0, t.x.view(), t.y.view());
        }));
        cases.push_back(
            there(name + "/relu_grad", shape, shape, [](Stream& stream, const KernelTable& table, Three& t) {
                table.elementwise.binary(stream, Binary::relu_grad, t.x.view(), t.dy.view(), t.y.view());
            }));
        cases.back().bytes = bytes_of({shape, shape, shape});
        cases.push_back(
            there(name + "/multiply_add", shape, shape, [](Stream& stream, const KernelTable& table, Three& t) {
                table.elementwise.ternary(stream, Ternary::multiply_add, t.x.view(), t.dy.view(), t.x.view(),
                                          t.y.view());
            }));
        cases.back().bytes = bytes_of({shape, shape, shape});
    }
}

void add_layout(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("layout.txt")) {
        const Shape shape{row["n"], row["h"], row["w"], row["c"]};
        const Padding padding{{0, row["top"], row["left"], 0}, {0, row["bottom"], row["right"], 0}};
        const Shape padded = padding.padded(shape);
        if (shape.size() == 0 || padded.size() == 0) continue;
        const std::string name = "layout/" + row.name;
        cases.push_back(there(name + "/pad", shape, padded, [=](Stream& stream, const KernelTable& table, Three& t) {
            table.layout.pad(stream, PadMode::constant, padding, 0.5f, t.x.view(), t.y.view());
        }));
        cases.push_back(
            back(name + "/pad_grad", shape, padded, [=](Stream& stream, const KernelTable& table, Three& t) {
                table.layout.pad_grad(stream, PadMode::constant, padding, t.dy.view(), t.dx.view());
            }));
        const Shape turned{shape.n, shape.c, shape.h, shape.w};
        cases.push_back(there(name + "/to_nchw", shape, turned, [](Stream& stream, const KernelTable& table, Three& t) {
            table.layout.transpose(stream, {0, 3, 1, 2}, t.x.view(), t.y.view());
        }));
    }
}

void add_warp(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("warp.txt")) {
        const Shape in{row["n"], row["h"], row["w"], row["c"]}, out{row["n"], row["p"], row["q"], row["c"]};
        if (in.size() == 0 || out.size() == 0) continue;
        cases.push_back(
            there("warp/" + row.name + "/resize", in, out, [](Stream& stream, const KernelTable& table, Three& t) {
                table.warp.resize(stream, t.x.view(), t.y.view());
            }));
        cases.push_back(
            back("warp/" + row.name + "/resize_grad", in, out, [](Stream& stream, const KernelTable& table, Three& t) {
                table.warp.resize_grad(stream, t.dy.view(), t.dx.view());
            }));
    }
}

// Two products, along y and along x: the operations of both, of real and imaginary parts.
void add_spectral(std::vector<Case>& cases) {
    for (const ShapeRow& row : read_shapes("spectral.txt")) {
        const SpectralShape s{row["n"], row["h"], row["w"], row["c"]};
        if (s.image().size() == 0) continue;
        struct Transform {
            Three t;
            DeviceTensor scale, tables;
            Buffer scratch;
            Transform(Stream& stream, const SpectralKernels& kernels, const SpectralShape& shape)
                : t(stream, shape.spectrum(), shape.image()),
                  scale(stream, random_tensor({1, shape.h, shape.frequencies(), 1}, 0.5f, 2, 3)),
                  tables(stream, filled(kernels, shape)),
                  scratch(stream.device(), kernels.scratch(shape, stream.thread_count())) {}
            static HostTensor filled(const SpectralKernels& kernels, const SpectralShape& shape) {
                HostTensor host({1, 1, 1, kernels.tables_size(shape)});
                kernels.tables(shape, host.values.data());
                return host;
            }
        };
        Case forward;
        forward.name = "spectral/" + row.name + "/inverse";
        forward.launches = 2;
        forward.operations = 4 * double(s.n * s.c * s.frequencies() * s.h) * double(2 * s.h + s.w);
        forward.bytes = bytes_of({s.spectrum(), s.image(), {1, 1, s.h, s.frequencies()}});
        Case backward = forward;
        backward.name = "spectral/" + row.name + "/inverse_grad";
        forward.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto t = std::make_shared<Transform>(stream, table.spectral, s);
            return Prepared{[=, &stream, kernels = table.spectral] {
                                kernels.inverse(stream, s, t->t.x.view(), t->scale.view(), t->tables.buffer.floats(),
                                                t->t.y.view(), t->scratch.scratch());
                            },
                            t->t.y.view(), ""};
        };
        backward.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto t = std::make_shared<Transform>(stream, table.spectral, s);
            return Prepared{[=, &stream, kernels = table.spectral] {
                                kernels.inverse_grad(stream, s, t->t.dy.view(), t->scale.view(),
                                                     t->tables.buffer.floats(), t->t.dx.view(), t->scratch.scratch());
                            },
                            t->t.dx.view(), ""};
        };
        cases.push_back(std::move(forward));
        cases.push_back(std::move(backward));
    }
}

}  // namespace

void add_memory_bound(std::vector<Case>& cases) {
    for (const auto add : {add_pools, add_depthwise, add_lrn, add_elementwise, add_layout, add_warp, add_spectral})
        add(cases);
}

}  // namespace limpid
