// A request is gathered lane by lane: the k-th time that a thread passes an instruction in a block belongs to the k-th
// request of its warp there.
#include "tests/simt/profile.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <unordered_map>

#include "tests/simt/scheduler.h"

namespace simt {

namespace {

// An instruction: its return address; or, of an emulated one, its line and what it does.
using Instruction = std::pair<uintptr_t, unsigned>;
struct Key {
    Instruction instruction;
    uint32_t warp, occurrence;
    bool operator==(const Key&) const = default;
};
struct KeyHash {
    size_t operator()(const Key& key) const {
        return (key.instruction.first + key.instruction.second) * 0x9E3779B97F4A7C15ull ^
               (size_t(key.occurrence) << 20) ^ key.warp;
    }
};
struct Request {
    Origin origin;
    uintptr_t address[32];
    uint32_t lanes = 0;
    int bytes = 0;
    bool writes = false, shared = false;
};

struct Total {
    Origin origin;
    ProfileRow row;
};

std::unordered_map<Key, Request, KeyHash> g_requests;  // of the running block
std::unordered_map<Key, uint32_t, KeyHash> g_passes;   // per thread (in `warp`) and instruction
std::map<std::pair<std::string, Instruction>, Total> g_totals;

size_t count_distinct(std::vector<uintptr_t>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values.size();
}

void add_global(const Request& request, ProfileRow& row) {
    std::vector<uintptr_t> sectors, words;
    for (int lane = 0; lane < 32; lane++) {
        if (!(request.lanes >> lane & 1)) continue;
        const uintptr_t begin = request.address[lane], end = begin + uintptr_t(request.bytes);
        for (uintptr_t sector = begin / 32; sector * 32 < end; sector++) sectors.push_back(sector);
        for (uintptr_t word = begin / 4; word * 4 < end; word++) words.push_back(word);
    }
    row.cost += count_distinct(sectors);
    row.ideal += (count_distinct(words) * 4 + 31) / 32;
}

// 32 banks of 4 bytes. Accesses of 8 (16) bytes are served half (a quarter) of a warp at a time; lanes that read the
// same word share it.
void add_shared(const Request& request, ProfileRow& row) {
    const int phases = request.bytes == 16 ? 4 : request.bytes == 8 ? 2 : 1, lanes = 32 / phases;
    for (int phase = 0; phase < phases; phase++) {
        std::vector<uintptr_t> words;
        for (int lane = phase * lanes; lane < (phase + 1) * lanes; lane++) {
            if (!(request.lanes >> lane & 1)) continue;
            for (int byte = 0; byte < std::max(request.bytes, 4); byte += 4)
                words.push_back((request.address[lane] + uintptr_t(byte)) / 4);
        }
        if (count_distinct(words) == 0) continue;
        int in_bank[32] = {};
        for (const uintptr_t word : words) in_bank[word % 32]++;
        row.cost += uint64_t(*std::max_element(in_bank, in_bank + 32));
        row.ideal++;
    }
}

}  // namespace

void profile_access(uintptr_t address, size_t bytes, bool writes, bool shared, const Origin& origin) {
    const Multiprocessor& m = *running();
    const unsigned kind = unsigned(bytes) * 4 + shared * 2 + writes;
    const Instruction instruction{origin.pc, origin.pc ? 0 : origin.place.line() << 8 | kind};
    const uint32_t occurrence = g_passes[{instruction, m.current, 0}]++;
    Request& request = g_requests[{instruction, m.current / 32, occurrence}];
    request.origin = origin;
    request.address[m.current % 32] = address;
    request.lanes |= 1u << (m.current % 32);
    request.bytes = int(bytes);
    request.writes = writes;
    request.shared = shared;
}

void profile_end_block() {
    for (const auto& [key, request] : g_requests) {
        Total& total = g_totals[{running()->grid->name, key.instruction}];
        total.origin = request.origin;
        total.row.kernel = running()->grid->name;
        total.row.shared = request.shared;
        total.row.writes = request.writes;
        total.row.bytes = request.bytes;
        total.row.requests++;
        if (request.shared)
            add_shared(request, total.row);
        else
            add_global(request, total.row);
    }
    g_requests.clear();
    g_passes.clear();
}

std::vector<ProfileRow> take_profile() {
    std::vector<uintptr_t> addresses;
    for (const auto& [key, total] : g_totals) addresses.push_back(total.origin.pc);
    find_source_lines(addresses);
    std::vector<ProfileRow> rows;
    for (auto& [key, total] : g_totals) {
        total.row.where = source_line(total.origin);
        const auto same = std::find_if(rows.begin(), rows.end(), [&](const ProfileRow& row) {
            return row.kernel == total.row.kernel && row.where == total.row.where && row.shared == total.row.shared &&
                   row.writes == total.row.writes && row.bytes == total.row.bytes;
        });
        if (same == rows.end()) {
            rows.push_back(total.row);
        } else {  // an unrolled loop
            same->requests += total.row.requests;
            same->cost += total.row.cost;
            same->ideal += total.row.ideal;
        }
    }
    g_totals.clear();
    return rows;
}

void print_profile(const std::vector<ProfileRow>& rows) {
    std::printf("%-28s %-28s %-13s %5s %10s %12s %6s\n", "kernel", "where", "access", "bytes", "requests",
                "cost/request", "ideal");
    for (const ProfileRow& row : rows)
        std::printf("%-28s %-28s %-6s %-6s %5d %10llu %12.2f %6.2f%s\n", row.kernel.c_str(), row.where.c_str(),
                    row.shared ? "shared" : "global", row.writes ? "write" : "read", row.bytes,
                    static_cast<unsigned long long>(row.requests), double(row.cost) / double(row.requests),
                    double(row.ideal) / double(row.requests), row.excess() > 1.01 ? "  <--" : "");
}

}  // namespace simt
