// What people look at, of pictures for networks that take something else than RGB.
#pragma once

#include "nets/architecture.h"

namespace limpid {

// Pictures {n,h,w,c} as the network takes them, as RGB: the channels that it names (image(shown=...)). Those of RGB networks, with
// opacity or without, stay as they are.
HostTensor visible(const Architecture& network, HostTensor pictures);

}  // namespace limpid
