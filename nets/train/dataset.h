// Labelled pictures to train on, and how batches are made of them: order, augmentation, targets.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/cpu/thread_pool.h"
#include "kernels/stop.h"
#include "kernels/tensor.h"

namespace limpid {

struct Dataset {
    std::string name;
    std::vector<std::string> labels;  // by class
    int64_t height = 0, width = 0;
    int64_t size = 0;  // pictures; 0: endless, every index is a new one
    // Writes picture `index` into image {1,h,w,3}, RGB in [0,1], and answers its class. Called from many threads at
    // once; must not throw.
    std::function<int(int64_t index, MutView image)> load;
    std::vector<int> mirrored;  // the class of the mirror image of each class; empty: the same
};

// The procedural world of nets/world/, in pictures of size x size. Patterns have their size in pixels: smaller pictures
// show less of them.
Dataset world_dataset(uint64_t seed, int64_t size);

// Random changes of the pictures of a batch.
struct Augmentation {
    bool flip = false;  // exchange left and right of every second picture
    int64_t shift = 0;  // move by up to this many pixels each way; what comes in repeats the border
    double colour = 0;  // brightness, contrast and each channel by up to this part
    bool operator==(const Augmentation&) const = default;
};
std::string to_string(const Augmentation& augmentation);

struct Batch {
    HostTensor images;  // {n,h,w,3}
    std::vector<int> classes;
};

// Makes batches as a function of (seed, first sample): sample t is picture t of an endless set; of another, picture
// t % size of epoch t / size, each epoch in an order of its own.
class Loader {
  public:
    Loader(Dataset data, Augmentation augmentation, uint64_t seed);
    const Dataset& data() const { return data_; }
    // Samples [first, first + batch.images.shape.n). The same whatever the number of threads.
    void load(int64_t first, Batch& batch, ThreadPool& threads, const Stop& stop = {});

  private:
    int64_t picture_of(int64_t sample);
    void augment(int64_t sample, MutView image, MutView scratch, int& label) const;

    Dataset data_;
    Augmentation augmentation_;
    uint64_t seed_;
    int64_t epoch_ = -1;
    std::vector<int64_t> order_;  // of epoch_
};

}  // namespace limpid
