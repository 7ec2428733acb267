// An objective of one's own, out of tree: a term is a function that adds nodes, and a row. Its gradient is free.
#include <iostream>

#include "graph/ops.h"
#include "kernels/error.h"
#include "log_cosh.h"
#include "nets/tiny.h"
#include "viz/image/image.h"
#include "viz/objective/gradcheck.h"
#include "viz/objective/terms.h"
#include "viz/render/render.h"

using namespace limpid;

namespace {

// contrast(scale): how far the picture is from grey, mean of log cosh(scale * (x - 1/2)).
NodeId contrast(const TermScope& scope) {
    const NodeId x = scope.layer("layer", "input");
    const float scale = float(scope.number("scale", 1));
    return terms::mean_of_image(scope.graph(),
                                example::log_cosh(scope.graph(), ops::affine(scope.graph(), x, scale, -scale / 2)));
}

TermTable my_terms() {
    TermTable terms = known_terms();
    terms.push_back(std::make_shared<const Term>(Term{.name = "contrast",
                                                      .parameters = {{"scale", TermParameter::Kind::number}},
                                                      .build = contrast,
                                                      .summary = "distance from grey"}));
    return terms;
}

}  // namespace

int main(int argc, char** argv) try {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0});
    const Objective objective = parse_objective("texture:8 - 0.5*contrast(scale=4)", my_terms());
    if (!check_gradient(net, objective, {}, stream).passed()) {
        std::cerr << "the gradient of " << to_string(objective) << " is wrong\n";
        return 1;
    }
    RenderOptions options;
    options.param.height = options.param.width = 48;
    options.steps = 64;
    const Rendering rendering = render(net, objective, options, stream);
    std::cout << to_string(objective) << ": " << rendering.scores.front()[0] << " -> " << rendering.scores.back()[0]
              << '\n';
    write_png(argc > 1 ? argv[1] : "picture.png", rendering.images.view());
    return rendering.scores.back()[0] > rendering.scores.front()[0] ? 0 : 1;
} catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
}
