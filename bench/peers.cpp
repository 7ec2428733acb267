// cuDNN and cuBLAS through dlopen: nothing of them is needed to build.
#include "bench/peers.h"

#include <dlfcn.h>

#include <initializer_list>
#include <memory>

#include "bench/vendor_api.h"
#include "kernels/buffer.h"
#include "kernels/error.h"

namespace limpid {
namespace {

// The first of several versions of a shared library that this machine has. It stays open until the program ends: it
// would not survive being closed with work in flight.
class Library {
  public:
    explicit Library(std::initializer_list<const char*> files) {
        std::string why;
        for (const char* file : files) {
            if ((handle_ = dlopen(file, RTLD_NOW | RTLD_LOCAL))) {
                file_ = file;
                return;
            }
            why += concat(why.empty() ? "" : "; ", dlerror());
        }
        throw Error(why);
    }
    template <class Function>
    Function* function(const char* name) const {
        void* address = dlsym(handle_, name);
        if (!address) throw Error(concat(file_, ": has no ", name));
        return reinterpret_cast<Function*>(address);
    }

  private:
    const char* file_ = "";
    void* handle_ = nullptr;
};

#define LIMPID_FUNCTION(library, name) (library).function<vendor::name>(#name)

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

#define TRY_VENDOR(call)                                     \
    do {                                                     \
        const int status_ = (call);                          \
        expect(status_ == vendor::kSuccess, #call, status_); \
    } while (false)

}  // namespace

Peer cublas_multiply(Stream& stream, const MatmulShape& s, const float* a, const float* b, float* y,
                     Precision precision) {
    return peer_of([&]() -> std::function<void()> {
        static const Library library({"libcublas.so.13", "libcublas.so.12", "libcublas.so.11"});
        const auto create = LIMPID_FUNCTION(library, cublasCreate_v2);
        const auto set_stream = LIMPID_FUNCTION(library, cublasSetStream_v2);
        const auto set_mode = LIMPID_FUNCTION(library, cublasSetMathMode);
        const auto multiply = LIMPID_FUNCTION(library, cublasSgemmStridedBatched);
        vendor::cublasContext* raw = nullptr;
        TRY_VENDOR(create(&raw));
        const std::shared_ptr<vendor::cublasContext> handle(raw, LIMPID_FUNCTION(library, cublasDestroy_v2));
        TRY_VENDOR(set_stream(raw, stream.native()));
        TRY_VENDOR(set_mode(raw, precision == Precision::tf32 ? vendor::kTf32Math : vendor::kPedanticMath));
        // cuBLAS counts columns first: our y = a b is its y^T = b^T a^T.
        return [=] {
            const float one = 1, zero = 0;
            TRY_VENDOR(multiply(handle.get(), s.transpose_b ? vendor::kTransposed : vendor::kAsIs,
                                s.transpose_a ? vendor::kTransposed : vendor::kAsIs, int(s.n), int(s.m), int(s.k), &one,
                                b, int(s.ldb), s.stride_b, a, int(s.lda), s.stride_a, &zero, y, int(s.ldy), s.stride_y,
                                int(s.batch)));
        };
    });
}

Peer cudnn_forward(Stream& stream, const Conv2dShape& s, const float* x, const HostTensor& w, const float* bias,
                   float* y, Precision precision) {
    return peer_of([&]() -> std::function<void()> {
        if (s.pad_top != s.pad_bottom || s.pad_left != s.pad_right) throw Error("cuDNN pads both sides alike");
        static const Library library({"libcudnn.so.9", "libcudnn.so.8"});
        struct Setup {
            void *handle = nullptr, *in = nullptr, *out = nullptr, *offset = nullptr, *filter = nullptr;
            void *convolution = nullptr, *relu = nullptr;
            int algorithm = 0;
            DeviceTensor w;
            Buffer workspace;
        };
        // Descriptors live as long as the program: a benchmark makes a few hundred.
        const auto it = std::make_shared<Setup>();
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnCreate)(&it->handle));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnSetStream)(it->handle, stream.native()));
        const auto create_tensor = LIMPID_FUNCTION(library, cudnnCreateTensorDescriptor);
        const auto set_tensor = LIMPID_FUNCTION(library, cudnnSetTensor4dDescriptor);
        for (void** tensor : {&it->in, &it->out, &it->offset}) TRY_VENDOR(create_tensor(tensor));
        const int nhwc = vendor::kNhwc, f32 = vendor::kFloat;
        TRY_VENDOR(set_tensor(it->in, nhwc, f32, int(s.n), int(s.c), int(s.h), int(s.w)));
        TRY_VENDOR(set_tensor(it->out, nhwc, f32, int(s.n), int(s.k), int(s.p()), int(s.q())));
        TRY_VENDOR(set_tensor(it->offset, nhwc, f32, 1, int(s.k), 1, 1));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnCreateFilterDescriptor)(&it->filter));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnSetFilter4dDescriptor)(it->filter, f32, nhwc, int(s.k), int(s.c),
                                                                        int(s.r), int(s.s)));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnCreateConvolutionDescriptor)(&it->convolution));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnSetConvolution2dDescriptor)(
            it->convolution, int(s.pad_top), int(s.pad_left), int(s.stride_y), int(s.stride_x), 1, 1,
            vendor::kCrossCorrelation, f32));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnSetConvolutionMathType)(
            it->convolution, precision == Precision::tf32 ? vendor::kTensorOpMath : vendor::kFmaMath));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnCreateActivationDescriptor)(&it->relu));
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnSetActivationDescriptor)(it->relu, vendor::kRelu,
                                                                          vendor::kPropagateNan, 0.0));
        vendor::cudnnConvolutionFwdAlgoPerf found[8];
        int count = 0;
        TRY_VENDOR(LIMPID_FUNCTION(library, cudnnGetConvolutionForwardAlgorithm_v7)(
            it->handle, it->in, it->filter, it->convolution, it->out, 8, &count, found));
        expect(count > 0 && found[0].status == vendor::kSuccess, "cudnnGetConvolutionForwardAlgorithm_v7", count);
        it->algorithm = found[0].algorithm;
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
            TRY_VENDOR(run(it->handle, &one, it->in, x, it->filter, it->w.buffer.floats(), it->convolution,
                           it->algorithm, it->workspace.data(), it->workspace.size_bytes(), &zero, it->out, y,
                           it->offset, bias, it->relu, it->out, y));
        };
    });
}

}  // namespace limpid
