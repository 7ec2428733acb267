// Three channels out of many.
#include "viz/image/visible.h"

namespace limpid {

HostTensor visible(const Architecture& network, HostTensor pictures) {
    const Shape s = pictures.shape;
    if (network.image().c == 3 || s.c != network.image().c) return pictures;
    const std::array<int64_t, 3> shown = shown_channels(network);
    HostTensor rgb({s.n, s.h, s.w, 3});
    for (int64_t pixel = 0; pixel < s.pixels(); pixel++)
        for (size_t i = 0; i < 3; i++)
            rgb.values[size_t(3 * pixel) + i] = pictures.values[size_t(pixel * s.c + shown[i])];
    return rgb;
}

}  // namespace limpid
