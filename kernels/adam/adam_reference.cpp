// The oracle of Adam as a kernel of the reference device. The state between steps is float, as on every device.
#include "kernels/adam/adam_oracle.h"
#include "kernels/reference/reference.h"

namespace limpid::reference {

void install(AdamKernels&);

namespace {

void step(Stream&, const AdamParameters& parameters, const float* rate, int64_t count, const float* g, float* theta,
          float* m, float* v) {
    const Shape shape{1, 1, 1, count};
    const DoubleTensor wide_g = widen({g, shape});
    DoubleTensor wide_theta = widen(ConstView(theta, shape)), wide_m = widen(ConstView(m, shape)),
                 wide_v = widen(ConstView(v, shape));
    oracle::adam_step(parameters, *rate, count, wide_g.values.data(), wide_theta.values.data(), wide_m.values.data(),
                      wide_v.values.data());
    narrow(wide_theta, {theta, shape});
    narrow(wide_m, {m, shape});
    narrow(wide_v, {v, shape});
}

}  // namespace

void install(AdamKernels& table) { table.step = step; }

}  // namespace limpid::reference
