// A network between two of its layers, as a function with a derivative: what every attribution is made of.
//
//   y = f(x)          x: the layer `from`, fed; y: the layer `to`. Only what lies between is computed.
//   g = J(x)' seed    seed: of y's shape, e.g. the derivative of a Target there; J' the transposed Jacobian of f, with
//                     the gradient overrides that were asked for.
// from = "input" is the photo itself, RGB in [0,1].
#pragma once

#include <map>
#include <string>
#include <tuple>

#include "graph/grad.h"
#include "graph/run.h"
#include "kernels/buffer.h"
#include "nets/net.h"

namespace limpid {

struct SectionOptions {
    VjpOverrides overrides = {};
    int64_t batch = 14;  // images in one pass; results do not depend on it
    RunOptions run = {};
};

class Section {
  public:
    // from_shape: of one image. Throws Error when `from` is not a layer that can be fed, or when `to` does not follow
    // from it.
    Section(const Net& net, const std::string& from, Shape from_shape, const std::string& to, Stream& stream,
            SectionOptions options = {});

    const std::string& from() const { return from_; }
    const std::string& to() const { return to_; }
    Shape from_shape() const { return from_shape_; }  // of one image
    Shape to_shape() const { return to_shape_; }
    Stream& stream() const { return stream_; }

    // How many of the `wanted` images one pass takes: at most options.batch, fewer where the stream does not allow so
    // much memory. Throws Error where not even one fits. gradient: pull_back, at one_point for all seeds; else forward.
    int64_t images_at_once(int64_t wanted, bool gradient, bool one_point = false);
    // Any number of images. Throws Stopped where the stream is to stop.
    HostTensor forward(const HostTensor& x);
    // One seed per image; or many seeds for one image, which then is where all gradients are taken.
    HostTensor pull_back(const HostTensor& x, const HostTensor& seeds);

    // Gives back what passes work in; the next one takes it anew. Between uses of many sections.
    void release_memory() { arena_ = {}; }

  private:
    struct Key {
        int64_t points = 1, seeds = 0;  // images of x, of seed; seeds = 0: forward only
        auto operator<=>(const Key&) const = default;
    };
    const Plan& plan(Key key);
    size_t pass_bytes(const Plan& plan) const;
    void run(Key key, std::span<const ConstView> inputs, HostTensor& all, int64_t first);

    Net net_;
    std::string from_, to_;
    Shape from_shape_, to_shape_;
    Stream& stream_;
    SectionOptions options_;
    ConstantStore constants_;
    std::map<Key, Plan> plans_;
    int64_t most_[2];  // images in one pass, as far as is known: forward, with a gradient
    Buffer arena_;
};

// The shape of a layer for a photo of this one; nothing is computed.
Shape layer_shape(const Net& net, const std::string& name, Shape photo);
// Values of layers for a photo {1,h,w,3}, in the order of the names.
std::vector<HostTensor> activations(const Net& net, const std::vector<std::string>& layers, const HostTensor& photo,
                                    Stream& stream, const RunOptions& options = {});

}  // namespace limpid
