// Order and augmentation.
#include "nets/train/dataset.h"

#include <algorithm>
#include <numeric>

#include "nets/world/draws.h"
#include "nets/world/world.h"

namespace limpid {

namespace {

enum DrawPurpose : uint32_t { kOrder = 21, kAugment = 22 };  // RandomKey::purpose

}  // namespace

Dataset world_dataset(uint64_t seed, int64_t size) {
    Dataset data;
    data.name = concat("world, seed ", seed, ", size ", size);
    data.labels.assign(kPatternNames.begin(), kPatternNames.end());
    data.height = data.width = size;
    data.load = [seed](int64_t index, MutView image) {
        paint_world(seed, uint32_t(index), image);
        return pattern_of(seed, uint32_t(index));
    };
    for (int pattern = 0; pattern < kPatterns; pattern++) data.mirrored.push_back(mirrored_pattern(pattern));
    return data;
}

std::string to_string(const Augmentation& a) {
    return concat(a.flip ? "flip, " : "", "shift ", a.shift, ", colour ", a.colour);
}

Loader::Loader(Dataset data, Augmentation augmentation, uint64_t seed)
    : data_(std::move(data)), augmentation_(augmentation), seed_(seed) {}

int64_t Loader::picture_of(int64_t sample) {
    if (data_.size == 0) return sample;
    if (const int64_t epoch = sample / data_.size; epoch != epoch_) {
        epoch_ = epoch;
        order_.resize(size_t(data_.size));
        std::iota(order_.begin(), order_.end(), 0);
        for (int64_t i = data_.size - 1; i > 0; i--) {
            const PhiloxBlock block = random_block({seed_, uint32_t(epoch), 0, kOrder}, uint32_t(i));
            const uint64_t word = (uint64_t(block.x[0]) << 32) | block.x[1];
            std::swap(order_[size_t(i)], order_[size_t(word % uint64_t(i + 1))]);
        }
    }
    return order_[size_t(sample % data_.size)];
}

void Loader::augment(int64_t sample, MutView image, MutView scratch, int& label) const {
    Draws draws({seed_, uint32_t(sample), uint32_t(sample >> 32), kAugment});
    const Augmentation& a = augmentation_;
    const int64_t h = image.shape.h, w = image.shape.w;
    const bool flip = a.flip && draws.chance(0.5f);
    const int range = int(2 * a.shift + 1);
    const int64_t dx = draws.below(range) - a.shift, dy = draws.below(range) - a.shift;
    const float part = float(a.colour), gain = 1 + draws.between(-part, part), offset = draws.between(-part, part) / 2;
    float scale[3];
    for (float& s : scale) s = gain * (1 + draws.between(-part, part) / 2);
    for (int64_t y = 0; y < h; y++)
        for (int64_t x = 0; x < w; x++) {
            const int64_t from_y = std::clamp<int64_t>(y + dy, 0, h - 1), moved = std::clamp<int64_t>(x + dx, 0, w - 1);
            const float* from = image.pixel(0, from_y, flip ? w - 1 - moved : moved);
            for (int64_t c = 0; c < 3; c++)
                scratch.at(0, y, x, c) = std::clamp((from[c] - 0.5f) * scale[c] + 0.5f + offset, 0.0f, 1.0f);
        }
    std::copy_n(scratch.data, scratch.shape.size(), image.data);
    if (flip && !data_.mirrored.empty()) label = data_.mirrored[size_t(label)];
}

void Loader::load(int64_t first, Batch& batch, ThreadPool& threads, const Stop& stop) {
    const int64_t count = batch.images.shape.n;
    batch.classes.resize(size_t(count));
    std::vector<int64_t> pictures;
    for (int64_t i = 0; i < count; i++) pictures.push_back(picture_of(first + i));
    const bool changes = !(augmentation_ == Augmentation{});
    HostTensor scratch(changes ? Shape{threads.size(), data_.height, data_.width, 3} : Shape{0, 0, 0, 0});
    threads.run(count, [&](int64_t i, int worker) {
        stop.check();
        const MutView image = batch.images.view().image(i);
        int& label = batch.classes[size_t(i)];
        label = data_.load(pictures[size_t(i)], image);
        if (changes) augment(first + i, image, scratch.view().image(worker), label);
    });
}

}  // namespace limpid
