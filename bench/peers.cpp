// cuDNN and cuBLAS through dlopen. Only their headers are needed to build.
#include "bench/peers.h"

#include <cublas_v2.h>
#include <dlfcn.h>

#include <memory>

#include "kernels/buffer.h"
#include "kernels/error.h"

#if __has_include(<cudnn.h>)
#include <cudnn.h>
#define LIMPID_HAS_CUDNN 1
#else
#define LIMPID_HAS_CUDNN 0
#endif

namespace limpid {
namespace {

// A shared library that stays open until the program ends: it would not survive being closed with work in flight.
class Library {
  public:
    explicit Library(const char* file) : file_(file), handle_(dlopen(file, RTLD_NOW | RTLD_LOCAL)) {
        if (!handle_) throw Error(concat(file, ": ", dlerror()));
    }
    template <class Function>
    Function* function(const char* name) const {
        void* address = dlsym(handle_, name);
        if (!address) throw Error(concat(file_, ": has no ", name));
        return reinterpret_cast<Function*>(address);
    }

  private:
    const char* file_;
    void* handle_;
};

// Names of libraries carry the major version of the header that this file was compiled with.
#define LIMPID_TEXT_(x) #x
#define LIMPID_TEXT(x) LIMPID_TEXT_(x)
#define LIMPID_FUNCTION(library, name) (library).function<decltype(name)>(#name)

void expect(bool ok, const char* call, int status) {
    if (!ok) throw Error(concat(call, " failed with status ", status));
}

// The result of a setup, or the Error that it threw as a reason.
template <class Setup>
Peer peer_of(Setup setup) {
    try {
        return {setup(), ""};
    } catch (const Error& error) {
        return {nullptr, error.what()};
    }
}

cudaStream_t native(const Stream& stream) { return static_cast<cudaStream_t>(stream.native()); }

#define TRY_CUBLAS(call)                                               \
    do {                                                               \
        const cublasStatus_t status_ = (call);                         \
        expect(status_ == CUBLAS_STATUS_SUCCESS, #call, int(status_)); \
    } while (false)

}  // namespace

Peer cublas_multiply(Stream& stream, const MatmulShape& s, const float* a, const float* b, float* y,
                     Precision precision) {
    return peer_of([&]() -> std::function<void()> {
        static const Library library("libcublas.so." LIMPID_TEXT(CUBLAS_VER_MAJOR));
        const auto create = LIMPID_FUNCTION(library, cublasCreate_v2);
        const auto set_stream = LIMPID_FUNCTION(library, cublasSetStream_v2);
        const auto set_mode = LIMPID_FUNCTION(library, cublasSetMathMode);
        const auto multiply = LIMPID_FUNCTION(library, cublasSgemmStridedBatched);
        cublasHandle_t raw = nullptr;
        TRY_CUBLAS(create(&raw));
        const std::shared_ptr<cublasContext> handle(raw, LIMPID_FUNCTION(library, cublasDestroy_v2));
        TRY_CUBLAS(set_stream(raw, native(stream)));
        TRY_CUBLAS(set_mode(raw, precision == Precision::tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_PEDANTIC_MATH));
        // cuBLAS counts columns first: our y = a b is its y^T = b^T a^T.
        return [=] {
            const float one = 1, zero = 0;
            TRY_CUBLAS(multiply(handle.get(), s.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N,
                                s.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N, int(s.n), int(s.m), int(s.k), &one, b,
                                int(s.ldb), s.stride_b, a, int(s.lda), s.stride_a, &zero, y, int(s.ldy), s.stride_y,
                                int(s.batch)));
        };
    });
}

#if LIMPID_HAS_CUDNN

namespace {

#define TRY_CUDNN(call)                                               \
    do {                                                              \
        const cudnnStatus_t status_ = (call);                         \
        expect(status_ == CUDNN_STATUS_SUCCESS, #call, int(status_)); \
    } while (false)

}  // namespace

Peer cudnn_forward(Stream& stream, const Conv2dShape& s, const float* x, const HostTensor& w, const float* bias,
                   float* y, Precision precision) {
    return peer_of([&]() -> std::function<void()> {
        if (s.pad_top != s.pad_bottom || s.pad_left != s.pad_right) throw Error("cuDNN pads both sides alike");
        static const Library library("libcudnn.so." LIMPID_TEXT(CUDNN_MAJOR));
        struct Setup {
            cudnnHandle_t handle = nullptr;
            cudnnTensorDescriptor_t in = nullptr, out = nullptr, offset = nullptr;
            cudnnFilterDescriptor_t filter = nullptr;
            cudnnConvolutionDescriptor_t convolution = nullptr;
            cudnnActivationDescriptor_t relu = nullptr;
            cudnnConvolutionFwdAlgo_t algorithm{};
            DeviceTensor w;
            Buffer workspace;
        };
        // Descriptors live as long as the program: a benchmark makes a few hundred.
        const auto it = std::make_shared<Setup>();
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnCreate)(&it->handle));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnSetStream)(it->handle, native(stream)));
        const auto create_tensor = LIMPID_FUNCTION(library, cudnnCreateTensorDescriptor);
        const auto set_tensor = LIMPID_FUNCTION(library, cudnnSetTensor4dDescriptor);
        for (cudnnTensorDescriptor_t* tensor : {&it->in, &it->out, &it->offset}) TRY_CUDNN(create_tensor(tensor));
        const auto nhwc = CUDNN_TENSOR_NHWC;
        const auto f32 = CUDNN_DATA_FLOAT;
        TRY_CUDNN(set_tensor(it->in, nhwc, f32, int(s.n), int(s.c), int(s.h), int(s.w)));
        TRY_CUDNN(set_tensor(it->out, nhwc, f32, int(s.n), int(s.k), int(s.p()), int(s.q())));
        TRY_CUDNN(set_tensor(it->offset, nhwc, f32, 1, int(s.k), 1, 1));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnCreateFilterDescriptor)(&it->filter));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnSetFilter4dDescriptor)(it->filter, f32, nhwc, int(s.k), int(s.c),
                                                                       int(s.r), int(s.s)));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnCreateConvolutionDescriptor)(&it->convolution));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnSetConvolution2dDescriptor)(
            it->convolution, int(s.pad_top), int(s.pad_left), int(s.stride_y), int(s.stride_x), 1, 1,
            CUDNN_CROSS_CORRELATION, f32));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnSetConvolutionMathType)(
            it->convolution, precision == Precision::tf32 ? CUDNN_TENSOR_OP_MATH : CUDNN_FMA_MATH));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnCreateActivationDescriptor)(&it->relu));
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnSetActivationDescriptor)(it->relu, CUDNN_ACTIVATION_RELU,
                                                                         CUDNN_PROPAGATE_NAN, 0.0));
        cudnnConvolutionFwdAlgoPerf_t found[8];
        int count = 0;
        TRY_CUDNN(LIMPID_FUNCTION(library, cudnnGetConvolutionForwardAlgorithm_v7)(
            it->handle, it->in, it->filter, it->convolution, it->out, 8, &count, found));
        expect(count > 0 && found[0].status == CUDNN_STATUS_SUCCESS, "cudnnGetConvolutionForwardAlgorithm_v7", count);
        it->algorithm = found[0].algo;
        it->workspace = Buffer(stream.device(), found[0].memory);
        // cuDNN wants KRSC.
        HostTensor turned({s.k, s.r, s.s, s.c});
        for (int64_t tap = 0; tap < s.r * s.s; tap++)
            for (int64_t c = 0; c < s.c; c++)
                for (int64_t k = 0; k < s.k; k++)
                    turned.values[size_t((k * s.r * s.s + tap) * s.c + c)] =
                        w.values[size_t((tap * s.c + c) * s.k + k)];
        it->w = DeviceTensor(stream, turned);
        const auto run = LIMPID_FUNCTION(library, cudnnConvolutionBiasActivationForward);
        return [=] {
            const float one = 1, zero = 0;
            TRY_CUDNN(run(it->handle, &one, it->in, x, it->filter, it->w.buffer.floats(), it->convolution,
                          it->algorithm, it->workspace.data(), it->workspace.size_bytes(), &zero, it->out, y,
                          it->offset, bias, it->relu, it->out, y));
        };
    });
}

#else

Peer cudnn_forward(Stream&, const Conv2dShape&, const float*, const HostTensor&, const float*, float*, Precision) {
    return {nullptr, "built without cudnn.h"};
}

#endif

}  // namespace limpid
