// A caller's mistake is an Error that says what was found and what was expected: a program with this library inside
// goes on.
#include <gmock/gmock.h>

#include "nets/tiny.h"
#include "viz/attribution/attribution.h"
#include "viz/attribution/faithfulness.h"
#include "viz/attribution/gradient_methods.h"
#include "viz/attribution/perturbation_methods.h"
#include "viz/attribution/section.h"
#include "viz/attribution/target.h"
#include "viz/batch/batch_renderer.h"
#include "viz/dictionary/dictionary.h"
#include "viz/factor/cholesky.h"
#include "viz/factor/groups.h"
#include "viz/factor/nmf.h"
#include "viz/factor/symmetric_eigen.h"
#include "viz/grid/grid.h"
#include "viz/image/exif.h"
#include "viz/image/half_spectrum.h"
#include "viz/image/heat.h"
#include "viz/image/image.h"
#include "viz/judge/estimate.h"
#include "viz/judge/map_scores.h"
#include "viz/judge/picture_statistics.h"
#include "viz/layout/raster.h"
#include "viz/layout/tsne.h"
#include "viz/objective/objective.h"

namespace limpid {
namespace {

using ::testing::HasSubstr;

template <class Call>
std::string error_of(Call call) {
    try {
        call();
    } catch (const Error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

const HostTensor kPhoto({1, 20, 20, 3}, 0.5f), kTwo({2, 20, 20, 3}, 0.5f), kMap({1, 20, 20, 1}, 0.5f);

TEST(WrongArguments, OfPictures) {
    const std::vector<ConstView> none, unequal{kPhoto.view(), kMap.view()};
    EXPECT_THAT(error_of([] { resize(kPhoto.view(), 0, 4); }), HasSubstr("1x20x20x3 to 0x4, expected at least 1x1"));
    EXPECT_THAT(error_of([] { crop_centre(kPhoto.view(), 21, 4); }), HasSubstr("expected a part of it"));
    EXPECT_THAT(error_of([] { fit_photo(kPhoto.view(), 20, 10); }), HasSubstr("short side of 10"));
    EXPECT_THAT(error_of([&] { tile(none, 2, 0); }), HasSubstr("a sheet of 0 pictures"));
    EXPECT_THAT(error_of([&] { tile(unequal, 2, 0); }), HasSubstr("expected one image of 3 channels"));
    EXPECT_THAT(error_of([] { encode_png(kTwo.view()); }), HasSubstr("2x20x20x3, expected one image"));
    EXPECT_THAT(error_of([] { encode_jpeg(kPhoto.view(), 101); }), HasSubstr("JPEG quality 101, expected 1 to 100"));
    EXPECT_THAT(error_of([] { encode_jpeg(HostTensor({1, 4, 4, 4}).view(), 90); }), HasSubstr("JPEG with opacity"));
    EXPECT_THAT(error_of([] { upright(4, 4, 9); }), HasSubstr("orientation 9, expected 1 to 8"));
    EXPECT_THAT(error_of([] { heat_over(kTwo.view(), kMap); }), HasSubstr("one RGB picture"));
    EXPECT_THAT(error_of([] { hues_over(kMap.view(), kMap); }), HasSubstr("one RGB picture"));
    EXPECT_THAT(error_of([] { percentile_of_size(kMap, 101); }), HasSubstr("percentile 101"));
    EXPECT_THAT(error_of([] { grey_sprites(kPhoto, 3); }), HasSubstr("expected maps of one channel"));
    EXPECT_THAT(error_of([] { half_spectrum(std::vector<double>(5), 2, 3); }), HasSubstr("5 pixels, expected 2x3"));
}

TEST(WrongArguments, OfMatrices) {
    const HostArray<double> square({1, 1, 3, 3}, 1.0), flat({1, 1, 2, 5}, 1.0), tall({1, 1, 5, 2}, 1.0);
    HostArray<double> not_a_number = square;
    not_a_number.values[4] = NAN;
    EXPECT_THAT(error_of([&] { cholesky(flat); }), HasSubstr("expected a square matrix"));
    EXPECT_THAT(error_of([&] { solve_rows(square, flat); }), HasSubstr("for a matrix of 3, expected equal lengths"));
    EXPECT_THAT(error_of([&] { largest_eigen(flat, 1); }), HasSubstr("expected a square matrix"));
    EXPECT_THAT(error_of([&] { largest_eigen(square, 4); }), HasSubstr("4 eigenvalues"));
    EXPECT_THAT(error_of([&] { largest_eigen(not_a_number, 1); }), HasSubstr("expected finite values"));
    EXPECT_THAT(error_of([&] { nndsvd(flat, 3); }), HasSubstr("3 factors of 2 x 5, expected 1 to 2"));
    EXPECT_THAT(error_of([&] { nmf_transform(flat, square); }), HasSubstr("expected equal lengths"));
    EXPECT_THAT(error_of([&] { tsne(flat); }), HasSubstr("expected a square matrix of distances"));
    EXPECT_THAT(error_of([&] { cheapest_assignment(tall); }), HasSubstr("at least as many columns as rows"));
    EXPECT_THAT(error_of([&] { cheapest_assignment(HostArray<double>({1, 1, 2, 2}, NAN)); }), HasSubstr("not finite"));
    EXPECT_THAT(error_of([] { to_raster({}); }), HasSubstr("0 points"));
}

TEST(WrongArguments, OfScores) {
    EXPECT_THAT(error_of([] { estimate({}); }), HasSubstr("an estimate from no values"));
    EXPECT_THAT(error_of([] { energy_inside(kMap, HostTensor({1, 4, 4, 1})); }), HasSubstr("a mask of 1x4x4x1"));
    EXPECT_THAT(error_of([] { measure(HostTensor({1, 8, 8, 3})); }), HasSubstr("16x16 or more"));
    EXPECT_THAT(error_of([] { measure(kPhoto, HostTensor({1, 4, 4, 1})); }), HasSubstr("one value for each pixel"));
    EXPECT_THAT(error_of([] { rank_correlation(kMap, kPhoto); }), HasSubstr("expected equal shapes"));
}

TEST(WrongArguments, OfAttributions) {
    const Net net = make_net(tiny_weights());
    Stream stream({DeviceKind::cpu, 0}, 1);
    Section section(net, "input", {1, 20, 20, 3}, "texture", stream);
    const Target target = parse_target(net, "texture:1"), elsewhere = parse_target(net, "gabor:1");
    const HostTensor other({1, 8, 8, 3});
    EXPECT_THAT(error_of([&] { section.forward(other); }), HasSubstr("expected images of 1x20x20x3"));
    EXPECT_THAT(error_of([&] { section.pull_back(kPhoto, other); }), HasSubstr("the gradient 1x8x8x3 of texture"));
    EXPECT_THAT(error_of([&] { gradient(section, kPhoto, elsewhere); }),
                HasSubstr("a target in gabor of a section to texture, expected one layer"));
    EXPECT_THAT(error_of([&] { values(section, kPhoto, elsewhere); }), HasSubstr("expected one layer"));
    EXPECT_THAT(error_of([&] { path_attribution(section, kTwo, target); }), HasSubstr("activations of one image"));
    EXPECT_THAT(error_of([&] { path_attribution(section, kPhoto, target, {}, other); }),
                HasSubstr("from a baseline of"));
    EXPECT_THAT(error_of([&] { position_attribution(section, kTwo); }), HasSubstr("positions of 2x20x20x3"));
    EXPECT_THAT(error_of([&] { product(kTwo, kPhoto); }), HasSubstr("the product of"));
    EXPECT_THAT(error_of([&] { smooth_grad(section, kTwo, target); }), HasSubstr("SmoothGrad of 2x20x20x3"));
    EXPECT_THAT(error_of([&] { grad_cam(section, kTwo, target); }), HasSubstr("Grad-CAM of 2x20x20x3"));
    EXPECT_THAT(error_of([&] { superpixels(kMap, 4); }), HasSubstr("superpixels of 1x20x20x1"));
    EXPECT_THAT(error_of([] { make_dictionary(kTwo, 3); }), HasSubstr("a dictionary of 2x20x20x3"));
    EXPECT_THAT(error_of([&] { activation_grid(net, "texture", kTwo, {}, stream); }), HasSubstr("a grid of 2x20x20x3"));
    EXPECT_THAT(error_of([&] { BatchRenderer(net, stream, 0); }), HasSubstr("a batch of 0"));
}

}  // namespace
}  // namespace limpid
