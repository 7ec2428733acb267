// Times kernels over the rows of bench/shapes, beside the roofline of the machine, the device's own simpler methods,
// and the vendors' libraries.
//
//   kernels_bench --benchmark_filter='googlenet224/.*3x3/forward' [--device cuda:0] [--precision tf32] [--threads 2]
//   kernels_bench --model        no measurement: what each kernel of a GPU must do, and the least time on known GPUs
//
// Names are ROW/WHAT/METHOD; a GPU has several methods ("direct" to "tf32", see kernels/device/method.h), the last of
// them chosen by --precision and named "chosen". Operations are those of the direct algorithm, so Winograd may exceed
// 100 percent. Caches are warm, as they are between the layers of a network. On a GPU the result is first compared with
// the CPU's.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>

#include "bench/device_option.h"
#include "bench/machine.h"
#include "bench/model.h"
#include "bench/peers.h"
#include "kernels/backend.h"
#include "kernels/buffer.h"
#include "tests/harness/kernel_case.h"

namespace limpid {
namespace {

using testing::random_tensor;
using testing::read_shapes;
using testing::ShapeRow;

// A call that can be repeated, and where its result lies. Holds its own memory.
struct Prepared {
    std::function<void()> run;
    MutView result;
    std::string label;  // the algorithm, or why there is nothing to run
};

struct Case {
    std::string name;
    double operations = 0, bytes = 0;
    std::function<Prepared(Stream&, const KernelTable&)> prepare;
    std::function<Prepared(Stream&)> peer;  // by a vendor's library; may be empty
    std::string peer_name;
};

Conv2dShape conv_shape(const ShapeRow& row) {
    return {row["n"],          row["h"],        row["w"],        row["c"],        row["r"],
            row["s"],          row["k"],        row["stride_y"], row["stride_x"], row["pad_top"],
            row["pad_bottom"], row["pad_left"], row["pad_right"]};
}

double floats(std::initializer_list<Shape> shapes) {
    double bytes = 0;
    for (const Shape& shape : shapes) bytes += double(sizeof(float)) * double(shape.size());
    return bytes;
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
        forward.name = row.name + "/forward";
        forward.bytes = floats({s.input(), s.output(), s.filter()});
        forward.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto c = std::make_shared<Convolution>(stream, table, s, Conv2dPass::forward);
            return Prepared{[c] {
                                c->kernels.forward(c->stream, c->shape, c->x.view(), c->packed.floats(), c->bias.view(),
                                                   true, c->y.view(), c->scratch.scratch());
                            },
                            c->y.view(), std::string(c->kernels.algorithm(s, Conv2dPass::forward))};
        };
        forward.peer_name = "cudnn";
        forward.peer = [s, precision](Stream& stream) {
            const auto c = std::make_shared<Convolution>(stream, stream.backend().kernels, s, Conv2dPass::forward);
            Peer peer = cudnn_forward(stream, s, c->x.buffer.floats(), c->filters, c->bias.buffer.floats(),
                                      c->y.buffer.floats(), precision);
            if (!peer.run) return Prepared{nullptr, {}, peer.missing};
            return Prepared{[c, run = peer.run] { run(); }, c->y.view(), "cudnn"};
        };
        grad_input.name = row.name + "/grad_input";
        grad_input.bytes = floats({s.input(), s.input(), s.output(), s.filter()});
        grad_input.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto c = std::make_shared<Convolution>(stream, table, s, Conv2dPass::grad_input);
            return Prepared{[c] {
                                c->kernels.grad_input(c->stream, c->shape, c->y.view(), c->packed.floats(), {},
                                                      c->x.view(), c->dx.view(), c->scratch.scratch());
                            },
                            c->dx.view(), std::string(c->kernels.algorithm(s, Conv2dPass::grad_input))};
        };
        grad_filter.name = row.name + "/grad_filter";
        grad_filter.bytes = floats({s.input(), s.output(), s.filter()});
        grad_filter.prepare = [s](Stream& stream, const KernelTable& table) {
            const auto c = std::make_shared<Convolution>(stream, table, s, Conv2dPass::forward);
            return Prepared{[c] {
                                c->kernels.grad_filter(c->stream, c->shape, c->x.view(), c->y.view(), c->dw.view(),
                                                       c->scratch.scratch());
                            },
                            c->dw.view(), ""};
        };
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
            for (const ShapeRow& row : read_shapes("conv2d.txt")) {
                if (row.name == network + "/mixed4e_1x1") break;
                if (!row.name.starts_with(network + "/")) continue;
                Conv2dShape s = conv_shape(row);
                s.n = batch;
                shapes.push_back(s);
                one.operations += 4 * double(s.multiply_adds());
                one.bytes += floats({s.input(), s.output(), s.filter(), s.input(), s.input(), s.output(), s.filter()});
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

void add_products(std::vector<Case>& cases, Precision precision) {
    for (const ShapeRow& row : read_shapes("matmul.txt")) {
        MatmulShape s;
        s.batch = row["batch"], s.m = row["m"], s.n = row["n"], s.k = row["k"];
        s.transpose_a = row["transpose_a"] != 0, s.transpose_b = row["transpose_b"] != 0;
        if (s.batch * s.m * s.n * s.k == 0) continue;
        s.lda = s.transpose_a ? s.m : s.k, s.ldb = s.transpose_b ? s.k : s.n, s.ldy = s.n;
        s.stride_a = s.m * s.k, s.stride_b = s.k * s.n, s.stride_y = s.m * s.n;
        Case one;
        one.name = "matmul/" + row.name;
        one.operations = 2 * double(s.batch * s.m * s.n * s.k);
        one.bytes = 4 * double(s.batch * (s.m * s.k + s.k * s.n + s.m * s.n));
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
        one.peer_name = "cublas";
        one.peer = [s, precision](Stream& stream) {
            const auto m = std::make_shared<Matrices>(stream, s, 0);
            Peer peer =
                cublas_multiply(stream, s, m->a.buffer.floats(), m->b.buffer.floats(), m->y.buffer.floats(), precision);
            if (!peer.run) return Prepared{nullptr, {}, peer.missing};
            return Prepared{[m, run = peer.run] { run(); }, m->y.view(), "cublas"};
        };
        cases.push_back(std::move(one));
    }
}

// Kernels that only memory limits.
void add_memory_bound(std::vector<Case>& cases) {
    struct Three {
        DeviceTensor x, y, dy, dx;
        Three(Stream& stream, Shape in, Shape out)
            : x(stream, random_tensor(in, -1, 1, 1)),
              y(stream.device(), out),
              dy(stream, random_tensor(out, -1, 1, 2)),
              dx(stream.device(), in) {}
    };
    for (const ShapeRow& row : read_shapes("pool.txt")) {
        const PoolShape s{row["n"],        row["h"],        row["w"],       row["c"],        row["r"], row["s"],
                          row["stride_y"], row["stride_x"], row["pad_top"], row["pad_left"], row["p"], row["q"]};
        if (s.n == 0) continue;
        cases.push_back({"pool/" + row.name + "/max_forward", 0, floats({s.input(), s.output()}),
                         [s](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, s.input(), s.output());
                             return Prepared{[=, &stream, kernels = table.pool] {
                                                 kernels.max_forward(stream, s, t->x.view(), t->y.view());
                                             },
                                             t->y.view(), ""};
                         },
                         nullptr, ""});
        cases.push_back({"pool/" + row.name + "/max_grad_input", 0,
                         floats({s.input(), s.input(), s.output(), s.output()}),
                         [s](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, s.input(), s.output());
                             table.pool.max_forward(stream, s, t->x.view(), t->y.view());
                             return Prepared{[=, &stream, kernels = table.pool] {
                                                 kernels.max_grad_input(stream, s, t->x.view(), t->y.view(),
                                                                        t->dy.view(), {}, {}, t->dx.view());
                                             },
                                             t->dx.view(), ""};
                         },
                         nullptr, ""});
    }
    for (const ShapeRow& row : read_shapes("lrn.txt")) {
        const Shape shape{row["n"], row["h"], row["w"], row["c"]};
        const LrnParameters p{row["radius"], float(row["bias_e3"]) * 1e-3f, float(row["alpha_e7"]) * 1e-7f,
                              float(row["beta_e3"]) * 1e-3f};
        if (shape.size() == 0) continue;
        cases.push_back({"lrn/" + row.name + "/forward", 0, floats({shape, shape}),
                         [=](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, shape, shape);
                             return Prepared{[=, &stream, kernels = table.lrn] {
                                                 kernels.forward(stream, p, t->x.view(), t->y.view());
                                             },
                                             t->y.view(), ""};
                         },
                         nullptr, ""});
        cases.push_back({"lrn/" + row.name + "/grad_input", 0, floats({shape, shape, shape}),
                         [=](Stream& stream, const KernelTable& table) {
                             const auto t = std::make_shared<Three>(stream, shape, shape);
                             return Prepared{[=, &stream, kernels = table.lrn] {
                                                 kernels.grad_input(stream, p, t->x.view(), t->dy.view(), {},
                                                                    t->dx.view());
                                             },
                                             t->dx.view(), ""};
                         },
                         nullptr, ""});
    }
}

