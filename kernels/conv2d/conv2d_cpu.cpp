// Convolution on the CPU: the entry points. The choice of algorithm is in conv2d_core.h.
#include "kernels/conv2d/conv2d.h"

#include "kernels/conv2d/conv2d_direct.h"
#include "kernels/conv2d/conv2d_grad_filter.h"
#include "kernels/conv2d/conv2d_phases.h"
#include "kernels/conv2d/conv2d_winograd.h"

namespace limpid::CPU_NS {

namespace {

std::string_view algorithm(const Conv2dShape& shape, Conv2dPass pass) { return algorithm_name(make_plan(shape, pass)); }

int64_t packed_size(const Conv2dShape& shape, Conv2dPass pass) {
    const Plan plan = make_plan(shape, pass);
    return plan.algorithm == Algorithm::direct ? direct_packed_size(plan.core) : winograd_packed_size(plan);
}

void pack(Stream& stream, const Conv2dShape& shape, Conv2dPass pass, ConstView w, float* packed) {
    const Plan plan = make_plan(shape, pass);
    if (plan.algorithm == Algorithm::direct)
        direct_pack(stream.threads(), plan, shape, w.data, packed);
    else
        winograd_pack(stream.threads(), plan, shape, w.data, packed);
}

// Floats of the phase map, if the plan needs one; join_phases reads up to a panel beyond a pixel's start.
int64_t phase_map_floats(const Plan& plan) {
    const Core& core = plan.core;
    if (!plan.phased()) return 0;
    return plan.pass == Conv2dPass::forward ? padded_floats(core.n * core.in_h * core.in_w * phase_pitch(core.in_c))
                                            : padded_floats(core.out_pixels() * phase_pitch(core.out_c)) + kPanel;
}

size_t scratch(const Conv2dShape& shape, Conv2dPass pass, int threads) {
    const Plan plan = make_plan(shape, pass);
    const int64_t core_floats = plan.algorithm == Algorithm::direct ? direct_scratch_floats(plan.core, threads)
                                                                    : winograd_scratch_floats(plan, threads);
    return size_t(phase_map_floats(plan) + core_floats) * 4;
}

void run_core(ThreadPool& threads, const Plan& plan, ConstView in, const float* packed, const Epilogue& epilogue,
              Scratch scratch) {
    if (plan.algorithm == Algorithm::direct)
        direct_run(threads, plan.core, in, packed, epilogue, scratch);
    else
        winograd_run(threads, plan, in, packed, epilogue, scratch);
}

void forward(Stream& stream, const Conv2dShape& shape, ConstView x, const float* packed, ConstView bias, bool relu,
             MutView y, Scratch scratch) {
    const Plan plan = make_plan(shape, Conv2dPass::forward);
    const Epilogue epilogue{shape.k, bias.data, relu, nullptr, 0, nullptr, 0, y.data, y.pitch};
    if (!plan.phased()) return run_core(stream.threads(), plan, x, packed, epilogue, scratch);
    const Core& core = plan.core;
    float* map = take_floats(scratch, phase_map_floats(plan));
    split_phases(stream.threads(), plan, shape, x, map);
    run_core(stream.threads(), plan, {map, {core.n, core.in_h, core.in_w, core.in_c}, phase_pitch(core.in_c)}, packed,
             epilogue, scratch);
}

void grad_input(Stream& stream, const Conv2dShape& shape, ConstView dy, const float* packed, ConstView add,
                ConstView mask, MutView dx, Scratch scratch) {
    const Plan plan = make_plan(shape, Conv2dPass::grad_input);
    const Epilogue epilogue{shape.c, nullptr, false, add.data, add.pitch, mask.data, mask.pitch, dx.data, dx.pitch};
    if (!plan.phased()) return run_core(stream.threads(), plan, dy, packed, epilogue, scratch);
    const int64_t pitch = phase_pitch(plan.core.out_c);
    float* map = take_floats(scratch, phase_map_floats(plan));
    const Epilogue plain{plan.core.out_c, nullptr, false, nullptr, 0, nullptr, 0, map, pitch};
    run_core(stream.threads(), plan, dy, packed, plain, scratch);
    join_phases(stream.threads(), plan, shape, map, epilogue);
}

size_t grad_filter_scratch(const Conv2dShape& shape, int threads) {
    return size_t(threads * grad_filter_thread_floats(shape)) * 4;
}

void grad_filter(Stream& stream, const Conv2dShape& shape, ConstView x, ConstView dy, MutView dw, Scratch scratch) {
    grad_filter_run(stream.threads(), shape, x, dy, dw.data, scratch);
}

}  // namespace

extern constinit const Conv2dKernels conv2d_kernels{.algorithm = algorithm,
                                                    .packed_size = packed_size,
                                                    .pack = pack,
                                                    .scratch = scratch,
                                                    .forward = forward,
                                                    .grad_input = grad_input,
                                                    .grad_filter_scratch = grad_filter_scratch,
                                                    .grad_filter = grad_filter};

}  // namespace limpid::CPU_NS
