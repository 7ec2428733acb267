// A launch that was checked and packed, waiting in a stream.
#pragma once

#include <memory>

#include "tests/simt/runtime_api.h"
#include "tests/simt/scheduler.h"

namespace simt {

struct PreparedGrid {
    Grid grid;
    std::shared_ptr<void> arguments;  // owns what grid.arguments points to
};
cudaError_t queue_grid(cudaStream_t stream, std::shared_ptr<const PreparedGrid> prepared);

}  // namespace simt
