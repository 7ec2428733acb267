// ELF64 sections, and the attributes of NVIDIA's in them. Numbers found by comparing with `ptxas -v`.
#include "tests/simt/cubin/cubin.h"

#include <cxxabi.h>
#include <elf.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace simt {

namespace {

// The lower 12 bits of each 16-byte instruction of sm_70 and later; operands from constants or immediates differ.
struct Opcode {
    unsigned bits;
    const char* name;
};
constexpr Opcode kOpcodes[] = {
    {0x223, "FFMA"}, {0x423, "FFMA"}, {0x823, "FFMA"}, {0xa23, "FFMA"},   {0x23c, "HMMA"},
    {0x983, "LDL"},  {0x387, "STL"},  {0x987, "STL"},  {0xfae, "LDGSTS"},
};

// Attributes of .nv.info: a byte of format, a byte of kind, two of size, then the value.
constexpr uint8_t kSizedFormat = 4, kRegisterCount = 0x2f, kFrameSize = 0x11, kMaxThreads = 0x05;
constexpr int kInstructionBytes = 16;
// From sm_90 on, .nv.shared contains what the system keeps for itself.
constexpr int kReservedSharedBytes = 1024;

struct Section {
    std::string name;
    const char* data;
    size_t bytes;
    uint32_t type, link;
};

class Elf {
  public:
    explicit Elf(const std::string& path) {
        std::ifstream file(path, std::ios::binary);
        content_.assign(std::istreambuf_iterator<char>(file), {});
        Elf64_Ehdr header;
        if (content_.size() < sizeof header || content_.compare(0, SELFMAG, ELFMAG) != 0)
            throw std::runtime_error(path + ": not a cubin");
        std::memcpy(&header, content_.data(), sizeof header);
        std::vector<Elf64_Shdr> headers(header.e_shnum);
        std::memcpy(headers.data(), content_.data() + header.e_shoff, headers.size() * sizeof(Elf64_Shdr));
        const char* names = content_.data() + headers[header.e_shstrndx].sh_offset;
        for (const Elf64_Shdr& h : headers)
            sections.push_back(
                {names + h.sh_name, content_.data() + h.sh_offset, size_t(h.sh_size), h.sh_type, h.sh_link});
        for (const Section& section : sections) {
            if (section.type != SHT_SYMTAB) continue;
            for (size_t at = 0; at + sizeof(Elf64_Sym) <= section.bytes; at += sizeof(Elf64_Sym)) {
                Elf64_Sym symbol;
                std::memcpy(&symbol, section.data + at, sizeof symbol);
                symbols.push_back(sections[section.link].data + symbol.st_name);
            }
        }
    }
    std::vector<Section> sections;
    std::vector<std::string> symbols;

  private:
    std::string content_;
};

// Calls use(kind, words) for each attribute.
template <class F>
void for_attributes(const Section& section, F use) {
    for (size_t at = 0; at + 4 <= section.bytes;) {
        const uint8_t format = uint8_t(section.data[at]), kind = uint8_t(section.data[at + 1]);
        uint16_t size;
        std::memcpy(&size, section.data + at + 2, sizeof size);
        at += 4;
        if (format != kSizedFormat) continue;
        std::vector<uint32_t> words(size / 4u);
        std::memcpy(words.data(), section.data + at, words.size() * 4);
        use(kind, words);
        at += size;
    }
}

// "void limpid::simt_fast::pool<4>(int, float*)" -> "pool<4>"
std::string readable(const std::string& mangled) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(mangled.c_str(), nullptr, nullptr, &status),
                                                      std::free);
    std::string name = status == 0 ? text.get() : mangled;
    for (const std::string part : {"limpid::", "simt_fast::", "void ", " "})
        for (size_t at; (at = name.find(part)) != name.npos;) name.erase(at, part.size());
    int depth = 0;
    for (size_t i = 0; i < name.size(); i++) {
        depth += (name[i] == '<') - (name[i] == '>');
        // A cast among template arguments, (Arithmetic)1, is no parameter list.
        if (name[i] == '(' && depth == 0) return name.substr(0, i);
    }
    return name;
}

}  // namespace

int CompiledKernel::resident_warps() const {
    // CUDA occupancy calculator, compute capabilities 8.0 and 9.0.
    constexpr int kRegisters = 65536, kRegisterUnit = 256, kWarpUnit = 4, kWarps = 64, kBlocks = 32;
    const int shared_per_multiprocessor = architecture >= 90 ? 233472 : 167936;
    const int warps = std::max(1, (most_threads + 31) / 32);
    const int registers_per_warp = (registers * 32 + kRegisterUnit - 1) / kRegisterUnit * kRegisterUnit;
    const int by_registers = kRegisters / std::max(registers_per_warp, 1) / kWarpUnit * kWarpUnit / warps;
    const int by_shared = shared_per_multiprocessor / (shared_bytes + kReservedSharedBytes);
    return std::min({by_registers, by_shared, kWarps / warps, kBlocks}) * warps;
}

std::vector<CompiledKernel> read_cubin(const std::string& path, int architecture) {
    const Elf elf(path);
    std::map<std::string, CompiledKernel> kernels;
    const auto suffix = [](const std::string& name, const std::string& prefix) {
        return name.starts_with(prefix) ? name.substr(prefix.size()) : "";
    };
    for (const Section& section : elf.sections) {
        const std::string name = suffix(section.name, ".text.");
        if (name.empty()) continue;
        CompiledKernel& kernel = kernels[name];
        kernel.name = readable(name);
        kernel.architecture = architecture;
        for (size_t at = 0; at + kInstructionBytes <= section.bytes; at += kInstructionBytes) {
            uint64_t word;
            std::memcpy(&word, section.data + at, sizeof word);
            for (const Opcode& opcode : kOpcodes)
                if (opcode.bits == (word & 0xfff)) kernel.opcodes[opcode.name]++;
        }
    }
    for (const Section& section : elf.sections) {
        if (const auto found = kernels.find(suffix(section.name, ".nv.shared.")); found != kernels.end())
            found->second.shared_bytes = int(section.bytes) - (architecture >= 90 ? kReservedSharedBytes : 0);
        if (const auto found = kernels.find(suffix(section.name, ".nv.info.")); found != kernels.end())
            for_attributes(section, [&](uint8_t kind, const std::vector<uint32_t>& words) {
                if (kind == kMaxThreads && words.size() == 3)
                    found->second.most_threads = int(words[0] * words[1] * words[2]);
            });
        if (section.name != ".nv.info") continue;
        for_attributes(section, [&](uint8_t kind, const std::vector<uint32_t>& words) {
            if (words.size() != 2 || words[0] >= elf.symbols.size()) return;
            const auto found = kernels.find(elf.symbols[words[0]]);
            if (found == kernels.end()) return;
            if (kind == kRegisterCount) found->second.registers = int(words[1]);
            if (kind == kFrameSize) found->second.stack_bytes = int(words[1]);
        });
    }
    std::vector<CompiledKernel> result;
    for (const auto& [name, kernel] : kernels) result.push_back(kernel);
    return result;
}

}  // namespace simt
