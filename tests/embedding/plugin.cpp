#include "tests/embedding/plugin.h"

#include <algorithm>
#include <cstring>

#include "kernels/error.h"
#include "nets/tiny.h"
#include "viz/objective/objective.h"
#include "viz/param/param.h"
#include "viz/render/render.h"

bool plugin_render(int64_t unit, uint64_t seed, float* pixels, char message[200]) {
    using namespace limpid;
    try {
        const Net net = make_net(tiny_weights());
        Stream stream({DeviceKind::cpu, 0}, 2);
        RenderOptions options;
        options.param.height = options.param.width = kPluginSide;
        options.steps = 6;
        options.seed = seed;
        const Rendering rendering = Renderer(net, parse_objective(concat("texture:", unit)), options, stream).run();
        std::ranges::copy(rendering.images.values, pixels);
        return true;
    } catch (const Error& error) {
        std::strncpy(message, error.what(), 199);
        message[199] = '\0';
        return false;
    }
}
