// Runs the PTX that nvcc made of a kernel file, on the emulator's threads. An independent check of what only the device
// compiler sees: inline PTX, code for __CUDA_ARCH__, the layout of parameters.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "tests/simt/collectives.h"
#include "tests/simt/launch.h"

namespace simt::ptx {

struct Instruction;

// One thread. Constants and special registers (%tid.x) lie among the registers.
struct Machine {
    uint64_t* registers;
    const unsigned char* parameters;
    char* shared;  // where the shared state space begins
    size_t next;   // instruction

    template <class T>
    T get(int number) const {
        T value;
        std::memcpy(&value, &registers[number], sizeof value);
        return value;
    }
    template <class T>
    void set(int number, T value) {
        static_assert(sizeof value <= sizeof registers[number]);
        registers[number] = 0;
        std::memcpy(&registers[number], &value, sizeof value);
    }
};
using Execute = void (*)(Machine&, const Instruction&);

constexpr int kMostRegisters = 14;  // of mma: four, four, two and four

struct Instruction {
    Execute execute = nullptr;
    int guard = -1;  // predicate, or -1
    bool guard_negated = false;
    // All registers in order of writing; {a, b} and a|b give two, [a+4] gives a.
    int r[kMostRegisters] = {};
    int count = 0;
    int in_first = 1;    // how many of them belong to the first operand
    int64_t offset = 0;  // of a memory operand
    size_t target = 0;   // of a branch
    Place place;
};

struct Parameter {
    size_t offset, bytes;
};

struct Function {
    std::vector<Instruction> code;
    std::vector<uint64_t> initial_registers;  // constants have their values
    std::vector<Parameter> parameters;
    size_t shared_bytes = 0;            // static
    unsigned most_threads = 0;          // .maxntid; 0: any
    std::vector<std::string> problems;  // what the interpreter lacks, by name
};

// Special registers come first among a function's registers.
constexpr const char* kSpecialRegisters[] = {"%tid.x",    "%tid.y",    "%tid.z",  "%ctaid.x", "%ctaid.y",
                                             "%ctaid.z",  "%ntid.x",   "%ntid.y", "%ntid.z",  "%nctaid.x",
                                             "%nctaid.y", "%nctaid.z", "%laneid"};

// Mangled name -> function. Throws std::runtime_error when the file cannot be read.
std::map<std::string, Function> parse_file(const std::string& path);

// The function of an opcode, without modifiers that change nothing here; null when the interpreter lacks it.
Execute find_opcode(const std::string& opcode);
using Opcodes = std::unordered_map<std::string, Execute>;
void add_arithmetic(Opcodes& opcodes);
void add_conversions(Opcodes& opcodes);
void add_memory(Opcodes& opcodes);

// "add.s32" etc. of everything in the files that the interpreter lacks, each with the kernel that uses it.
std::vector<std::string> missing_opcodes(const std::vector<std::string>& paths);

// Makes a grid that interprets the kernel, when options().ptx_files are given. False: run the C++. A kernel that
// cannot be interpreted is an error report and a failed launch.
bool prepare(const cudaLaunchConfig_t& config, const KernelCall& call, PreparedGrid& prepared);

}  // namespace simt::ptx
