// Each form is made at its first use.
#include "graph/constants.h"

#include <algorithm>

#include "kernels/error.h"

namespace limpid {

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
    Buffer& buffer = prepared_[{constant, preparation.key}];
    if (!buffer.data() && preparation.floats > 0) {
        buffer = Buffer(stream_->device(), size_t(preparation.floats) * sizeof(float));
        preparation.prepare(*stream_, stream_->backend().kernels, view(constant), buffer.floats());
        size_bytes_ += buffer.size_bytes();
    }
    return buffer.floats();
}

ConstantStore::Constant ConstantStore::joined(const std::vector<Constant>& parts) {
    Constant& result = joined_[parts];
    if (result) return result;
    Shape shape = parts[0]->shape;
    shape.c = 0;
    for (const Constant& part : parts) {
        CHECK(part->shape.pixels() == shape.pixels());
        shape.c += part->shape.c;
    }
    HostTensor all(shape);
    int64_t first = 0;
    for (const Constant& part : parts) {
        const int64_t width = part->shape.c;
        for (int64_t row = 0; row < shape.pixels(); row++)
            std::copy_n(part->values.begin() + row * width, width, all.values.begin() + row * shape.c + first);
        first += width;
    }
    result = std::make_shared<const HostTensor>(std::move(all));
    return result;
}

}  // namespace limpid
