// One element after another.
#include "tests/onnx_vectors/placed_tensor.h"

#include "kernels/error.h"

namespace limpid::testing {
namespace {

// visit(place {n,h,w,c}, index into the tensor) for every element.
template <class Visit>
void for_each_element(const Placement& view, const Visit& visit) {
    const Dimensions shape = view.shape();
    std::array<int64_t, 4> at{};
    for (at[0] = 0; at[0] < view.sizes[0]; at[0]++)
        for (at[1] = 0; at[1] < view.sizes[1]; at[1]++)
            for (at[2] = 0; at[2] < view.sizes[2]; at[2]++)
                for (at[3] = 0; at[3] < view.sizes[3]; at[3]++) {
                    int64_t index = 0;
                    for (size_t axis = 0; axis < shape.size(); axis++)
                        index = index * shape[axis] + index_along(view, axis, at);
                    visit(at, size_t(index));
                }
}

}  // namespace

HostTensor to_layer(const ImportTensor& tensor, const Placement& view) {
    CHECK(tensor.shape == view.shape());
    const std::vector<float> values = tensor.reals();
    const auto [n, h, w, c] = view.sizes;
    HostTensor layer({n, h, w, c});
    for_each_element(view, [&](const std::array<int64_t, 4>& at, size_t index) {
        layer.at(at[0], at[1], at[2], at[3]) = values[index];
    });
    return layer;
}

std::vector<double> from_layer(const HostTensor& layer, const Placement& view) {
    const auto [n, h, w, c] = view.sizes;
    CHECK(layer.shape == (Shape{n, h, w, c}));
    std::vector<double> values(size_t(element_count(view.shape())));
    CHECK(int64_t(values.size()) == layer.shape.size());
    for_each_element(view, [&](const std::array<int64_t, 4>& at, size_t index) {
        values[index] = layer.at(at[0], at[1], at[2], at[3]);
    });
    return values;
}

}  // namespace limpid::testing
