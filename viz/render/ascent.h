// One step of optimising pictures, what Lucid's make_vis_T builds: variables -> picture -> transformed view -> network
// -> score; the score's gradient with respect to the variables; and their update.
//
//   const auto picture = [&](Graph& graph, NodeId theta) { return decode(graph, param, theta, nullptr); };
//   const auto score = [&](StepGraph& g) {
//       return mean_of(layer(net, apply(net, g.graph, g.view(picture(g.graph, g.theta))), "mixed4a"));
//   };
//   Workspace work(stream);
//   Ascent ascent(work, {param, transforms, 1, score, {picture}});
//   Ascent::Slot slot;
//   ascent.start(slot, param.initial(0, 0));
//   for (int i = 0; i < 513; i++) ascent.step(slot);
//   const HostTensor result = ascent.decode(slot);
//
// An optimisation is a slot. A step advances one, or several of the same form together, each with the bits that it has
// alone. Plans are made when they are first needed: by number of slots, by the sizes that the transforms draw, and by
// the ReLU gradient.
#pragma once

#include <compare>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "graph/run.h"
#include "kernels/adam/adam.h"
#include "kernels/captured_work.h"
#include "viz/objective/objective.h"
#include "viz/param/param.h"
#include "viz/render/optimiser.h"
#include "viz/transform/transform.h"

namespace limpid {

// How a slot climbs.
struct AscentOptions {
    AdamParameters adam;
    Optimiser optimiser{};                 // none: Adam
    int64_t redirected_relu_updates = 17;  // Lucid: global steps 0..16; 0 turns the override off
    uint64_t seed = 0;                     // of the start, the transforms, and samples drawn anew
    uint32_t first_job = 0;                // number of the first picture
};

// The graph of a step while its score is built.
struct StepGraph {
    Graph graph;
    int64_t count = 1;  // slots: their images lie one after another
    NodeId theta;       // Ascent::theta(count)
    // Whatever else slots are fed with: the builder adds nodes {count*k, ...}, Slot::fed has the values of one slot.
    ObjectiveInputs inputs;
    ObjectiveMemory memory;  // what a slot remembers from step to step; only where count is 1

    // An image as the network sees it in this step, each slot's part by a draw of its own. To be called once.
    NodeId view(NodeId image);
    // The number of the update: {count,1,1,1}.
    NodeId step();

    Transforms transforms;
    std::vector<int> scales;  // that the transforms take (TransformSample)
    // What was built: inputs for the transforms, step(), the result.
    std::vector<NodeId> knobs;
    NodeId number, score;
};

// What ascents on one stream share, as only one of them works at a time.
struct Workspace {
    explicit Workspace(Stream& s) : stream(s), constants(s) {}

    Stream& stream;
    ConstantStore constants;
    Buffer arena;
};

class Ascent {
  public:
    // The score of a step, to be maximised: {count*k,1,1,1}. What does not fit is thrown as an Error.
    using Build = std::function<NodeId(StepGraph&)>;
    // What one slot's variables are shown as.
    using Picture = std::function<NodeId(Graph&, NodeId theta)>;
    struct Form {
        ImageParam param;  // its size is that of the image which enters the transforms
        Transforms transforms;
        int64_t images = 1;  // that a slot has variables for
        Build build;
        std::vector<Picture> pictures;
        std::string what = "an update";  // in errors about memory
    };
    struct Slot {
        AscentOptions options;
        int64_t step = 0;                    // number of its next update
        std::vector<HostTensor> fed{};       // values of StepGraph::inputs, for its next update
        TransformSample draw{};              // of its next update, once draw() was called
        DeviceTensor theta{}, m{}, v{};      // variables, Adam's two
        std::vector<DeviceTensor> memory{};  // zeros at first
        int64_t drawn = -1;                  // for which update
        std::vector<float> number{0};        // of that update, as it is fed

