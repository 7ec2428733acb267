// Reductions on a GPU. The terms of a result are cut into parts of a fixed number; the terms of a part are dealt to a
// fixed number of chains, each the running result of one thread, and the chains are joined pairwise; a second launch
// joins the parts the same way. So the order of summation depends on the number of terms and on whether channels are
// among them, not on the batch, the pitch or the GPU.
#include <climits>
#include <cmath>

#include "kernels/device/launch.h"
#include "kernels/device/reduce.h"
#include "kernels/device/vector.h"
#include "kernels/reduce/reduce.h"

namespace limpid::DEVICE_NS {

void install(ReduceKernels&);

inline constexpr int kReduceThreads = 256;
// Up to so many terms one thread reduces alone: joining would cost more.
inline constexpr int kShortTerms = 16;
// Terms of a chain in one part: few enough that long reductions keep a GPU busy, and that rounding errors stay small.
inline constexpr int kChainTerms = 16;

// How the threads of a block are dealt to results (lanes) and, for each, to chains. Neighbouring threads read
// neighbouring floats: those are different results where channels are kept, and terms of one result where they are
// reduced.
template <int kLanes_, bool kLanesFirst_>
struct BlockLayout {
    static constexpr int kLanes = kLanes_, kChains = kReduceThreads / kLanes;
    static constexpr bool kLanesFirst = kLanesFirst_;
};
using KeptChannels = BlockLayout<8, true>;      // 8 results: one sector of memory per pixel
using ReducedChannels = BlockLayout<8, false>;  // a warp per result
using LongReduction = BlockLayout<1, false>;    // a block per result
// More terms than a warp takes in a few steps.
inline constexpr int kLongTerms = 1024;

// What is carried along a chain. `index` is that of the term, for argmax alone.
struct Best {
    float value;
    int index;
};

// What a reduction does with a term, and with two results. T: what is carried.
struct SumTerms {
    using T = float;
    static __device__ __forceinline__ T nothing() { return 0.0f; }
    static __device__ __forceinline__ T of_term(float v, int) { return v; }
    static __device__ __forceinline__ T join(T a, T b) { return a + b; }
    static __device__ __forceinline__ float result(T v, float) { return v; }
};
struct SquareTerms : SumTerms {
    static __device__ __forceinline__ T of_term(float v, int) { return v * v; }
};
struct MeanTerms : SumTerms {
    static __device__ __forceinline__ float result(T v, float count) { return v / count; }
};
struct MaxTerms : SumTerms {
    static __device__ __forceinline__ T nothing() { return -INFINITY; }
    static __device__ __forceinline__ T join(T a, T b) { return Larger()(a, b); }
};
struct MaxAbsTerms : MaxTerms {
    static __device__ __forceinline__ T nothing() { return 0.0f; }
    static __device__ __forceinline__ T of_term(float v, int) { return fabsf(v); }
};
struct ArgmaxTerms {
    using T = Best;
    static __device__ __forceinline__ T nothing() { return {-INFINITY, INT_MAX}; }
    static __device__ __forceinline__ T of_term(float v, int index) { return {v, index}; }
    // The first of the largest; the first NaN before all of them.
    static __device__ __forceinline__ T join(T a, T b) {
        const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
        if (a_nan != b_nan) return a_nan ? a : b;
        if (a_nan || a.value == b.value) return a.index < b.index ? a : b;
        return a.value > b.value ? a : b;
    }
    static __device__ __forceinline__ float result(T v, float) { return float(v.index); }
};

// Axes of one kind (kept or reduced), innermost first, and where their indices lead in x and y.
struct AxisList {
    int rank = 0;
    unsigned size[4] = {};
    int64_t x_stride[4] = {}, y_stride[4] = {};

