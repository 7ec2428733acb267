// Maps of numbers as pictures: over photos, alone, in colours of their own.
#pragma once

#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// The p-th percentile of the absolute values, 0 <= p <= 100, without interpolation: an element of the map.
float percentile_of_size(const HostTensor& map, double p);

// A map {1,h,w,1} over a photo {1,H,W,3}, resampled to its size: positive values orange, negative ones blue, as opaque
// as they are large; the photo shows through in grey. `limit` is opaque; 0: the 99.5th percentile of the sizes, so that
// a few extreme pixels do not hide the rest.
HostTensor heat_over(ConstView photo, const HostTensor& map, float limit = 0);

// One map for each channel of {1,h,w,k}, each in its hue 360 i/k degrees, added up over the dimmed photo. Values are
// divided by their 99th percentile (Lucid's groups widget).
HostTensor hues_over(ConstView photo, const HostTensor& maps);

// Images {N,h,w,1} as one grey picture: image i in row i / columns, column i % columns; black is 0 and below, white the
// largest value of all (the article's attribution sprites).
HostTensor grey_sprites(const HostTensor& maps, int64_t columns);

}  // namespace limpid
