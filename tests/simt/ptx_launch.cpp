// Finds the kernel that a launch names, packs its parameters as PTX lays them out, and runs it thread by thread.
#include <algorithm>
#include <memory>

#include "tests/simt/memory.h"
#include "tests/simt/ptx.h"
#include "tests/simt/simt.h"

namespace simt::ptx {

namespace {

struct Call {
    const Function* function;
    std::vector<unsigned char> parameters;
};

// Registers of a thread, kept for the next one: allocating them anew would take longer than many kernels run.
std::vector<std::unique_ptr<std::vector<uint64_t>>> g_free_registers;

void run_thread(const void* arguments) {
    const Call& call = *static_cast<const Call*>(arguments);
    const Function& function = *call.function;
    std::unique_ptr<std::vector<uint64_t>> registers;
    if (g_free_registers.empty()) {
        registers = std::make_unique<std::vector<uint64_t>>();
    } else {
        registers = std::move(g_free_registers.back());
        g_free_registers.pop_back();
    }
    *registers = function.initial_registers;
    const uint32_t special[] = {threadIdx.x, threadIdx.y, threadIdx.z,     blockIdx.x, blockIdx.y,
                                blockIdx.z,  blockDim.x,  blockDim.y,      blockDim.z, gridDim.x,
                                gridDim.y,   gridDim.z,   uint32_t(lane())};
    static_assert(std::size(special) == std::size(kSpecialRegisters));
    std::copy(std::begin(special), std::end(special), registers->begin());

    Machine machine{registers->data(), call.parameters.data(), reinterpret_cast<char*>(smem), 0};
    const Instruction* code = function.code.data();
    const size_t end = function.code.size();
    while (machine.next < end) {
        const Instruction& instruction = code[machine.next++];
        if (instruction.guard >= 0 && (machine.registers[instruction.guard] != 0) == instruction.guard_negated)
            continue;
        instruction.execute(machine, instruction);
    }
    g_free_registers.push_back(std::move(registers));
}

// All functions of options().ptx_files.
const std::map<std::string, Function>& functions() {
    static std::map<std::string, Function> all;
    static size_t read = 0;
    for (; read < options().ptx_files.size(); read++) all.merge(parse_file(options().ptx_files[read]));
    return all;
}

}  // namespace

bool prepare(const cudaLaunchConfig_t& config, const KernelCall& call, PreparedGrid& prepared) {
    if (options().ptx_files.empty()) return false;
    const char* name = nullptr;
    if (kernel_name(&name, call.kernel) != cudaSuccess) {
        error("PTX: a kernel has no name to look for; it must have external linkage, and the program -rdynamic");
        return false;
    }
    const auto found = functions().find(name);
    if (found == functions().end()) {
        error("PTX: no kernel %s in the given files", name);
        return false;
    }
    const Function& function = found->second;
    for (const std::string& problem : function.problems)
        error("PTX: %s: the interpreter lacks %s", name, problem.c_str());
    if (int(function.parameters.size()) != call.argument_count)
        error("PTX: %s takes %zu parameters, the launch gives %d", name, function.parameters.size(),
              call.argument_count);
    const dim3 block = config.blockDim;
    if (function.most_threads && block.x * block.y * block.z > function.most_threads)
        error("PTX: %s is compiled for %u threads, the launch has %u", name, function.most_threads,
              block.x * block.y * block.z);
    if (!function.problems.empty() || int(function.parameters.size()) != call.argument_count) return false;

    auto packed = std::make_shared<Call>();
    packed->function = &function;
    for (size_t i = 0; i < function.parameters.size(); i++) {
        const Parameter& parameter = function.parameters[i];
        packed->parameters.resize(parameter.offset + parameter.bytes);
        std::memcpy(packed->parameters.data() + parameter.offset,
                    static_cast<const char*>(call.arguments) + call.offsets[i], parameter.bytes);
    }
    prepared.grid.call = run_thread;
    prepared.grid.arguments = packed.get();
    prepared.grid.argument_bytes = sizeof(Call);
    prepared.grid.dynamic_shared_bytes += function.shared_bytes;
    prepared.arguments = packed;
    return true;
}

}  // namespace simt::ptx
