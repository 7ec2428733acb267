// Textures that are seen by coordinates: tables of what each pixel of a view is mixed of, and the views as nodes.
#pragma once

#include "viz/param/param.h"

namespace limpid {

// {n,h,w,c} of `views`: u and v in the first two channels. The mixture makes n*h*w pixels of a texture of size*size.
// Pixel i of an axis covers [i, i + 1) / size, its centre counts; v = 1 is the top.
ops::PixelMix texture_mix(const HostTensor& uv, int64_t size);

// {1 or batch, size, size, c} -> {batch, h, w, c}. Throws Error where textures of their own meet several views.
NodeId texture_views(Graph& graph, const ParamConstants& constants, NodeId textures, int64_t batch);

}  // namespace limpid
