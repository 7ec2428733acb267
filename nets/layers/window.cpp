// One axis after the other.
#include "nets/layers/window.h"

#include "kernels/conv2d/conv2d.h"

namespace limpid::kinds {

namespace {

struct Axis {
    int64_t window, stride, before = 0, after = 0;  // window: from its first cell to its last; before, after: padding
};

// axis 0: y. Borders are {y, x} or {top, left, bottom, right}.
Axis axis_of(const Layer& layer, size_t axis, int64_t in) {
    const int64_t apart = layer.settings.contains("dilation") ? layer.whole("dilation", axis) : 1;
    Axis a{(layer.whole("window", axis) - 1) * apart + 1, layer.whole("stride", axis)};
    if (layer.says("pad", "same")) {
        same_padding(in, a.window, a.stride, &a.before, &a.after);
        return a;
    }
    const size_t behind = layer.numbers("pad").size() == 4 ? axis + 2 : axis;
    a.before = layer.whole("pad", axis);
    a.after = layer.whole("pad", behind);
    return a;
}

int64_t windows_on(const Axis& a, int64_t in, bool round_up) {
    const int64_t room = in + a.before + a.after - a.window;
    if (!round_up) return room >= 0 ? room / a.stride + 1 : 0;
    const int64_t count = (room <= 0 ? 0 : (room + a.stride - 1) / a.stride) + 1;
    // The last window must start inside the map (Caffe pooling_layer; torch).
    return (count - 1) * a.stride >= in + a.before ? count - 1 : count;
}

}  // namespace

ops::ConvGeometry conv_geometry(const Layer& layer, Shape x) {
    const Axis v = axis_of(layer, 0, x.h), u = axis_of(layer, 1, x.w);
    return {v.stride, u.stride, v.before, v.after, u.before, u.after};
}

ops::PoolGeometry pool_geometry(const Layer& layer, Shape x) {
    const Axis v = axis_of(layer, 0, x.h), u = axis_of(layer, 1, x.w);
    const bool up = layer.says("round", "up");
    return {v.window, u.window, v.stride, u.stride, v.before, u.before, windows_on(v, x.h, up), windows_on(u, x.w, up)};
}

}  // namespace limpid::kinds
