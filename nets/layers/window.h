// How windows are placed on a map: what convolutions and pools have in common.
#pragma once

#include "graph/ops.h"
#include "nets/layers/kind.h"

namespace limpid::kinds {

inline constexpr SettingRule kWindow{"window", SettingRule::Form::size, "1x1", 1, 65536};
inline constexpr SettingRule kStride{"stride", SettingRule::Form::size, "1x1", 1, 65536};
// same: TensorFlow's SAME, ceil(in / stride) windows, the odd pixel of padding at the end.
inline constexpr SettingRule kPad{"pad", SettingRule::Form::border, "0x0", 0, 65535, "same"};
// Where strides do not divide the map. up: as Caffe's pools, one more window, cut off at the map's end.
inline constexpr SettingRule kRound{"round", SettingRule::Form::word, "down", 0, 0, "down up"};
// The cells of a window lie that far apart.
inline constexpr SettingRule kDilation{"dilation", SettingRule::Form::size, "1x1", 1, 65536};

// Of a layer with a dilation: for a window with all cells in between, as spread (grouped_conv.h) makes it.
ops::ConvGeometry conv_geometry(const Layer& layer, Shape x);
// p or q is 0 where no window fits.
ops::PoolGeometry pool_geometry(const Layer& layer, Shape x);

}  // namespace limpid::kinds
