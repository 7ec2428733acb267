// What ptxas made of the kernels, read from its output without NVIDIA's disassembler: a cubin is an ELF file with a
// section of code per kernel.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace simt {

struct CompiledKernel {
    std::string name;  // readable: "conv2d_pipelined<Tile<64,32,8,4,6>,1>"
    int architecture = 0;
    int registers = 0;
    int shared_bytes = 0;                // static; the reader of a cubin adds what launches ask for
    int stack_bytes = 0;                 // local memory: spilled registers, arrays with computed indices
    int most_threads = 0;                // __launch_bounds__
    std::map<std::string, int> opcodes;  // those of kOpcodes

    int count(const std::string& opcode) const {
        const auto found = opcodes.find(opcode);
        return found == opcodes.end() ? 0 : found->second;
    }
    // Warps that a multiprocessor holds at once, of 64, as registers, threads and shared memory allow.
    int resident_warps() const;
};

// Throws std::runtime_error when the file is not a cubin. `architecture` is the 90 of sm_90.
std::vector<CompiledKernel> read_cubin(const std::string& path, int architecture);

}  // namespace simt