        bool redirected() const { return step < options.redirected_relu_updates; }
    };
    // What plans take, in bytes.
    struct Need {
        size_t arena = 0;
        size_t fed = 0;     // all inputs but variables and memory
        size_t block = 0;   // the same as it lies on the device, with Adam's rates
        size_t memory = 0;  // of a slot; a step takes it twice
        size_t pictures = 0;
    };

    // work must outlive the ascent.
    Ascent(Workspace& work, Form form);

    // Of the variables of so many slots.
    Shape theta(int64_t count = 1) const;
    // Gives the slot its variables.
    void start(Slot& slot, const HostTensor& theta) const;
    // Draws the transforms of the next update, which decide its shapes. step() does it where nobody has.
    void draw(Slot& slot) const;
    // What the form builds, without its gradient.
    StepGraph graph(int64_t count, const std::vector<int>& scales) const;
    // Of so many slots, without redirected gradients, at the size in the middle.
    const Plan& typical_plan(int64_t count);
    // Makes all plans for so many slots, and those of the pictures, and says the most that they take.
    Need plan_all(int64_t count, bool redirected);
    // Throws Error where the form needs so much, and the stream does not allow it.
    void check_memory(size_t bytes) const;
    // Takes the memory of all plans that there are: steps by them will allocate nothing.
    void reserve();
    void forget_plans();

    // One update of slots that agree in redirected() and draw.scales. On a GPU it is queued, recorded when a plan is
    // used again in the same memory, and replayed from then on. Stopped within it, nothing has changed.
    void step(std::span<Slot* const> slots, const RunOptions& run_options = {});
    void step(Slot& slot, const RunOptions& run_options = {}) {
        Slot* const alone[] = {&slot};
        step(alone, run_options);
    }
    // Of the last step, before its update, of the transformed views. Lives until the next.
    ConstView scores() const { return {score_.floats(), score_shape_}; }
    // A picture of the slot as it is now: not transformed; also where a stop is asked for.
    HostTensor decode(const Slot& slot, size_t picture = 0);

  private:
    struct Key {
        int64_t count = 1;
        bool redirected = false;
        std::vector<int> scales;
        auto operator<=>(const Key&) const = default;
    };
    // A plan, and where in the block of a step's values its inputs lie.
    struct Step {
        enum class From { knobs, number, fed, memory };
        struct Input {
            From from;
            size_t index;
            NodeId node;
            Shape shape;
            int64_t place = 0;
        };
        Plan plan;
        std::vector<Input> inputs;  // but the variables, in the plan's order
        int64_t rates_place = 0, floats = 0;
        // Of memory after an update; the plan's first outputs are score and gradient.
        std::span<const Shape> memory() const { return std::span(plan.outputs).subspan(2); }
    };
    struct Recording {
        std::vector<const void*> places;
        AdamParameters adam;
        CapturedWork work;
    };

    const Step& step_of(const Key& key);
    const Plan& picture_plan(size_t picture);
    void reserve_arena(const Plan& plan);
    void reserve(const Step& step);
    void redraw(const Slot& slot);
    void feed(std::span<Slot* const> slots, const Step& step);
    void work(const Step& step, Slot* alone, const RunOptions& run_options);
    void work_or_replay(const Step& step, Slot* alone, const RunOptions& run_options);
    void climb(const Slot& slot, int64_t place, const Step& step);

    Workspace& work_;
    Form form_;
    Shape theta_;  // of one slot
    std::vector<ImageParam::Redrawn> redrawn_;
    std::map<Key, Step> steps_;
    std::map<size_t, Plan> picture_plans_;
    std::map<const Step*, Recording> recordings_;
    // The variables of several slots, gathered; of one they are used where they lie.
    Buffer gathered_, gradient_, score_, block_;
    std::vector<DeviceTensor> next_memory_;
    Shape score_shape_;
    // Refilled by each step, which allocates nothing.
    Key key_;
    std::vector<float> staged_;
    std::vector<ConstView> inputs_;
    std::vector<MutView> outputs_;
};

}  // namespace limpid
