// Work that was queued and not yet done.
#pragma once

#include <mutex>

#include "tests/simt/runtime_api.h"

namespace simt {

// One mutex for the whole device: host threads may call the runtime at once, the device works for one.
std::recursive_mutex& device_mutex();
void finish_all_streams();

// Remembers a failure for cudaGetLastError() and returns it.
cudaError_t set_device_error(cudaError_t error);
// Forgets it, and the failure of an asynchronous kernel, which otherwise every later call returns, as on a GPU.
void clear_device_error();

}  // namespace simt