int wrong_results = 0;  // makes the program fail

double largest(const HostTensor& tensor) {
    double most = 0;
    for (const float value : tensor.values) most = std::max(most, std::fabs(double(value)));
    return most;
}

// The result against that of the CPU: a fast wrong kernel must not be reported. Rounding of TF32: 2^-11 per operand.
bool agrees_with_cpu(const Case& one, Stream& stream, const Prepared& prepared) {
    Stream cpu({DeviceKind::cpu, kCpuBest});
    const Prepared expected = one.prepare(cpu, cpu.backend().kernels);
    expected.run();
    prepared.run();
    const HostTensor want = download(cpu, expected.result), have = download(stream, prepared.result);
    const double allowed = 4e-3 * largest(want);
    for (size_t i = 0; i < want.values.size(); i++)
        if (!(std::fabs(double(want.values[i]) - double(have.values[i])) <= allowed)) return false;
    return true;
}

void measure(benchmark::State& state, const Case& one, Stream& stream, const Machine& machine, bool tf32,
             const Prepared& prepared) {
    if (!prepared.run) return state.SkipWithError(prepared.label.c_str());
    const bool gpu = stream.device().kind == DeviceKind::cuda;
    if (gpu && !agrees_with_cpu(one, stream, prepared)) {
        wrong_results++;
        return state.SkipWithError("wrong result");
    }
    prepared.run();  // warms up
    stream.synchronize();
    // A GPU is given several calls at once: waiting takes longer than many kernels.
    const int calls = gpu ? 20 : 1;
    double best = std::numeric_limits<double>::infinity();
    for (auto _ : state) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < calls; i++) prepared.run();
        stream.synchronize();
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / calls;
        state.SetIterationTime(seconds);
        best = std::min(best, seconds);
    }
    state.counters["best_us"] = best * 1e6;
    if (one.operations > 0) state.counters["best_gflops"] = one.operations / best / 1e9;
    state.counters["gbytes_per_s"] = one.bytes / best / 1e9;
    state.counters["percent_of_roofline"] = 100 * machine.floor_seconds(one.operations, one.bytes, tf32) / best;
    state.SetLabel(prepared.label);
}

