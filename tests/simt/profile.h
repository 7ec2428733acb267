// Counts what memory requests cost, per source line: bank phases of shared memory, 32-byte sectors of global memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/simt/checker.h"

namespace simt {

void profile_access(uintptr_t address, size_t bytes, bool writes, bool shared, const Origin& origin);
void profile_end_block();

// One line of source. A request is one instruction of one warp.
struct ProfileRow {
    std::string kernel, where;  // "pool_cuda.cu:33"
    bool shared = false, writes = false;
    int bytes = 0;  // per lane
    uint64_t requests = 0;
    uint64_t cost = 0, ideal = 0;  // bank phases or sectors: those there were, and those the bytes need at least
    double excess() const { return ideal ? double(cost) / double(ideal) : 1; }
};
// Everything since the last call, by kernel and line.
std::vector<ProfileRow> take_profile();
void print_profile(const std::vector<ProfileRow>& rows);

// Looks up many addresses with one process.
void find_source_lines(const std::vector<uintptr_t>& return_addresses);

}  // namespace simt
