// One record per four bytes of memory: who wrote and who read it last, and when. Two accesses are in order when they
// are by one thread, on different sides of a __syncthreads, of one warp on different sides of a __syncwarp, or both
// atomic. Shuffles order nothing, as in CUDA.
#include "tests/simt/checker.h"

#include <link.h>
#include <sys/mman.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/simt/memory.h"
#include "tests/simt/profile.h"
#include "tests/simt/scheduler.h"
#include "tests/simt/simt.h"

// Provided by the linker: where the program's own code and data lie.
extern "C" char __executable_start, end;

namespace simt {

namespace {

constexpr uint32_t kNobody = 0;  // blocks are stored plus one

struct Cell {
    uint32_t owner;  // the launch (global memory) or the serial number of the block (shared memory) of these records
    uint32_t write_block, read_block;
    uint32_t write_barrier, read_barrier;
    uint16_t write_thread, read_thread;
    uint16_t write_warp_epoch, read_warp_epoch;
    uint8_t write_bytes, read_bytes;  // which of the four bytes
    uint8_t initialised, flags;
};
static_assert(sizeof(Cell) == 32);
enum CellFlag : uint8_t {
    kAllocated = 1,
    kAtomicWrite = 2,
    kSeveralReaders = 4,  // threads, in the barrier epoch of the last read
    kSeveralReadingWarps = 8,
    kSeveralReadingBlocks = 16,
};
constexpr size_t kCellBytes = 4;

Cell* g_global_cells = nullptr;
std::vector<Cell> g_shared_cells;
size_t g_shared_offset = 0, g_shared_bytes = 0;  // the thread-local segment, from its begin to threadIdx; its size
bool g_active = false;

struct Finding {
    std::string text;
    Origin origin;
};
std::vector<Finding> g_findings;
std::set<std::tuple<uint32_t, uintptr_t, unsigned, const char*>> g_seen;  // launch, pc, line, format

__attribute__((format(printf, 2, 3))) void find(const Origin& origin, const char* format, ...) {
    if (!g_seen.emplace(running()->launch, origin.pc, origin.place.line(), format).second) return;
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    g_findings.push_back({text, origin});
}

// The segment of thread-local variables of this program holds all shared memory.
void find_shared_memory() {
    if (g_shared_bytes) return;
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void*) {
            for (int i = 0; i < info->dlpi_phnum; i++) {
                if (info->dlpi_phdr[i].p_type != PT_TLS || !info->dlpi_tls_data) continue;
                const uintptr_t begin = uintptr_t(info->dlpi_tls_data), here = uintptr_t(&threadIdx);
                if (here < begin || here >= begin + info->dlpi_phdr[i].p_memsz) continue;
                g_shared_offset = here - begin;
                g_shared_bytes = info->dlpi_phdr[i].p_memsz;
            }
            return 0;
        },
        nullptr);
    g_shared_cells.resize(g_shared_bytes / kCellBytes + 2);
}

void allocate_cells() {
    if (g_global_cells) return;
    void* memory = mmap(nullptr, kArenaBytes / kCellBytes * sizeof(Cell), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) std::abort();
    g_global_cells = static_cast<Cell*>(memory);
}

// The bytes [begin, end) that lie in the cell with this number.
uint8_t bytes_in_cell(uintptr_t cell, uintptr_t begin, uintptr_t end) {
    const uintptr_t first = cell * kCellBytes;
    const unsigned low = begin > first ? unsigned(begin - first) : 0;
    const unsigned high = end < first + kCellBytes ? unsigned(end - first) : kCellBytes;
    return uint8_t((1u << high) - (1u << low));
}

template <class F>
void for_cells(const void* address, size_t bytes, F change) {
    const uintptr_t begin = uintptr_t(address) - arena_begin();
    for (uintptr_t cell = begin / kCellBytes; cell * kCellBytes < begin + bytes; cell++)
        change(g_global_cells[cell], bytes_in_cell(cell, begin, begin + bytes));
}

bool is_builtin_variable(uintptr_t address) {
    return address - uintptr_t(&threadIdx) < sizeof threadIdx || address - uintptr_t(&blockIdx) < sizeof blockIdx ||
           address - uintptr_t(&blockDim) < sizeof blockDim || address - uintptr_t(&gridDim) < sizeof gridDim;
}

