// From return addresses to lines of kernel files, with addr2line.
#include <dlfcn.h>

#include <array>
#include <cstdio>
#include <map>
#include <sstream>

#include "tests/simt/checker.h"
#include "tests/simt/profile.h"
#include "tests/simt/scheduler.h"

namespace simt {

namespace {

std::map<uintptr_t, std::string> g_lines;

std::string run(const std::string& command) {
    std::string output;
    if (FILE* pipe = popen(command.c_str(), "r")) {
        std::array<char, 4096> part;
        while (const size_t read = fread(part.data(), 1, part.size(), pipe)) output.append(part.data(), read);
        pclose(pipe);
    }
    return output;
}

// "/path/kernels/pool/pool_cuda.cu:33 (discriminator 2)" -> "pool_cuda.cu:33"
std::string short_name(std::string line) {
    line = line.substr(0, line.find(" ("));
    return line.substr(line.rfind('/') + 1);
}

// addr2line -i prints the innermost inlined function first. Wrappers of the device layer and of the emulator are not
// what one looks for.
bool is_wrapper(const std::string& line) {
    return line.find("/kernels/device/") != line.npos || line.find("/tests/simt/") != line.npos;
}

}  // namespace

void find_source_lines(const std::vector<uintptr_t>& return_addresses) {
    std::vector<uintptr_t> unknown;
    for (const uintptr_t pc : return_addresses)
        if (pc && !g_lines.count(pc)) unknown.push_back(pc);
    if (unknown.empty()) return;
    Dl_info module{};
    if (!dladdr(reinterpret_cast<void*>(unknown[0]), &module)) return;
    // -a prints each address before its lines, which tells them apart.
    std::ostringstream command;
    command << "addr2line -a -i -e " << module.dli_fname << std::hex;
    // A return address follows its call: one byte back lies inside.
    for (const uintptr_t pc : unknown) command << " 0x" << pc - 1 - uintptr_t(module.dli_fbase);
    std::istringstream lines(run(command.str() + " 2>/dev/null"));
    size_t index = size_t(-1);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("0x")) {
            index++;
            continue;
        }
        if (index >= unknown.size()) break;
        std::string& best = g_lines[unknown[index]];
        if (best.empty() || is_wrapper(best)) best = line;
    }
    for (const uintptr_t pc : unknown) {
        std::string& line = g_lines[pc];
        line = line.empty() ? "?" : short_name(line);
    }
}

std::string source_line(const Origin& origin) {
    if (!origin.pc) return describe(origin.place);
    find_source_lines({origin.pc});
    return g_lines[origin.pc];
}

}  // namespace simt
