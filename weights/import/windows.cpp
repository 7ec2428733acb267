// Windows of convolutions and pools.
#include <algorithm>

#include "kernels/conv2d/conv2d.h"
#include "weights/import/operators.h"
#include "weights/onnx.h"

namespace limpid {
namespace {

constexpr int64_t kLargest = 65535;

// One number for each axis of the map, rows first; `ends` of them: pads have two. A map without rows has its columns
// alone: `usual` is that of its one row.
std::vector<int64_t> pair_of(const ImportNode& node, const char* key, bool rows, size_t ends, int64_t usual,
                             int64_t least) {
    const size_t count = (rows ? 2 : 1) * ends;
    std::vector<int64_t> values = node.integers(key, std::vector<int64_t>(count, usual));
    if (values.empty()) values.assign(count, usual);
    if (values.size() != count) throw Error(concat("has ", values.size(), " ", key, ", expected ", count));
    for (const int64_t value : values)
        if (value < least || value > kLargest)
            throw Error(concat("has ", key, " of ", value, ", expected ", least, " to ", kLargest));
    if (!rows)
        for (size_t end = 0; end < ends; end++) values.insert(values.begin() + std::ptrdiff_t(2 * end), usual);
    return values;
}

int64_t windows_on(int64_t in, int64_t window, int64_t stride, int64_t before, int64_t after, bool up) {
    const int64_t room = in + before + after - window;
    if (room < 0) return 0;
    const int64_t count = (up ? room + stride - 1 : room) / stride + 1;
    return up && (count - 1) * stride >= in + before ? count - 1 : count;
}

}  // namespace

std::string Windows::settings() const {
    std::string text =
        setting("window", size_text(r, s), "1x1") + setting("stride", size_text(stride_y, stride_x), "1x1");
    if (same)
        text += ", pad=same";
    else if (top == bottom && left == right)
        text += setting("pad", size_text(top, left), "0x0");
    else
        text += concat(", pad=", top, "x", left, "x", bottom, "x", right);
    text += setting("dilation", size_text(dilation_y, dilation_x), "1x1");
    if (round_up) text += ", round=up";
    return text;
}

Windows windows_of(const ImportNode& node, const Placement& map, int64_t r, int64_t s) {
    Windows w;
    const bool rows = map.rank() == 4;
    std::vector<int64_t> kernel = pair_of(node, "kernel_shape", rows, 1, 0, 0);
    const std::vector<int64_t> stride = pair_of(node, "strides", rows, 1, 1, 1),
                               dilation = pair_of(node, "dilations", rows, 1, 1, 1),
                               pads = pair_of(node, "pads", rows, 2, 0, 0);
    if (!rows && kernel[1] > 0) kernel[0] = 1;
    w.r = r > 0 ? r : kernel[0];
    w.s = s > 0 ? s : kernel[1];
    if (w.r < 1 || w.s < 1 || w.r > kLargest || w.s > kLargest ||
        (r > 0 && kernel[0] > 0 && (kernel[0] != r || kernel[1] != s)))
        throw Error(concat("has the window ", kernel[0], "x", kernel[1], ", expected that of its filter, ", r, "x", s));
    w.stride_y = stride[0], w.stride_x = stride[1], w.dilation_y = dilation[0], w.dilation_x = dilation[1];
    w.round_up = node.integer("ceil_mode", 0) != 0;
    const int64_t h = map.sizes[1], wide = map.sizes[2];
    const int64_t reach_y = (w.r - 1) * w.dilation_y + 1, reach_x = (w.s - 1) * w.dilation_x + 1;
    const std::string automatic = node.text("auto_pad", "NOTSET");
    if (automatic == "SAME_UPPER") {
        w.same = true;
        w.round_up = false;
        w.p = (h + w.stride_y - 1) / w.stride_y;
        w.q = (wide + w.stride_x - 1) / w.stride_x;
        return w;
    }
    if (automatic == "SAME_LOWER") {
        // The odd pixel in front: as numbers, those of the canonical size.
        const auto spread = [](int64_t in, int64_t reach, int64_t stride, int64_t* before, int64_t* after) {
            const int64_t all = std::max<int64_t>(((in + stride - 1) / stride - 1) * stride + reach - in, 0);
            *after = all / 2;
            *before = all - all / 2;
        };
        spread(h, reach_y, w.stride_y, &w.top, &w.bottom);
        spread(wide, reach_x, w.stride_x, &w.left, &w.right);
    } else if (automatic == "NOTSET" || automatic.empty()) {
        w.top = pads[0], w.left = pads[1], w.bottom = pads[2], w.right = pads[3];
    } else if (automatic != "VALID") {
        throw Error(concat("has auto_pad ", printable(automatic), ", expected SAME_UPPER, SAME_LOWER or VALID"));
    }
    if (const auto said = node.metadata.find(own_metadata::kPad);
        said != node.metadata.end() && said->second == "same") {
        Windows same;
        same_padding(h, reach_y, w.stride_y, &same.top, &same.bottom);
        same_padding(wide, reach_x, w.stride_x, &same.left, &same.right);
        w.same = w.top == same.top && w.bottom == same.bottom && w.left == same.left && w.right == same.right;
    }
    w.p = windows_on(h, reach_y, w.stride_y, w.top, w.bottom, w.round_up);
    w.q = windows_on(wide, reach_x, w.stride_x, w.left, w.right, w.round_up);
    if (w.p < 1 || w.q < 1)
        throw Error(concat("has no room for a window of ", reach_y, "x", reach_x, " on a map of ", h, "x", wide));
    return w;
}

Placement map_placement(const std::string& layer, size_t rank, const std::array<int64_t, 4>& sizes) {
    const auto [n, h, w, c] = sizes;
    return arranged_placement(layer, rank == 4 ? Dimensions{n, c, h, w} : Dimensions{n, c, w}, map_arrangement(rank));
}

const Operator* find_operator(std::string_view op) {
    for (const auto table : {linear_operators(), pool_operators(), activation_operators(), arithmetic_operators(),
                             movement_operators(), parts_operators(), own_operators()})
        if (const auto found = std::ranges::find(table, op, &Operator::op); found != table.end()) return &*found;
    return nullptr;
}

}  // namespace limpid