struct Visit {
    const Origin& origin;
    bool shared, writes, reads, atomic;
    uint32_t block, thread, barrier;
    uint16_t warp_epoch;
    const char* what;  // "shared write"
};

void check_races(const Cell& cell, uint8_t bytes, const Visit& v) {
    const unsigned block = v.block - 1, warp = v.thread / 32;
    if (cell.write_block != kNobody && (cell.write_bytes & bytes) && !(v.atomic && (cell.flags & kAtomicWrite))) {
        if (cell.write_block != v.block)
            find(v.origin, "race between blocks: %s by thread %u of block %u, written in the same launch by block %u",
                 v.what, v.thread, block, cell.write_block - 1);
        else if (cell.write_thread != v.thread && cell.write_barrier == v.barrier &&
                 (cell.write_thread / 32u != warp || cell.write_warp_epoch == v.warp_epoch))
            find(v.origin, "race: %s by thread %u, written by thread %u with no barrier between (block %u)", v.what,
                 v.thread, cell.write_thread, block);
    }
    if (!v.writes || cell.read_block == kNobody || !(cell.read_bytes & bytes)) return;
    if ((cell.flags & kSeveralReadingBlocks) || cell.read_block != v.block)
        find(v.origin, "race between blocks: %s by thread %u of block %u, read in the same launch by block %u", v.what,
             v.thread, block, cell.read_block - 1);
    else if (cell.read_barrier == v.barrier && ((cell.flags & kSeveralReaders) || cell.read_thread != v.thread) &&
             ((cell.flags & kSeveralReadingWarps) || cell.read_thread / 32u != warp ||
              cell.read_warp_epoch == v.warp_epoch))
        find(v.origin, "race: %s by thread %u, read by thread %u with no barrier between (block %u)", v.what, v.thread,
             cell.read_thread, block);
}

void record_write(Cell& cell, uint8_t bytes, const Visit& v) {
    const bool same = cell.write_block == v.block && cell.write_thread == v.thread && cell.write_barrier == v.barrier;
    cell.write_bytes = same ? cell.write_bytes | bytes : bytes;
    cell.write_block = v.block;
    cell.write_thread = uint16_t(v.thread);
    cell.write_barrier = v.barrier;
    cell.write_warp_epoch = v.warp_epoch;
    cell.initialised |= bytes;
    cell.flags = uint8_t((cell.flags & ~kAtomicWrite) | (v.atomic ? kAtomicWrite : 0));
}

void record_read(Cell& cell, uint8_t bytes, const Visit& v) {
    if (cell.read_block != kNobody && cell.read_block != v.block) cell.flags |= kSeveralReadingBlocks;
    const bool same_epoch = cell.read_block == v.block && cell.read_barrier == v.barrier;
    const bool same_warp = cell.read_thread / 32u == v.thread / 32u;
    if (!same_epoch) {
        cell.flags &= uint8_t(~(kSeveralReaders | kSeveralReadingWarps));
        cell.read_bytes = 0;
    } else if (!same_warp) {
        cell.flags |= kSeveralReaders | kSeveralReadingWarps;
    } else if (cell.read_thread != v.thread) {
        // After a __syncwarp, what the warp read before is in order with all that the warp does.
        const bool only_older = cell.read_warp_epoch != v.warp_epoch && !(cell.flags & kSeveralReadingWarps);
        cell.flags = uint8_t(only_older ? cell.flags & ~kSeveralReaders : cell.flags | kSeveralReaders);
    }
    cell.read_bytes |= bytes;
    cell.read_block = v.block;
    cell.read_thread = uint16_t(v.thread);
    cell.read_barrier = v.barrier;
    cell.read_warp_epoch = v.warp_epoch;
}

// What a GPU answers with "an illegal memory access was encountered" or "misaligned address".
[[noreturn]] void stop(const Origin& origin, const char* problem, const char* what, size_t bytes, uintptr_t address) {
    find(origin, "%s %s of %zu bytes at %#zx by %s", problem, what, bytes, size_t(address),
         describe_thread(running()->current).c_str());
    abandon_grid();
}

}  // namespace

void checker_begin_block() {
    if (!options().check) return;
    find_shared_memory();
    allocate_cells();
    g_active = true;
}

