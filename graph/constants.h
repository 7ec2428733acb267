// The constants of one device: uploaded once, prepared once (packed filters, tables), derived from each other once, and
// shared by every plan.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "graph/op.h"
#include "kernels/buffer.h"

namespace limpid {

// Constants are told apart by identity (the shared_ptr), not by value. Not thread-safe: one store per stream.
class ConstantStore {
  public:
    using Constant = std::shared_ptr<const HostTensor>;

    explicit ConstantStore(Stream& stream) : stream_(&stream) {}

    Stream& stream() const { return *stream_; }
    // Device memory of a constant; on the CPU the host tensor itself.
    ConstView view(const Constant& constant);
    const float* prepared(const Constant& constant, const Preparation& preparation);
    // What `make` makes of other constants: made once for the same `how` and the same constants, which are never null.
    Constant derived(const std::string& how, const std::vector<Constant>& from,
                     const std::function<HostTensor()>& make);
    size_t size_bytes() const { return size_bytes_; }

  private:
    float* take(int64_t floats);

    Stream* stream_;
    std::set<Constant> held_;  // read where they are: plans outlive the graphs that made them
    std::map<Constant, DeviceTensor> uploaded_;
    std::map<std::pair<Constant, std::string>, const float*> prepared_;
    std::vector<Buffer> slabs_;   // that prepared_ points into
    size_t slab_used_bytes_ = 0;  // of the last slab
    std::map<std::pair<std::string, std::vector<Constant>>, Constant> derived_;
    size_t size_bytes_ = 0;
};

}  // namespace limpid