    // Adds an axis outside of those so far; where it continues the last one, the two become one.
    void add(int64_t axis_size, int64_t in_x, int64_t in_y) {
        if (axis_size == 1) return;
        const int last = rank - 1;
        if (rank > 0 && in_x == x_stride[last] * size[last] && in_y == y_stride[last] * size[last]) {
            size[last] *= unsigned(axis_size);
        } else {
            size[rank] = unsigned(axis_size);
            x_stride[rank] = in_x, y_stride[rank] = in_y;
            rank++;
        }
    }
};

struct ReducePlan {
    AxisList kept, reduced;
    unsigned results = 0, terms = 0, part_terms = 0, parts = 0;
};

namespace {

struct ReduceOffsets {
    int64_t x, y;
};
__device__ __forceinline__ ReduceOffsets offsets_of(const AxisList& axes, unsigned index) {
    ReduceOffsets offsets{0, 0};
#pragma unroll
    for (int axis = 0; axis < 4; axis++) {
        if (axis >= axes.rank) break;
        const unsigned above = axis + 1 < axes.rank ? index / axes.size[axis] : 0;
        const int64_t place = index - above * axes.size[axis];
        offsets.x += place * axes.x_stride[axis];
        offsets.y += place * axes.y_stride[axis];
        index = above;
    }
    return offsets;
}

__device__ __forceinline__ float exchange(float v, int distance) { return __shfl_xor_sync(kWholeWarp, v, distance); }
__device__ __forceinline__ Best exchange(Best v, int distance) {
    return {__shfl_xor_sync(kWholeWarp, v.value, distance), __shfl_xor_sync(kWholeWarp, v.index, distance)};
}

// Which result of the block, and which chain, a thread works for.
template <class Layout>
__device__ __forceinline__ int lane_of(int thread) {
    return Layout::kLanesFirst ? thread % Layout::kLanes : thread / Layout::kChains;
}
template <class Layout>
__device__ __forceinline__ int chain_of(int thread) {
    return Layout::kLanesFirst ? thread / Layout::kLanes : thread % Layout::kChains;
}

// Joins all chains of each result of the block: neighbours, then pairs of them, and so on. Chain 0 gets the result.
template <class Terms, class Layout>
__device__ __forceinline__ typename Terms::T join_chains(typename Terms::T value) {
    using T = typename Terms::T;
    constexpr int kStride = Layout::kLanesFirst ? Layout::kLanes : 1;  // between chains, in threads
    constexpr int kInWarp = kWarp / kStride < Layout::kChains ? kWarp / kStride : Layout::kChains;
#pragma unroll
    for (int distance = 1; distance < kInWarp; distance *= 2)
        value = Terms::join(value, exchange(value, distance * kStride));
    constexpr int kRest = Layout::kChains / kInWarp;
    if constexpr (kRest > 1) {
        __shared__ T joined[Layout::kLanes][kRest];
        const int thread = int(threadIdx.x), lane = lane_of<Layout>(thread), chain = chain_of<Layout>(thread);
        if (chain % kInWarp == 0) joined[lane][chain / kInWarp] = value;
        __syncthreads();
        if (chain == 0) {
            T rest[kRest];
#pragma unroll
            for (int i = 0; i < kRest; i++) rest[i] = joined[lane][i];
#pragma unroll
            for (int distance = 1; distance < kRest; distance *= 2)
#pragma unroll
                for (int i = 0; i < kRest; i += 2 * distance) rest[i] = Terms::join(rest[i], rest[i + distance]);
            value = rest[0];
        }
    }
    return value;
}

}  // namespace

// One thread per result.
template <class Terms>
__global__ void __launch_bounds__(kReduceThreads) reduce_short(ReducePlan plan, const float* x, float* y) {
    const unsigned result = blockIdx.x * unsigned(kReduceThreads) + threadIdx.x;
    if (result >= plan.results) return;
    const ReduceOffsets at = offsets_of(plan.kept, result);
    typename Terms::T value = Terms::nothing();
    for (unsigned term = 0; term < plan.terms; term++)
        value = Terms::join(value, Terms::of_term(x[at.x + offsets_of(plan.reduced, term).x], int(term)));
    y[at.y] = Terms::result(value, float(plan.terms));
}

// One part of the results of a block: to y when it is the only one, else to parts[result][part].
template <class Terms, class Layout>
__global__ void __launch_bounds__(kReduceThreads)
    reduce_parts(ReducePlan plan, const float* x, float* y, typename Terms::T* parts) {
    const unsigned part = blockIdx.x % plan.parts, lane = unsigned(lane_of<Layout>(int(threadIdx.x)));
    const unsigned chain = unsigned(chain_of<Layout>(int(threadIdx.x)));
    const unsigned result = blockIdx.x / plan.parts * Layout::kLanes + lane;
    const ReduceOffsets at = offsets_of(plan.kept, result);
    typename Terms::T value = Terms::nothing();
    if (result < plan.results) {
        const unsigned end = min(plan.terms, (part + 1) * plan.part_terms);
#pragma unroll 4
        for (unsigned term = part * plan.part_terms + chain; term < end; term += Layout::kChains)
            value = Terms::join(value, Terms::of_term(x[at.x + offsets_of(plan.reduced, term).x], int(term)));
    }
    value = join_chains<Terms, Layout>(value);
    if (chain != 0 || result >= plan.results) return;
    if (plan.parts == 1) {
        y[at.y] = Terms::result(value, float(plan.terms));
    } else {
        parts[uint64_t(result) * plan.parts + part] = value;
    }
}

// The results from their parts, a warp each.
template <class Terms>
__global__ void __launch_bounds__(kReduceThreads)
    reduce_join(ReducePlan plan, const typename Terms::T* parts, float* y) {
    using Layout = ReducedChannels;
    const unsigned result = blockIdx.x * Layout::kLanes + unsigned(lane_of<Layout>(int(threadIdx.x)));
    const unsigned chain = unsigned(chain_of<Layout>(int(threadIdx.x)));
    typename Terms::T value = Terms::nothing();
    if (result < plan.results)
        for (unsigned part = chain; part < plan.parts; part += Layout::kChains)
            value = Terms::join(value, parts[uint64_t(result) * plan.parts + part]);
    value = join_chains<Terms, Layout>(value);
    if (chain == 0 && result < plan.results)
        y[offsets_of(plan.kept, result).y] = Terms::result(value, float(plan.terms));
}

namespace {

// The cut depends on the number of terms and on whether channels are reduced: on nothing else.
ReducePlan cut_into_parts(Axes axes, const Shape& x) {
    int64_t results = 1, terms = 1;
    for (int axis = 0; axis < 4; axis++) (axes[axis] ? terms : results) *= x[axis];
    CHECK(results <= INT32_MAX && terms <= INT32_MAX, x, " has too many elements for one kernel");
    ReducePlan plan;
    plan.results = unsigned(results), plan.terms = unsigned(terms);
    const int chains = axes.c && terms > kLongTerms ? LongReduction::kChains : KeptChannels::kChains;
    plan.part_terms = unsigned(chains * kChainTerms);
    plan.parts = terms <= kShortTerms ? 1 : unsigned(divide_up(terms, plan.part_terms));
    return plan;
}

template <class Terms>
void reduce_terms(Stream& stream, Axes axes, const ConstView& x, const MutView& y, Scratch scratch) {
    ReducePlan plan = cut_into_parts(axes, x.shape);
    const int64_t x_stride[] = {x.shape.h * x.shape.w * x.pitch, x.shape.w * x.pitch, x.pitch, 1};
    const int64_t y_stride[] = {y.shape.h * y.shape.w * y.pitch, y.shape.w * y.pitch, y.pitch, 1};
    for (int axis = 3; axis >= 0; axis--) {
        if (axes[axis]) {
            plan.reduced.add(x.shape[axis], x_stride[axis], 0);
        } else {
            plan.kept.add(x.shape[axis], x_stride[axis], y_stride[axis]);
        }
    }
    const auto blocks = [](int64_t count, int64_t of_block) { return unsigned(divide_up(count, of_block)); };
    if (plan.terms <= kShortTerms)
        return launch(stream, reduce_short<Terms>, blocks(plan.results, kReduceThreads), kReduceThreads, 0, plan,
                      x.data, y.data);
    using T = typename Terms::T;
    T* parts = plan.parts > 1 ? scratch.take<T>(int64_t(plan.results) * plan.parts) : nullptr;
    const bool is_long = axes.c && plan.terms > kLongTerms;
    const int64_t lanes = is_long ? LongReduction::kLanes : KeptChannels::kLanes;
    CHECK(divide_up(plan.results, lanes) * plan.parts <= INT32_MAX, x.shape, " has too many elements for one kernel");
    launch(stream,
           !axes.c   ? reduce_parts<Terms, KeptChannels>
           : is_long ? reduce_parts<Terms, LongReduction>
                     : reduce_parts<Terms, ReducedChannels>,
           blocks(plan.results, lanes) * plan.parts, kReduceThreads, 0, plan, x.data, y.data, parts);
    if (plan.parts > 1)
        launch(stream, reduce_join<Terms>, blocks(plan.results, ReducedChannels::kLanes), kReduceThreads, 0, plan,
               parts, y.data);
}

size_t scratch(Reduce kind, Axes axes, Shape x, int) {
    const ReducePlan plan = cut_into_parts(axes, x);
    if (plan.parts <= 1) return 0;
    const int64_t count = int64_t(plan.results) * plan.parts;
    return kind == Reduce::argmax ? Scratch::scratch_bytes<Best>(count) : Scratch::scratch_bytes<float>(count);
}

void reduce(Stream& stream, Reduce kind, Axes axes, ConstView x, MutView y, Scratch scratch) {
    CHECK(y.shape == axes.reduced(x.shape), name(kind), " of ", x.shape, " to ", y.shape);
    const bool needs_terms = kind == Reduce::mean || kind == Reduce::max || kind == Reduce::argmax;
    CHECK(y.shape.size() == 0 || x.shape.size() > 0 || !needs_terms, name(kind), " of nothing: ", x.shape);
    switch (kind) {
        case Reduce::sum:
            return reduce_terms<SumTerms>(stream, axes, x, y, scratch);
        case Reduce::mean:
            return reduce_terms<MeanTerms>(stream, axes, x, y, scratch);
        case Reduce::max:
            return reduce_terms<MaxTerms>(stream, axes, x, y, scratch);
        case Reduce::argmax:
            return reduce_terms<ArgmaxTerms>(stream, axes, x, y, scratch);
        case Reduce::sum_squares:
            return reduce_terms<SquareTerms>(stream, axes, x, y, scratch);
        case Reduce::max_abs:
            return reduce_terms<MaxAbsTerms>(stream, axes, x, y, scratch);
    }
}

}  // namespace

void install(ReduceKernels& table) {
    table.scratch = scratch;
    table.reduce = reduce;
}

}  // namespace limpid::DEVICE_NS
