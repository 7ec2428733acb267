// Decides once what a run repeats: the order of steps, where every value lives, which forms of constants are needed,
// how many bytes.
//
// Memory is one arena: every value has an offset for as long as a later step reads it. A channel slice is a view of its
// source; the operands of a concatenation along channels are written where they belong in it. Pitches of 16 channels
// and more are rounded up to multiples of 16, so that pixels start at aligned addresses.
//
// On a CPU a batch is cut into blocks of images (PlanSection, graph/sections.h).
#pragma once

#include <string>
#include <vector>

#include "graph/constants.h"
#include "graph/graph.h"
#include "graph/rewrite.h"

namespace limpid {

struct PlanStorage {
    enum class Kind { arena, input, output, constant };
    Kind kind = Kind::arena;
    int index = 0;           // input or output number; of a constant, its node
    ConstView constant;      // of a constant
    int64_t size_bytes = 0;  // of an arena storage
    int64_t offset = 0;      // in the arena, bytes
    int first_step = 0, last_step = 0;
    bool in_lanes = false;  // holds one block of a section's images, in each lane, lane_bytes apart
};

// A value of a step: a view into a storage.
struct PlanOperand {
    int storage = -1;
    int64_t first = 0;  // elements from the start of the storage
    Shape shape;
    int64_t pitch = 1;
};

struct PlanStep {
    OpPtr op;
    std::string name;
    std::vector<PlanOperand> inputs;
    PlanOperand output;
    std::optional<Preparation> preparation;
    const float* prepared = nullptr;  // of a constant; else made before each run, in prepared_storage
    int prepared_storage = -1;
    size_t scratch_bytes = 0;
    std::string algorithm;
    Cost cost;
    std::vector<bool> by_image;  // the inputs that go with the output, image by image; empty: the batch is not cut
};

// Steps [begin, end) go through the batch in blocks: a thread takes a block through all of them before it takes the
// next, so that what a step writes is still in its cache when the next reads it, and no thread waits for another in
// between. batch = 0: each step does its whole batch at once, with all threads.
struct PlanSection {
    int begin = 0, end = 0;
    int64_t batch = 0, block = 0;  // images; the last block may be smaller
    int64_t lane_bytes = 0;        // arena of one thread

    // Whether a block has only its images of this input, and not all of it (filters, one image for all).
    bool cuts(const PlanStep& step, size_t input) const { return batch > 0 && step.by_image[input]; }
    // Whether nothing outside the section touches it.
    bool contains(const PlanStorage& storage) const { return storage.first_step >= begin && storage.last_step < end; }
};

struct Plan {
    struct Input {
        std::string name;
        Shape shape;
    };
    std::vector<Input> inputs;   // in order of creation in the graph
    std::vector<Shape> outputs;  // as asked for
    std::vector<PlanStorage> storages;
    std::vector<PlanStep> steps;
    std::vector<PlanSection> sections;  // all steps, in order
    int lanes = 0;                      // threads that take blocks
    size_t arena_bytes = 0;             // exactly what run() uses, scratch included
    size_t scratch_bytes = 0;           // the part of it at the end that steps use as scratch

    int input(const std::string& name) const;  // Error when there is none
    Cost cost() const;
    // One line per step: what, shape, where, algorithm; a line before each section in blocks; then the bytes.
    std::string print() const;
};

// Plans for the store's stream (device and thread count). The plan refers to memory of the store: the store must
// outlive it.
Plan make_plan(const Graph& graph, const std::vector<NodeId>& outputs, ConstantStore& constants,
               RewriteOptions options = {});

}  // namespace limpid
