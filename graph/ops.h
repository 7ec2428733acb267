// Everything that can be added to a graph: one function per operation; each has its file in graph/ops/ with shape rule,
// derivative and kernel call. Shapes, formulas and limits are those of the kernel contracts (kernels/*/*.h).
#pragma once

#include <functional>
#include <optional>

#include "graph/graph.h"

namespace limpid::ops {

// elementwise.cpp: with broadcasting; gradients of all but `sign`, `step`, `greater` (zero).
NodeId unary(Graph&, Unary, NodeId x, float p = 0, float q = 0, const std::string& name = "");
NodeId binary(Graph&, Binary, NodeId a, NodeId b, const std::string& name = "");
NodeId ternary(Graph&, Ternary, NodeId a, NodeId b, NodeId c, const std::string& name = "");
inline NodeId relu(Graph& g, NodeId x, const std::string& name = "") { return unary(g, Unary::relu, x, 0, 0, name); }
inline NodeId sigmoid(Graph& g, NodeId x, const std::string& name = "") {
    return unary(g, Unary::sigmoid, x, 0, 0, name);
}
inline NodeId affine(Graph& g, NodeId x, float scale, float shift, const std::string& name = "") {
    return unary(g, Unary::affine, x, scale, shift, name);
}
inline NodeId add(Graph& g, NodeId a, NodeId b, const std::string& name = "") {
    return binary(g, Binary::add, a, b, name);
}
inline NodeId sub(Graph& g, NodeId a, NodeId b, const std::string& name = "") {
    return binary(g, Binary::sub, a, b, name);
}
inline NodeId mul(Graph& g, NodeId a, NodeId b, const std::string& name = "") {
    return binary(g, Binary::mul, a, b, name);
}
// x repeated along axes where it has size 1.
NodeId broadcast(Graph&, NodeId x, Shape shape);
// The adjoint of broadcasting: x summed to `shape`.
NodeId sum_to(Graph&, NodeId x, Shape shape);

// reduce.cpp
NodeId reduce(Graph&, Reduce, Axes, NodeId x, const std::string& name = "");

// conv2d.cpp. Geometry: strides and padding; sizes come from the tensors.
struct ConvGeometry {
    int64_t stride_y = 1, stride_x = 1;
    int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
    bool operator==(const ConvGeometry&) const = default;
};
ConvGeometry same_geometry(Shape x, int64_t r, int64_t s, int64_t stride);  // TensorFlow SAME
NodeId conv2d(Graph&, NodeId x, NodeId w, ConvGeometry, const std::string& name = "");
NodeId conv2d_grad_input(Graph&, NodeId dy, NodeId w, ConvGeometry, Shape x, const std::string& name = "");
NodeId conv2d_grad_filter(Graph&, NodeId x, NodeId dy, ConvGeometry, int64_t r, int64_t s,
                          const std::string& name = "");

// depthwise.cpp. w {r,s,c,m}: m filters for each channel of x; channel c*m + j of the output is that of filter j.
struct DepthwiseGeometry {
    int64_t stride_y = 1, stride_x = 1, dilation_y = 1, dilation_x = 1;
    int64_t pad_top = 0, pad_bottom = 0, pad_left = 0, pad_right = 0;
    bool operator==(const DepthwiseGeometry&) const = default;
};
NodeId depthwise_conv2d(Graph&, NodeId x, NodeId w, DepthwiseGeometry, const std::string& name = "");
NodeId depthwise_conv2d_grad_input(Graph&, NodeId dy, NodeId w, DepthwiseGeometry, Shape x,
                                   const std::string& name = "");
NodeId depthwise_conv2d_grad_filter(Graph&, NodeId x, NodeId dy, DepthwiseGeometry, int64_t r, int64_t s,
                                    const std::string& name = "");

// pool.cpp
struct PoolGeometry {
    int64_t r = 1, s = 1, stride_y = 1, stride_x = 1, pad_top = 0, pad_left = 0;
    int64_t p = 1, q = 1;  // output size
    bool operator==(const PoolGeometry&) const = default;
};
PoolGeometry same_pool(Shape x, int64_t window, int64_t stride);                // TensorFlow SAME
PoolGeometry valid_pool(Shape x, int64_t window, int64_t stride);               // no padding
PoolGeometry caffe_pool(Shape x, int64_t window, int64_t stride, int64_t pad);  // rounds up, clips the last window
NodeId max_pool(Graph&, NodeId x, PoolGeometry, const std::string& name = "");
NodeId average_pool(Graph&, NodeId x, PoolGeometry, const std::string& name = "");

// lrn.cpp, softmax.cpp (over channels)
NodeId lrn(Graph&, NodeId x, LrnParameters, const std::string& name = "");
NodeId softmax(Graph&, NodeId x, const std::string& name = "");
NodeId log_sum_exp(Graph&, NodeId x, const std::string& name = "");

// matmul.cpp: y = op(a) * op(b). a is a matrix of n*h*w rows and c columns, or with batched = true one matrix of h*w
// rows per image. b {1,1,k,n} is shared; batched: {N,1,k,n} or an activation {N,h,w,c}, one matrix of h*w rows per
// image.
struct MatmulFlags {
    bool transpose_a = false, transpose_b = false, batched = false;
    bool operator==(const MatmulFlags&) const = default;
};
NodeId matmul(Graph&, NodeId a, NodeId b, MatmulFlags = {}, const std::string& name = "");

// layout.cpp
NodeId slice(Graph&, NodeId x, std::array<int64_t, 4> first, Shape extent, const std::string& name = "");
// Channels [first, first+count). A slice of a concatenation that lies in one operand becomes a slice of that operand,
// so that nobody computes the others.
NodeId slice_channels(Graph&, NodeId x, int64_t first, int64_t count, const std::string& name = "");
NodeId concatenate(Graph&, std::vector<NodeId> parts, int axis, const std::string& name = "");
NodeId pad(Graph&, NodeId x, PadMode, Padding, float value = 0, const std::string& name = "");
NodeId shift_crop(Graph&, NodeId x, NodeId offsets, int64_t h, int64_t w, const std::string& name = "");
NodeId transpose(Graph&, NodeId x, std::array<int, 4> order, const std::string& name = "");
NodeId reshape(Graph&, NodeId x, Shape shape, const std::string& name = "");

// warp.cpp
NodeId resize(Graph&, NodeId x, int64_t h, int64_t w, const std::string& name = "");
NodeId affine_warp(Graph&, Interpolation, NodeId x, NodeId matrix, int64_t h, int64_t w, const std::string& name = "");

// mix.cpp. What each pixel of an image is mixed of, as kernels/warp/warp.h has it; made once, for any number of graphs.
struct PixelMix {
    std::shared_ptr<const HostTensor> first, pixel, weight;
};
// From the terms (pixel of x, weight) of each output; fewer than 2^24 of them and of pixels, else Error.
PixelMix make_pixel_mix(const std::vector<std::vector<std::pair<int64_t, float>>>& terms);
// The adjoint, for images of `pixels` pixels.
PixelMix transposed(const PixelMix& mix, int64_t pixels);
// x {N,h,w,c} -> {N,p,q,c}; adjoint: transposed(mix, h*w).
NodeId mix_pixels(Graph&, NodeId x, const PixelMix& mix, const PixelMix& adjoint, int64_t p, int64_t q,
                  const std::string& name = "");

// spectral.cpp: spectrum {N,h,f,2C}, scale {1,h,f,1} -> image {N,h,w,C}
NodeId spectral_inverse(Graph&, NodeId spectrum, NodeId scale, int64_t w, float gain, const std::string& name = "");

// gradient_rule.cpp. `value`, whose derivative is by `rule` that of `source`: given this node and dy, the rule returns
// the gradient of source (invalid: zero). The node's kind is `name`.
using GradientRule = std::function<NodeId(Graph&, NodeId node, NodeId dy)>;
NodeId with_gradient(Graph&, NodeId value, NodeId source, const std::string& name, GradientRule rule);
// x, with derivative zero.
NodeId stop_gradient(Graph&, NodeId x);

}  // namespace limpid::ops
