// The check agrees where gradients are right, and objects where they are not.
#include "viz/objective/gradcheck.h"

#include <gtest/gtest.h>

#include "graph/ops.h"
#include "kernels/error.h"
#include "nets/tiny.h"
#include "viz/objective/terms.h"

namespace limpid {
namespace {

GradcheckResult check(const Objective& objective, GradcheckOptions options = {}) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::reference, 0});
    return check_gradient(net, objective, options, stream);
}

TEST(Gradcheck, AgreesWithGradientsThatAreRight) {
    EXPECT_TRUE(check(parse_objective("texture:3")).passed());
    EXPECT_TRUE(check(parse_objective("decay(4)*gabor_pre_relu:4 - 1e-3*total_variation()")).passed());
    EXPECT_TRUE(check(parse_objective("texture:3 - 2*diversity(gabor)"), {.batch = 2}).passed());
    EXPECT_TRUE(check(parse_objective("texture:3*(1 - penalize_alpha())"), {.alpha = true}).passed());
}

TEST(Gradcheck, ObjectsToGradientsThatAreWrong) {
    // Half of this one's gradient is stopped, on purpose.
    EXPECT_FALSE(check(parse_objective("blur_input_each_step()")).passed());
    // A term of one's own with a derivative of 0.9 where 1 would be right.
    TermTable terms = known_terms();
    terms.push_back(std::make_shared<const Term>(Term{
        "wrong",
        {},
        Term::Reach::image_mean,
        [](const TermScope& s) {
            const NodeId x = s.layer("layer", "texture");
            return terms::mean_of_image(
                s.graph(), ops::with_gradient(s.graph(), x, x, "wrong",
                                              [](Graph& g, NodeId, NodeId dy) { return ops::affine(g, dy, 0.9f, 0); }));
        },
        "mean of texture, wrongly differentiated"}));
    EXPECT_FALSE(check(parse_objective("wrong()", terms)).passed());
    EXPECT_THROW(check(parse_objective("0*texture:1")), Error);
}

}  // namespace
}  // namespace limpid