void checker_end_grid() {
    g_active = false;
    for (const Finding& finding : std::exchange(g_findings, {}))
        error("%s, at %s", finding.text.c_str(), source_line(finding.origin).c_str());
    g_seen.clear();
}

void checker_allocated(const void* address, size_t bytes) {
    if (!options().check) return;
    allocate_cells();
    for_cells(address, bytes, [](Cell& cell, uint8_t) { cell = Cell{}, cell.flags = kAllocated; });
}
void checker_freed(const void* address, size_t bytes) {
    if (!options().check) return;
    for_cells(address, bytes, [](Cell& cell, uint8_t) { cell = {}; });
}
void checker_host_wrote(const void* address, size_t bytes) {
    if (!options().check) return;
    for_cells(address, bytes, [](Cell& cell, uint8_t mask) { cell.initialised |= mask; });
}

void checker_access(uintptr_t address, size_t bytes, Access access, const Origin& origin) {
    if (!g_active || !running()) return;
    const Multiprocessor& m = *running();
    const uintptr_t shared_begin = uintptr_t(&threadIdx) - g_shared_offset, global_begin = arena_begin();
    const bool global = address - global_begin < kArenaBytes;
    const bool shared = address - shared_begin < g_shared_bytes;
    const bool writes = access != Access::read;
    if (!global && !shared) {
        const uintptr_t stack = uintptr_t(m.threads[m.current].stack);
        if (address - stack < kStackBytes) return;  // local variables
        if (address - uintptr_t(m.grid->arguments) < m.grid->argument_bytes) return;
        if (address >= uintptr_t(&__executable_start) && address < uintptr_t(&end)) return;  // constants
        stop(origin, address < 65536 ? "null-pointer" : "host-memory", writes ? "write" : "read", bytes, address);
    }
    if (shared && is_builtin_variable(address)) return;
    counts().accesses++;
    const char* what = shared ? (writes ? "shared write" : "shared read") : (writes ? "global write" : "global read");
    // Vectors are accessed with one instruction, which needs their alignment; so does a 16-byte access of the host.
    if (bytes <= 16 && address % bytes != 0) stop(origin, "misaligned", what, bytes, address);
    const uintptr_t dynamic = address - uintptr_t(smem);
    if (shared && dynamic < kDynamicSharedBytes && dynamic + bytes > m.grid->dynamic_shared_bytes)
        stop(origin, "out-of-bounds dynamic", what, bytes, address);
    if (options().profile && access != Access::atomic) profile_access(address, bytes, writes, shared, origin);

    const uint32_t owner = shared ? m.serial : m.launch;
    const uintptr_t offset = address - (shared ? shared_begin : global_begin);
    Cell* cells = shared ? g_shared_cells.data() : g_global_cells;
    const Visit visit{origin,      shared,    writes,          access != Access::write,       access == Access::atomic,
                      m.block + 1, m.current, m.barrier_epoch, m.warps[m.current / 32].epoch, what};
    for (uintptr_t i = offset / kCellBytes; i * kCellBytes < offset + bytes; i++) {
        Cell& cell = cells[i];
        const uint8_t mask = bytes_in_cell(i, offset, offset + bytes);
        if (cell.owner != owner) {
            // Records of an earlier launch mean nothing now; shared memory does not outlive its block.
            Cell fresh{};
            fresh.owner = owner;
            if (global) fresh.initialised = cell.initialised, fresh.flags = cell.flags & kAllocated;
            cell = fresh;
        }
        if (global && !(cell.flags & kAllocated)) stop(origin, "out-of-bounds", what, bytes, address);
        if (visit.reads && (cell.initialised & mask) != mask)
            find(origin, "read of uninitialised %s memory by %s", shared ? "shared" : "global",
                 describe_thread(m.current).c_str());
        check_races(cell, mask, visit);
        if (writes)
            record_write(cell, mask, visit);
        else
            record_read(cell, mask, visit);
    }
}

void note_read(const void* address, size_t bytes, Place place) {
    checker_access(uintptr_t(address), bytes, Access::read, {0, place});
}
void note_write(void* address, size_t bytes, Place place) {
    checker_access(uintptr_t(address), bytes, Access::write, {0, place});
}
void note_atomic(void* address, size_t bytes, Place place) {
    checker_access(uintptr_t(address), bytes, Access::atomic, {0, place});
}

}  // namespace simt
