// The terms of the objective language: one row each. A new term is a function that adds nodes, and a row.
#pragma once

#include <optional>

#include "viz/objective/objective.h"

namespace limpid {

// What a term sees while it adds its score to a graph. Several objectives of the same form may be built at once, one
// for each image; arguments that may then differ are asked for as lists: one value for all, or one per image.
class TermScope {
  public:
    struct Place {
        Graph& graph;
        const Net& net;
        const Layers& layers;
        NodeId step;  // may be invalid
        int64_t images = 1;
        bool joint = false;                 // the objective has one score for the whole batch
        ObjectiveInputs* inputs = nullptr;  // where what may differ becomes inputs instead of constants
        ObjectiveMemory* memory = nullptr;
    };
    TermScope(const Place& place, std::vector<const Objective*> each) : place_(place), each_(std::move(each)) {}

    Graph& graph() const { return place_.graph; }
    const Net& net() const { return place_.net; }
    int64_t images() const { return place_.images; }
    bool joint() const { return place_.joint; }
    // Whether what may differ is fed: the nodes must then depend on the form of the objective alone.
    bool fed() const { return place_.inputs; }
    // Values that differ between images, one row each: a constant, or an input where they are fed.
    NodeId varying(HostTensor value, const std::string& name) const;
    NodeId step() const;
    // The moving average of x over the updates, this one included, older ones counting `decay` times less each, divided
    // by the sum of the weights. Its gradient is zero.
    NodeId moving_average(NodeId x, double decay) const;

    // Arguments that are the same for all images.
    bool has(const std::string& name) const;
    int64_t count(const std::string& name, int64_t otherwise = 0) const;
    double number(const std::string& name, double otherwise = 0) const;
    std::string text(const std::string& name, const std::string& otherwise = "") const;
    // Arguments that may differ (TermParameter::varies): one for all where they are equal and not fed.
    std::vector<int64_t> counts(const std::string& name, int64_t otherwise = 0) const;
    std::vector<std::string> texts(const std::string& name, const std::string& otherwise = "") const;

    // The layer that the argument names, or `otherwise`: {N,h,w,c}, or the one image that batch= names: {1,h,w,c}.
    NodeId layer(const std::string& name = "layer", const std::string& otherwise = "") const;
    // The same, whatever batch= says.
    NodeId whole_layer(const std::string& name = "layer", const std::string& otherwise = "") const;
    // One image of a layer, checked.
    NodeId image_of(NodeId layer, int64_t index) const;

  private:
    const Argument* find(size_t image, const std::string& name) const;
    Place place_;
    std::vector<const Objective*> each_;
};

struct TermParameter {
    enum class Kind { layer, count, number, text, file };
    std::string name;
    Kind kind = Kind::number;
    bool required = false;
    bool varies = false;        // may differ between the images of one pass
    std::string formerly = "";  // a name that it had, still read: old_form_note says so
};

struct Term {
    // What it looks at; and how the scores of images become one where the objective is not per image.
    enum class Reach { image_mean, image_sum, batch };

    std::string name;
    std::vector<TermParameter> parameters;
    Reach reach = Reach::image_mean;
    // {N,1,1,1}: a score for each image of the batch; {1,1,1,1} for Reach::batch, or where batch= names an image.
    NodeId (*build)(const TermScope&);
    std::string summary;
    bool uses_step = false;
};

// Building blocks for terms. Lists hold one value, or one per image.
namespace terms {

// Channel each[n] of image n of x {N,h,w,c}: {N,h,w,1}.
NodeId pick_channels(const TermScope& s, NodeId x, const std::vector<int64_t>& each);
// The pixel (rows[n], columns[n]) of image n: {N,1,1,c}.
NodeId pick_position(const TermScope& s, NodeId x, const std::vector<int64_t>& rows,
                     const std::vector<int64_t>& columns);
// Over height and width, channels kept: {N,1,1,c}.
NodeId mean_over_space(Graph& graph, NodeId x);
// Over everything but the batch: {N,1,1,1}.
NodeId sum_of_image(Graph& graph, NodeId x);
NodeId mean_of_image(Graph& graph, NodeId x);
// The root of a sum of squares; its derivative at 0 is 0.
NodeId length(Graph& graph, NodeId squares);
// Each channel with a window x window box of ones whose border is halves, divided by the blur of ones: Lucid's
// _tf_blur.
NodeId blur(Graph& graph, NodeId image, int64_t window);

}  // namespace terms

}  // namespace limpid
