// The inverse real 2-D DFT and its adjoint on a GPU: two products with matrices of roots of unity each, tile by tile in
// shared memory. The matrices are never stored: a tile's roots are looked up in a table of the h (or W) different ones.
//
// Between the two products lies half of the work, per image and channel a plane of h x f complex numbers:
//   inverse: plane[y,u] = sum_v e^(i*2*pi*v*y/h) * S[v,u];  image[y,x] = sum_u Re(plane[y,u] * e^(i*2*pi*u*x/W))
//   adjoint: plane[y,u] = sum_x dy[y,x] * e^(-i*2*pi*u*x/W);  dS[v,u] = sum_y e^(-i*2*pi*v*y/h) * plane[y,u]
// where S is the spectrum times its scale and k_u*gain/(h*W), and dS is multiplied by the same.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/device/launch.h"
#include "kernels/device/vector.h"
#include "kernels/spectral/spectral.h"

namespace limpid::DEVICE_NS {

void install(SpectralKernels&);

// A block makes a tile of 32 x 32 results from pieces of depth 16; each of its 16 x 16 threads makes 2 x 2 of them, 16
// apart so that a warp's accesses to shared memory meet no bank twice. Larger tiles would leave most of a GPU idle: the
// planes of Lucid's 128 x 128 image have 4 x 3 tiles per channel.
inline constexpr int kSpectralTile = 32, kSpectralDepth = 16, kSpectralThreads = 16;

// Along y everything is complex; along x the image's side is real.
enum class ProductKind { complex, real_left, real_result };

// Everything that a product needs. Each image and channel is one problem, a row of blocks in z.
struct SpectralPlan {
    int h, w, c, full, f;
    float edge_factor;      // gain / (h*W)
    const float2* roots_h;  // e^(i*2*pi*k/h), h of them
    const float2* roots_w;  // e^(i*2*pi*k/W), W of them
    float2* planes;         // [image][channel][y][u]
    bool aligned;           // complex numbers of the caller's spectrum can be read and written whole

    // k_u * gain / (h*W)
    __device__ __forceinline__ float factor(int u) const {
        return u == 0 || u == full / 2 ? edge_factor : 2.0f * edge_factor;
    }
    __device__ __forceinline__ float2* plane(int n, int channel) const {
        return planes + (int64_t(n) * c + channel) * h * f;
    }
    __device__ __forceinline__ float2 load(const float* complex) const {
        return aligned ? *reinterpret_cast<const float2*>(complex) : make_float2(complex[0], complex[1]);
    }
    __device__ __forceinline__ void store(float* complex, float2 value) const {
        if (aligned)
            *reinterpret_cast<float2*>(complex) = value;
        else
            complex[0] = value.x, complex[1] = value.y;
    }
};

namespace {

__device__ __forceinline__ float2 conjugate(float2 a) { return make_float2(a.x, -a.y); }
__device__ __forceinline__ float2 scaled(float2 a, float factor) { return make_float2(a.x * factor, a.y * factor); }
// sum += a * b, less what is known to be zero or is not wanted.
template <ProductKind kKind>
__device__ __forceinline__ void multiply_add(float2& sum, float2 a, float2 b) {
    sum.x += a.x * b.x;
    if constexpr (kKind != ProductKind::real_left) sum.x -= a.y * b.y;
    if constexpr (kKind != ProductKind::real_result) sum.y += a.x * b.y;
    if constexpr (kKind == ProductKind::complex) sum.y += a.y * b.x;
}

}  // namespace

// The four products. rows x columns results, summed over depth; left(row, k), right(k, column) and store(row, column).
// `n` is the image, `channel` the channel.

struct InverseAlongY {
    static constexpr ProductKind kKind = ProductKind::complex;
    SpectralPlan plan;
    ConstPixels spectrum, scale;

    __host__ __device__ __forceinline__ int rows() const { return plan.h; }
    __host__ __device__ __forceinline__ int columns() const { return plan.f; }
    __device__ __forceinline__ int depth() const { return plan.h; }
    __device__ __forceinline__ float2 left(int, int, int y, int v) const {
        return plan.roots_h[unsigned(v) * unsigned(y) % unsigned(plan.h)];
    }
    __device__ __forceinline__ float2 right(int n, int channel, int v, int u) const {
        const int64_t pixel = int64_t(v) * plan.f + u;
        const float2 s = plan.load(spectrum[int64_t(n) * plan.h * plan.f + pixel] + 2 * channel);
        return scaled(s, plan.factor(u) * *scale[pixel]);
    }
    __device__ __forceinline__ void store(int n, int channel, int y, int u, float2 value) const {
        plan.plane(n, channel)[y * plan.f + u] = value;
    }
};

struct InverseAlongX {
    static constexpr ProductKind kKind = ProductKind::real_result;
    SpectralPlan plan;
    MutPixels image;

