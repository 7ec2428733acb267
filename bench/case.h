// What is timed: one call of a kernel over a row of bench/shapes, what it must do, and the libraries that can do it
// too.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peers.h"
#include "kernels/backend.h"
#include "kernels/tensor.h"

namespace limpid {

// A call that can be repeated, and where its result lies. Holds its own memory.
struct Prepared {
    std::function<void()> run;
    MutView result;
    std::string label;  // the algorithm, or why there is nothing to run
};

// The same by a library, on one kind of device.
struct PeerCase {
    std::string name;
    DeviceKind kind;
    std::function<Prepared(Stream&)> prepare;
};

struct Case {
    std::string name;
    double operations = 0, bytes = 0;  // of the direct algorithm; every byte once
    std::function<Prepared(Stream&, const KernelTable&)> prepare;
    std::vector<PeerCase> peers = {};
    int launches = 1;          // on a GPU
    bool has_methods = false;  // a GPU has it on every step of its staircase
    // Partial sums of blocks that share the depth: written once and read once, by one launch more. May be empty.
    std::function<size_t(const KernelTable&)> partial_bytes = nullptr;
};

// holder keeps alive what the peer works on.
template <class Holder>
Prepared prepared_peer(const Peer& peer, const std::shared_ptr<Holder>& holder, MutView result,
                       const std::string& label) {
    if (!peer.run) return Prepared{nullptr, {}, peer.missing};
    return Prepared{[holder, run = peer.run] { run(); }, result, label};
}

double bytes_of(std::initializer_list<Shape> shapes);

// Convolutions, those of whole networks, matrix products; precision is what peers are asked for.
void add_products(std::vector<Case>& cases, Precision precision);
// Kernels that only memory limits.
void add_memory_bound(std::vector<Case>& cases);

}  // namespace limpid