void run_all(const Device& device, int threads) {
    static Stream stream(device, threads);
    static const Machine machine = machine_of(stream);
    const Backend& backend = stream.backend();
    std::fprintf(stderr, "%s: %.0f GFLOP/s, copies at %.0f GB/s\n", machine.name.c_str(), machine.flops / 1e9,
                 machine.bandwidth / 1e9);
    static std::vector<Case> cases;
    add_convolutions(cases, device.precision);
    add_networks(cases);
    add_products(cases, device.precision);
    add_memory_bound(cases);
    const bool tf32 = device.precision != Precision::fp32;
    for (const Case& one : cases) {
        const auto add = [&](const std::string& method, bool on_tensor_cores, std::function<Prepared()> prepare) {
            benchmark::RegisterBenchmark((one.name + "/" + method).c_str(),
                                         [&one, on_tensor_cores, prepare](benchmark::State& state) {
                                             measure(state, one, stream, machine, on_tensor_cores, prepare());
                                         })
                ->Unit(benchmark::kMicrosecond)
                ->MinTime(0.05)
                ->UseManualTime();
        };
        add("chosen", tf32, [&] { return one.prepare(stream, stream.backend().kernels); });
        if (one.operations == 0) continue;  // its kernel is the same on every step of the staircase
        for (const auto& [name, table] : backend.staircase)
            add(name, name.starts_with("tf32"), [&one, &table = table] { return one.prepare(stream, table); });
        if (one.peer && device.kind == DeviceKind::cuda) add(one.peer_name, tf32, [&] { return one.peer(stream); });
    }
    benchmark::RunSpecifiedBenchmarks();
}

}  // namespace
}  // namespace limpid

int main(int argc, char** argv) {
    try {
        if (limpid::take_flag(argc, argv, "--model")) {
            limpid::print_model();
            return 0;
        }
        const limpid::Device device = limpid::take_device(argc, argv);
        const std::string threads = limpid::take_option(argc, argv, "--threads");
        benchmark::Initialize(&argc, argv);
        if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
        limpid::run_all(device, threads.empty() ? 1 : std::stoi(threads));
        return limpid::wrong_results == 0 ? 0 : 1;
    } catch (const limpid::Error& error) {
        std::fprintf(stderr, "kernels_bench: %s\n", error.what());
        return 1;
    }
}