    __host__ __device__ __forceinline__ int rows() const { return plan.h; }
    __host__ __device__ __forceinline__ int columns() const { return plan.w; }
    __device__ __forceinline__ int depth() const { return plan.f; }
    __device__ __forceinline__ float2 left(int n, int channel, int y, int u) const {
        return plan.plane(n, channel)[y * plan.f + u];
    }
    __device__ __forceinline__ float2 right(int, int, int u, int x) const {
        return plan.roots_w[unsigned(u) * unsigned(x) % unsigned(plan.full)];
    }
    __device__ __forceinline__ void store(int n, int channel, int y, int x, float2 value) const {
        image[(int64_t(n) * plan.h + y) * plan.w + x][channel] = value.x;
    }
};

struct GradAlongX {
    static constexpr ProductKind kKind = ProductKind::real_left;
    SpectralPlan plan;
    ConstPixels dimage;

    __host__ __device__ __forceinline__ int rows() const { return plan.h; }
    __host__ __device__ __forceinline__ int columns() const { return plan.f; }
    __device__ __forceinline__ int depth() const { return plan.w; }
    __device__ __forceinline__ float2 left(int n, int channel, int y, int x) const {
        return make_float2(dimage[(int64_t(n) * plan.h + y) * plan.w + x][channel], 0.0f);
    }
    __device__ __forceinline__ float2 right(int, int, int x, int u) const {
        return conjugate(plan.roots_w[unsigned(u) * unsigned(x) % unsigned(plan.full)]);
    }
    __device__ __forceinline__ void store(int n, int channel, int y, int u, float2 value) const {
        plan.plane(n, channel)[y * plan.f + u] = value;
    }
};

struct GradAlongY {
    static constexpr ProductKind kKind = ProductKind::complex;
    SpectralPlan plan;
    ConstPixels scale;
    MutPixels dspectrum;

