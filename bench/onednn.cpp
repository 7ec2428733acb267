// oneDNN 2, which the CPU kernels are compared with. Linked where it is installed (CMakeLists.txt).
#include <omp.h>

#include <dnnl.hpp>
#include <memory>
#include <unordered_map>

#include "bench/peers.h"
#include "kernels/error.h"

namespace limpid {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

// Primitives that run one after the other, with their memories, which stay where they are.
struct Step {
    dnnl::primitive primitive;
    std::unordered_map<int, memory> arguments;
};
struct Work {
    dnnl::engine engine{dnnl::engine::kind::cpu, 0};
    dnnl::stream stream{engine};
    std::vector<Step> steps;
    int threads;

    explicit Work(const Stream& ours) : threads(ours.thread_count()) { omp_set_num_threads(threads); }

    memory ours(const memory::desc& layout, const float* data) {
        return memory(layout, engine, const_cast<float*>(data));
    }
    void reorder(memory from, memory to) {
        dnnl::reorder(from, to).execute(stream, from, to);
        stream.wait();
    }
    // The data in the layout that a primitive wants: itself, or a copy.
    memory in_layout(const memory::desc& wanted, memory data) {
        if (data.get_desc() == wanted) return data;
        memory copy(wanted, engine);
        reorder(data, copy);
        return copy;
    }
    // Filters are always copied: the host's may be gone when this runs.
    memory packed(const memory::desc& wanted, const memory::desc& layout, const HostTensor& w) {
        memory copy(wanted, engine);
        reorder(ours(layout, w.values.data()), copy);
        return copy;
    }
    void run() {
        omp_set_num_threads(threads);
        for (Step& step : steps) step.primitive.execute(stream, step.arguments);
        stream.wait();
    }
    // Runs once, and leaves the result where it is compared: later runs keep it in the primitive's layout.
    static std::function<void()> ready(const std::shared_ptr<Work>& self, const memory& result, const memory& to) {
        self->run();
        if (result.get_desc() != to.get_desc()) self->reorder(result, to);
        return [self] { self->run(); };
    }
};

template <class Setup>
Peer peer_of(Setup setup) {
    try {
        return {setup(), ""};
    } catch (const dnnl::error& error) {
        return {nullptr, concat("oneDNN: ", error.what())};
    }
}

struct Layouts {
    memory::dims strides, before, after;
    memory::desc x, w, bias, y;        // ours
    memory::desc any_x, any_w, any_y;  // what the primitive may choose

    Layouts(const Conv2dShape& s, PeerLayout layout)
        : strides{s.stride_y, s.stride_x}, before{s.pad_top, s.pad_left}, after{s.pad_bottom, s.pad_right} {
        const auto f32 = memory::data_type::f32;
        const memory::dims in{s.n, s.c, s.h, s.w}, out{s.n, s.k, s.p(), s.q()}, filter{s.k, s.c, s.r, s.s};
        x = {in, f32, Tag::nhwc}, y = {out, f32, Tag::nhwc}, w = {filter, f32, Tag::hwio};
        bias = {{s.k}, f32, Tag::x};
        const Tag chosen = layout == PeerLayout::ours ? Tag::nhwc : Tag::any;
        any_x = {in, f32, chosen}, any_y = {out, f32, chosen}, any_w = {filter, f32, Tag::any};
    }
};

dnnl::convolution_forward::primitive_desc describe_forward(const Work& work, const Layouts& l, bool relu) {
    dnnl::post_ops after;
    if (relu) after.append_eltwise(1, dnnl::algorithm::eltwise_relu, 0, 0);
    dnnl::primitive_attr attributes;
    attributes.set_post_ops(after);
    return {{dnnl::prop_kind::forward_training, dnnl::algorithm::convolution_auto, l.any_x, l.any_w, l.bias, l.any_y,
             l.strides, l.before, l.after},
            attributes,
            work.engine};
}

}  // namespace

