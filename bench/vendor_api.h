// The functions of cuBLAS (11 to 13) and cuDNN (8 and 9) that peers.cpp looks up by name, declared as their manuals do,
// enumerations as int. Their headers are not needed: a program built without them compares itself with them anyway.
#pragma once

#include <cstddef>

namespace limpid::vendor {

constexpr int kSuccess = 0;  // of both

// cuBLAS
struct cublasContext;
constexpr int kAsIs = 0, kTransposed = 1;        // cublasOperation_t
constexpr int kPedanticMath = 2, kTf32Math = 3;  // cublasMath_t
using cublasCreate_v2 = int(cublasContext**);
using cublasDestroy_v2 = int(cublasContext*);
using cublasSetStream_v2 = int(cublasContext*, void* stream);
using cublasSetMathMode = int(cublasContext*, int mode);
using cublasSgemmStridedBatched = int(cublasContext*, int op_a, int op_b, int m, int n, int k, const float* alpha,
                                      const float* a, int lda, long long stride_a, const float* b, int ldb,
                                      long long stride_b, const float* beta, float* c, int ldc, long long stride_c,
                                      int batch);

// cuDNN. Every handle and descriptor is a pointer to something of its own.
constexpr int kFloat = 0, kNhwc = 1, kCrossCorrelation = 1, kRelu = 1, kPropagateNan = 1;
constexpr int kTensorOpMath = 1, kFmaMath = 3;  // cudnnMathType_t
struct cudnnConvolutionFwdAlgoPerf {
    int algorithm;
    int status;
    float time;
    size_t memory;
    int determinism;
    int math_type;
    int reserved[3];
};
using cudnnCreate = int(void** handle);
using cudnnSetStream = int(void* handle, void* stream);
using cudnnCreateTensorDescriptor = int(void**);
using cudnnCreateFilterDescriptor = int(void**);
using cudnnCreateConvolutionDescriptor = int(void**);
using cudnnCreateActivationDescriptor = int(void**);
using cudnnSetTensor4dDescriptor = int(void*, int format, int type, int n, int c, int h, int w);
using cudnnSetFilter4dDescriptor = int(void*, int type, int format, int k, int c, int h, int w);
using cudnnSetConvolution2dDescriptor = int(void*, int pad_h, int pad_w, int stride_h, int stride_w, int dilation_h,
                                            int dilation_w, int mode, int compute_type);
using cudnnSetConvolutionMathType = int(void*, int math_type);
using cudnnSetActivationDescriptor = int(void*, int mode, int nan_propagation, double coefficient);
using cudnnGetConvolutionForwardAlgorithm_v7 = int(void* handle, void* in, void* filter, void* convolution, void* out,
                                                   int wanted, int* returned, cudnnConvolutionFwdAlgoPerf*);
using cudnnConvolutionBiasActivationForward = int(void* handle, const void* alpha1, void* in, const void* x,
                                                  void* filter, const void* w, void* convolution, int algorithm,
                                                  void* workspace, size_t workspace_bytes, const void* alpha2,
                                                  void* added, const void* z, void* offset, const void* bias,
                                                  void* activation, void* out, void* y);

}  // namespace limpid::vendor