    __host__ __device__ __forceinline__ int rows() const { return plan.h; }
    __host__ __device__ __forceinline__ int columns() const { return plan.f; }
    __device__ __forceinline__ int depth() const { return plan.h; }
    __device__ __forceinline__ float2 left(int, int, int v, int y) const {
        return conjugate(plan.roots_h[unsigned(v) * unsigned(y) % unsigned(plan.h)]);
    }
    __device__ __forceinline__ float2 right(int n, int channel, int y, int u) const {
        return plan.plane(n, channel)[y * plan.f + u];
    }
    __device__ __forceinline__ void store(int n, int channel, int v, int u, float2 value) const {
        const int64_t pixel = int64_t(v) * plan.f + u;
        plan.store(dspectrum[int64_t(n) * plan.h * plan.f + pixel] + 2 * channel,
                   scaled(value, plan.factor(u) * *scale[pixel]));
    }
};

// The 1: on some GPUs ptxas would rather spill registers than run fewer blocks.
template <class Product>
__global__ void __launch_bounds__(kSpectralThreads* kSpectralThreads, 1)
    spectral_product(Product product, int problems) {
    constexpr int kResults = kSpectralTile / kSpectralThreads;
    // One more per row of the left piece: it is written along its columns.
    __shared__ float2 left[kSpectralDepth][kSpectralTile + 1], right[kSpectralDepth][kSpectralTile];
    const int across = int(threadIdx.x), down = int(threadIdx.y);
    const int first_column = int(blockIdx.x) * kSpectralTile, first_row = int(blockIdx.y) * kSpectralTile;
    const float2 zero = make_float2(0.0f, 0.0f);
    for (int problem = int(blockIdx.z); problem < problems; problem += int(gridDim.z)) {
        const int n = problem / product.plan.c, channel = problem - n * product.plan.c;
        float2 sums[kResults][kResults] = {};
        for (int first = 0; first < product.depth(); first += kSpectralDepth) {
            // Both operands lie along the fast index of their piece: the left along depth, the right along columns.
            for (int i = down; i < kSpectralTile; i += kSpectralThreads) {
                const int row = first_row + i, k = first + across;
                left[across][i] = row < product.rows() && k < product.depth() ? product.left(n, channel, row, k) : zero;
            }
            for (int i = across; i < kSpectralTile; i += kSpectralThreads) {
                const int column = first_column + i, k = first + down;
                right[down][i] =
                    column < product.columns() && k < product.depth() ? product.right(n, channel, k, column) : zero;
            }
            __syncthreads();
#pragma unroll
            for (int k = 0; k < kSpectralDepth; k++)
#pragma unroll
                for (int i = 0; i < kResults; i++)
#pragma unroll
                    for (int j = 0; j < kResults; j++)
                        multiply_add<Product::kKind>(sums[i][j], left[k][down + i * kSpectralThreads],
                                                     right[k][across + j * kSpectralThreads]);
            __syncthreads();
        }
#pragma unroll
        for (int i = 0; i < kResults; i++)
#pragma unroll
            for (int j = 0; j < kResults; j++) {
                const int row = first_row + down + i * kSpectralThreads;
                const int column = first_column + across + j * kSpectralThreads;
                if (row < product.rows() && column < product.columns())
                    product.store(n, channel, row, column, sums[i][j]);
            }
    }
}

namespace {

static_assert(kSpectralDepth == kSpectralThreads);

int64_t tables_size(const SpectralShape& s) { return 2 * (s.h + s.full_width()); }

void fill_roots(int64_t n, float* to) {
    for (int64_t k = 0; k < n; k++) {
        const double angle = 2 * std::numbers::pi * double(k) / double(n);
        to[2 * k] = float(std::cos(angle));
        to[2 * k + 1] = float(std::sin(angle));
    }
}

void tables(const SpectralShape& s, float* host) {
    fill_roots(s.h, host);
    fill_roots(s.full_width(), host + 2 * s.h);
}

int64_t plane_elements(const SpectralShape& s) { return s.n * s.c * s.h * s.frequencies(); }

size_t scratch(const SpectralShape& s, int) { return Scratch::scratch_bytes<float2>(plane_elements(s)); }

SpectralPlan plan_of(const SpectralShape& s, ConstView spectrum, const float* tables, Scratch scratch) {
    constexpr int64_t kMostSize = 65535;  // products of two indices fit in 32 bits
    CHECK(s.h <= kMostSize && s.full_width() <= kMostSize && s.n * s.c <= INT32_MAX, s.image(), " is too large");
    SpectralPlan plan;
    plan.h = int(s.h), plan.w = int(s.w), plan.c = int(s.c);
    plan.full = int(s.full_width()), plan.f = int(s.frequencies());
    plan.edge_factor = float(double(s.gain) / double(s.h * s.full_width()));
    plan.roots_h = reinterpret_cast<const float2*>(tables);
    plan.roots_w = plan.roots_h + s.h;
    plan.planes = scratch.take<float2>(plane_elements(s));
    plan.aligned = reinterpret_cast<uintptr_t>(spectrum.data) % sizeof(float2) == 0 && spectrum.pitch % 2 == 0;
    return plan;
}

template <class Product>
void launch_product(Stream& stream, const SpectralShape& s, const Product& product) {
    constexpr int64_t kMostProblems = 65535;  // blocks of a grid along z; beyond, a block takes several
    const dim3 grid(unsigned(divide_up(product.columns(), kSpectralTile)),
                    unsigned(divide_up(product.rows(), kSpectralTile)), unsigned(std::min(s.n * s.c, kMostProblems)));
    launch(stream, spectral_product<Product>, grid, dim3(kSpectralThreads, kSpectralThreads), 0, product,
           int(s.n * s.c));
}

void inverse(Stream& stream, const SpectralShape& s, ConstView spectrum, ConstView scale, const float* tables,
             MutView image, Scratch scratch) {
    const SpectralPlan plan = plan_of(s, spectrum, tables, scratch);
    launch_product(stream, s, InverseAlongY{plan, spectrum, scale});
    launch_product(stream, s, InverseAlongX{plan, image});
}

void inverse_grad(Stream& stream, const SpectralShape& s, ConstView dimage, ConstView scale, const float* tables,
                  MutView dspectrum, Scratch scratch) {
    const SpectralPlan plan = plan_of(s, dspectrum, tables, scratch);
    launch_product(stream, s, GradAlongX{plan, dimage});
    launch_product(stream, s, GradAlongY{plan, scale, dspectrum});
}

}  // namespace

void install(SpectralKernels& table) {
    table.tables_size = tables_size;
    table.tables = tables;
    table.scratch = scratch;
    table.inverse = inverse;
    table.inverse_grad = inverse_grad;
}

}  // namespace limpid::DEVICE_NS
