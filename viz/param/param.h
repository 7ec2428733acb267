// Image parameterisations: from variables (theta) to an image in [0,1], as nodes of a graph (Olah et al. 2017;
// Mordvintsev et al. 2018; Lucid, param/).
//
//   fft                                   the default: the spectrum of an image in decorrelated colours
//   pixel; rgb                            the naive one
//   fft; alpha                            with a channel of opacity
//   fft + lowres(images=1, size=32)       a sum: here each picture, plus what all pictures of a batch share
//   photo(file=cat.png) + linf_ball(0.03); rgb; raw
//                                         a photo, changed by at most 0.03
//   fft(images=1); texture(uv=views.npy)  a texture that all pictures of a batch show, each by its own coordinates
//
//   param    := source { + source } { ; modifier }
//   modifier := decorrelated | rgb | grey | channels(N) | alpha | sigmoid | clip | raw | centred | texture(uv=FILE)
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graph/ops.h"
#include "kernels/random/philox.h"

namespace limpid {

struct Net;

// What the numbers of a random stream are for: the `purpose` of a RandomKey. Values are part of the file format of
// results: never reuse.
enum class Purpose : uint32_t { initial_image = 1, transform = 2, direction = 3, background = 4, image_sample = 5 };

// Sources are added up. `images`: how many the batch has of them; 0: one for each picture, else they are shared, and
// fewer are interpolated along the batch.

// Lucid's fft_image: noise of `deviation` in the spectrum, scaled by 1/max(f, 1/max(w,h))^decay_power.
struct Spectral {
    double deviation = 0.01, decay_power = 1;
    int64_t images = 0;
    bool operator==(const Spectral&) const = default;
};
struct Pixels {
    double deviation = 0.01;
    int64_t images = 0;
    bool operator==(const Pixels&) const = default;
};
// Sum of pictures of 1, 1/2, 1/4, ... of the size, enlarged: Lucid's laplacian_pyramid_image.
struct Pyramid {
    int64_t levels = 4;
    double deviation = 0.01;
    bool operator==(const Pyramid&) const = default;
};
// A smaller picture, enlarged: Lucid's lowres_tensor.
struct Lowres {
    int64_t height = 16, width = 16;
    int64_t images = 0;
    double deviation = 0.01;
    bool operator==(const Lowres&) const = default;
};
// A network from coordinates to colours (Stanley 2007): Lucid's cppn. images: between two networks their weights are
// mixed along the batch, t = (1 - cos(pi s)) / 2 of the next for s in [0, 1], and multiplied by 1 + t(1 - t)
// (Mordvintsev et al. 2018, the notebook xy2rgb).
struct Cppn {
    int64_t hidden = 24, layers = 8;
    std::string activation = "composite";  // composite, unbiased, relu, abs
    // In front of each activation, each channel of a picture is brought to mean 0 and variance 1, then scaled and
    // shifted (Lucid's normalize: slim.instance_norm).
    bool normalize = false;
    int64_t images = 0;
    bool operator==(const Cppn&) const = default;
};
// Starts at zero and stays within a radius: Lucid's unit_ball_L2 and unit_ball_L_inf. Of the values before colours
// and range: around a photo it is a ball of the picture only with `; rgb; raw`.
struct Ball {
    bool infinite = false;  // the largest magnitude, else the root of the sum of squares
    double radius = 1;
    bool by_sign = false;  // l_inf: only the sign of the gradient counts (Lucid's precondition)
    bool literal = false;  // the gradient as Lucid codes it, see constrain()
    bool operator==(const Ball&) const = default;
};
// A picture from a file, resized and cropped to the size (load_photo); has no variables.
struct Photo {
    std::string file;
    bool operator==(const Photo&) const = default;
};
// Lucid's interaction grid: n*n pictures, number n*i + j a mixture of what i and j look like alone, of what they share,
// and of what all share.
struct Grid {
    int64_t n = 2;
    double deviation = 0.01;
    bool operator==(const Grid&) const = default;
};
// Lucid's multi_interpolation_basis: n*n*steps pictures, number (n*i + j)*steps + t on the way from i to j, made of
// what all share, what i and j look like, and what is between them alone. The way from j to i is the same, backwards.
struct Pairs {
    int64_t n = 2, steps = 5;
    double deviation = 0.01;
    bool operator==(const Pairs&) const = default;
};
// Lucid's image_sample: a spectrum drawn anew at each update; nothing to optimise.
struct ImageSample {
    double deviation = 0.01, decay_power = 1;
    bool operator==(const ImageSample&) const = default;
};
using Source = std::variant<Spectral, Pixels, Pyramid, Lowres, Cppn, Ball, Photo, Grid, Pairs, ImageSample>;

// The picture of `size` pixels squared that is optimised is seen by coordinates alone: those of the picture `uv` {1 or
// batch, h, w, 2 or more channels}, u to the right and v upwards, 0 to 1, repeated beyond; bilinear (OpenGL's GL_REPEAT
// and GL_LINEAR; Lucid's bilinearly_sampled_image).
struct Texture {
    std::string uv;
    int64_t size = 256;
    bool operator==(const Texture&) const = default;
};

// What all graphs of a parameterisation share.
struct ParamConstants {
    std::shared_ptr<const HostTensor> scale;  // ImageParam::scale()
    Shape uv;                                 // of the texture's coordinates
    ops::PixelMix texture, texture_adjoint;   // from the texture to all pictures of `uv`
};

struct ImageParam {
    // usual: what fitted() takes for a network; without one, decorrelated.
    enum class Colour { usual, decorrelated, rgb, grey, channels };
    // centred: the values are grey levels about the network's mean, image = (values + 117) / 255, not limited.
    enum class Range { sigmoid, clip, raw, centred };