Peer onednn_forward(const Stream& stream, const Conv2dShape& s, const float* x, const HostTensor& w, const float* bias,
                    float* y, PeerLayout layout) {
    return peer_of([&] {
        const auto work = std::make_shared<Work>(stream);
        const Layouts l(s, layout);
        const auto chosen = describe_forward(*work, l, true);
        const memory to = work->ours(l.y, y), result = work->in_layout(chosen.dst_desc(), to);
        work->steps.push_back({dnnl::convolution_forward(chosen),
                               {{DNNL_ARG_SRC, work->in_layout(chosen.src_desc(), work->ours(l.x, x))},
                                {DNNL_ARG_WEIGHTS, work->packed(chosen.weights_desc(), l.w, w)},
                                {DNNL_ARG_BIAS, work->ours(l.bias, bias)},
                                {DNNL_ARG_DST, result}}});
        return Work::ready(work, result, to);
    });
}

// The mask is a primitive of its own: oneDNN has no such epilogue backward.
Peer onednn_grad_input(const Stream& stream, const Conv2dShape& s, const float* dy, const HostTensor& w,
                       const float* mask, float* dx, PeerLayout layout) {
    return peer_of([&] {
        const auto work = std::make_shared<Work>(stream);
        const Layouts l(s, layout);
        const dnnl::convolution_backward_data::primitive_desc chosen(
            {dnnl::algorithm::convolution_auto, l.any_x, l.any_w, l.any_y, l.strides, l.before, l.after}, work->engine,
            describe_forward(*work, l, false));
        const memory::desc inside = chosen.diff_src_desc();
        const memory to = work->ours(l.x, dx), result = work->in_layout(inside, to);
        work->steps.push_back({dnnl::convolution_backward_data(chosen),
                               {{DNNL_ARG_DIFF_DST, work->in_layout(chosen.diff_dst_desc(), work->ours(l.y, dy))},
                                {DNNL_ARG_WEIGHTS, work->packed(chosen.weights_desc(), l.w, w)},
                                {DNNL_ARG_DIFF_SRC, result}}});
        const auto relu = dnnl::algorithm::eltwise_relu;
        const dnnl::eltwise_forward::primitive_desc before(
            {dnnl::prop_kind::forward_training, relu, inside, 0.0f, 0.0f}, work->engine);
        const dnnl::eltwise_backward::primitive_desc masked({relu, inside, inside, 0.0f, 0.0f}, work->engine, before);
        work->steps.push_back({dnnl::eltwise_backward(masked),
                               {{DNNL_ARG_SRC, work->in_layout(inside, work->ours(l.x, mask))},
                                {DNNL_ARG_DIFF_DST, result},
                                {DNNL_ARG_DIFF_SRC, result}}});
        return Work::ready(work, result, to);
    });
}

Peer onednn_multiply(const Stream& stream, const MatmulShape& s, const float* a, const float* b, float* y) {
    return peer_of([&] {
        const auto work = std::make_shared<Work>(stream);
        const auto f32 = memory::data_type::f32;
        const memory::desc left({s.batch, s.m, s.k}, f32,
                                {s.stride_a, s.transpose_a ? 1 : s.lda, s.transpose_a ? s.lda : 1});
        const memory::desc right({s.batch, s.k, s.n}, f32,
                                 {s.stride_b, s.transpose_b ? 1 : s.ldb, s.transpose_b ? s.ldb : 1});
        const memory::desc product({s.batch, s.m, s.n}, f32, {s.stride_y, s.ldy, 1});
        const memory to = work->ours(product, y);
        work->steps.push_back(
            {dnnl::matmul({{left, right, product}, work->engine}),
             {{DNNL_ARG_SRC, work->ours(left, a)}, {DNNL_ARG_WEIGHTS, work->ours(right, b)}, {DNNL_ARG_DST, to}}});
        return Work::ready(work, to, to);
    });
}

}  // namespace limpid
