// Each form is made at its first use.
#include "graph/constants.h"

#include <algorithm>

#include "kernels/error.h"
#include "kernels/rounding.h"

namespace limpid {

namespace {

// Packed filters of a network are some fifty arrays of up to 5 MB. On a CPU they lie together, so that all of them are
// in huge pages (host_memory.cpp gives those to large buffers): `limpid render mixed4d:100` took
// 3 to 5 % less than with an allocation for each (five runs of both in turns, 128 and 224 px).
constexpr size_t kSlabBytes = size_t(16) << 20;

}  // namespace

ConstView ConstantStore::view(const Constant& constant) {
    if (stream_->device().kind != DeviceKind::cuda) {
        held_.insert(constant);
        return constant->view();
    }
    auto found = uploaded_.find(constant);
    if (found == uploaded_.end()) {
        found = uploaded_.emplace(constant, DeviceTensor(*stream_, *constant)).first;
        size_bytes_ += found->second.buffer.size_bytes();
    }
    return found->second.view();
}

const float* ConstantStore::prepared(const Constant& constant, const Preparation& preparation) {
    const float*& prepared = prepared_[{constant, preparation.key}];
    if (!prepared && preparation.floats > 0) {
        float* made = take(preparation.floats);
        preparation.prepare(*stream_, stream_->backend().kernels, view(constant), made);
        prepared = made;
    }
    return prepared;
}

float* ConstantStore::take(int64_t floats) {
    const size_t bytes = size_t(round_up(floats * int64_t(sizeof(float)), kAlignmentBytes));
    // On a GPU each lies by itself, lest a read beyond the end of one go unseen.
    const size_t slab_bytes = stream_->device().kind == DeviceKind::cuda ? 0 : kSlabBytes;
    if (slabs_.empty() || slabs_.back().size_bytes() - slab_used_bytes_ < bytes) {
        slabs_.emplace_back(stream_->device(), std::max(bytes, slab_bytes));
        slab_used_bytes_ = 0;
    }
    float* taken = slabs_.back().floats() + slab_used_bytes_ / sizeof(float);
    slab_used_bytes_ += bytes;
    size_bytes_ += bytes;
    return taken;
}

ConstantStore::Constant ConstantStore::derived(const std::string& how, const std::vector<Constant>& from,
                                               const std::function<HostTensor()>& make) {
    Constant& result = derived_[{how, from}];
    if (result) return result;
    result = std::make_shared<const HostTensor>(make());
    if (stream_->device().kind != DeviceKind::cuda) size_bytes_ += result->values.size() * sizeof(float);
    return result;
}

}  // namespace limpid