    int64_t height = 128, width = 128;
    std::vector<Source> sources{Spectral{}};
    Colour colour = Colour::usual;
    int64_t channels = 3;  // of Colour::channels: as many as the network takes, without meaning
    bool alpha = false;    // a last channel of opacity
    Range range = Range::sigmoid;
    bool literal = false;  // Range::clip: the gradient as Lucid codes it, see constrain()
    std::optional<Texture> texture;
    bool operator==(const ImageParam&) const = default;

    // Whether each picture has variables of its own, so that it is the same in any batch.
    bool per_image() const;
    // All variables as one tensor; {batch, ...} where per_image().
    Shape theta(int64_t batch) const;
    Shape image(int64_t batch) const { return {batch, height, width, image_channels()}; }
    int64_t image_channels() const;
    // What is optimised, seen flat: without the texture's coordinates.
    ImageParam flat() const;
    // Normal numbers that depend on seed and job (the picture's number) alone. One picture, where per_image().
    HostTensor initial(uint64_t seed, uint32_t job) const;
    HostTensor initial(uint64_t seed, uint32_t first_job, int64_t batch) const;
    // The variables that decode to a picture {1, h, w, 3 or 4}: exact but for rounding, and for sigmoids, which reach
    // 0 and 1 to 1/1024 only. Throws Error where the sources cannot hold any picture.
    HostTensor start(const HostTensor& picture, int64_t batch = 1) const;
    // Parts of theta that are drawn anew before each update: `count` numbers from `first` on, of a source and picture.
    struct Redrawn {
        int64_t first = 0, count = 0;
        uint32_t source = 0, picture = 0;
    };
    std::vector<Redrawn> redrawn(int64_t batch) const;
    // Its numbers, which depend on seed, job and update alone.
    void redraw(const Redrawn& part, uint64_t seed, uint32_t first_job, uint32_t update, float* to) const;
    std::shared_ptr<const ParamConstants> constants() const;
    // sqrt(w*h) / max(f, 1/max(w,h))^decay_power over the frequencies of h x w, of the first spectral source:
    // {1, h, f, 1}; else empty.
    HostTensor scale() const;
};

// With the colours that suit the network, where none were chosen: grey of one that sees grey, plain channels of one that
// takes another number of them than 3.
ImageParam fitted(ImageParam param, const Net& net);

// parse_param(to_string(p)) == p, but for the size. Throws UsageError with the column.
ImageParam parse_param(const std::string& text);
std::string to_string(const ImageParam& param);
// The files that it names: photos, coordinates of a texture.
std::vector<std::string> files_of(const ImageParam& param);

// theta -> image. `constants` are param.constants(), made once for all graphs; null: made here. batch: pictures to
// make, needed where variables are shared.
NodeId decode(Graph& graph, const ImageParam& param, NodeId theta, std::shared_ptr<const ParamConstants> constants,
              int64_t batch = 0);

// Decorrelated colours to RGB: rgb_i = sum_j M[i][j] t_j, M = Lucid's colour correlation (Cholesky factor of the RGB
// covariance of ImageNet) divided by its largest column norm, 0.46195238. Returned as {1,1,3,3}, transposed: rgb = t *
// result.
HostTensor colour_matrix();

// A spectrum to the values of an image, as Lucid's fft_image makes it. theta {N,h,f,2C} -> {N,h,w,C}.
NodeId spectral_values(Graph& graph, NodeId theta, std::shared_ptr<const HostTensor> scale, int64_t width);
// {1,h,f,1}
HostTensor spectral_scale(int64_t height, int64_t width, double decay_power);

// x / max(1, |x| / radius) by element, or by image by its length. The gradient is that of a projection: what would only
// lead out of the ball is taken away; inside it passes. Lucid (constrain_L_inf and constrain_L2) tests the gradient of
// the loss as if it were that of the score, and takes away what would lead in: ball.literal.
NodeId constrain(Graph& graph, NodeId x, const Ball& ball);

}  // namespace limpid
