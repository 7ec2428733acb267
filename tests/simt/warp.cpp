// Warp-wide instructions on top of collective(), and asynchronous copies.
#include <cstring>
#include <utility>

#include "tests/simt/scheduler.h"
#include "tests/simt/simt.h"

namespace simt {

namespace {

void perform(const PendingCopy& copy) {
    if (copy.source_bytes > 0) note_read(copy.from, size_t(copy.source_bytes), copy.place);
    note_write(copy.to, size_t(copy.bytes), copy.place);
    std::memcpy(copy.to, copy.from, size_t(copy.source_bytes));
    std::memset(static_cast<char*>(copy.to) + copy.source_bytes, 0, size_t(copy.bytes - copy.source_bytes));
}

bool aligned(const void* address, int bytes) { return reinterpret_cast<uintptr_t>(address) % uintptr_t(bytes) == 0; }

struct MmaLane {
    float* d;
    const unsigned *a, *b;
    const float* c;
};

// The unit reads the upper 19 bits of its operands. It adds in an order of its own; here, in order of depth.
void multiply_tile(void** lanes, unsigned mask) {
    if (mask != 0xffffffffu) return error("mma.sync is called by a part of a warp (%08x)", mask);
    const auto number = [](unsigned bits) { return std::bit_cast<float>(bits & ~0x1fffu); };
    float left[16][8], right[8][8];
    for (int lane = 0; lane < 32; lane++) {
        const auto& from = *static_cast<MmaLane*>(lanes[lane]);
        const int group = lane / 4, part = lane % 4;
        for (int i = 0; i < 4; i++) left[group + i % 2 * 8][part + i / 2 * 4] = number(from.a[i]);
        for (int i = 0; i < 2; i++) right[part + i * 4][group] = number(from.b[i]);
    }
    float product[16][8] = {};
    for (int row = 0; row < 16; row++)
        for (int k = 0; k < 8; k++)
            for (int column = 0; column < 8; column++) product[row][column] += left[row][k] * right[k][column];
    for (int lane = 0; lane < 32; lane++) {
        const auto& to = *static_cast<MmaLane*>(lanes[lane]);
        for (int i = 0; i < 4; i++) to.d[i] = product[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2] + to.c[i];
    }
}

struct LdmatrixLane {
    unsigned* registers;
    int count;
    const char* row;
};

void load_matrices(void** lanes, unsigned mask) {
    if (mask != 0xffffffffu) return error("ldmatrix is called by a part of a warp (%08x)", mask);
    for (int lane = 0; lane < 32; lane++) {
        const auto& to = *static_cast<LdmatrixLane*>(lanes[lane]);
        for (int matrix = 0; matrix < to.count; matrix++) {
            const auto& from = *static_cast<LdmatrixLane*>(lanes[matrix * 8 + lane / 4]);
            std::memcpy(&to.registers[matrix], from.row + lane % 4 * 4, 4);
        }
    }
}

}  // namespace

void sync_warp(unsigned mask, Place place) {
    collective(
        mask, nullptr, [](void**, unsigned) { running()->warp().epoch++; }, "__syncwarp", place);
}

unsigned vote(unsigned mask, bool predicate, const char* what, Place place) {
    VoteLane mine{predicate, 0};
    collective(
        mask, &mine,
        [](void** lanes, unsigned active) {
            unsigned ballot = 0;
            for (int i = 0; i < 32; i++)
                if (active >> i & 1) ballot |= unsigned(static_cast<VoteLane*>(lanes[i])->predicate) << i;
            for (int i = 0; i < 32; i++)
                if (active >> i & 1) static_cast<VoteLane*>(lanes[i])->ballot = ballot;
        },
        what, place);
    return mine.ballot;
}

void cp_async(void* shared, const void* global, int bytes, int source_bytes, Place place) {
    if (!aligned(shared, bytes) || (source_bytes > 0 && !aligned(global, bytes)))
        return error("misaligned %d-byte cp.async at %s by %s", bytes, describe(place).c_str(),
                     describe_thread(running()->current).c_str());
    const PendingCopy copy{shared, global, bytes, source_bytes, place};
    running()->thread().open_copies.push_back(copy);
    if (options().async == Async::eager)
        perform(copy);
    else
        std::memset(shared, 0xff, size_t(bytes));  // NaN until it is waited for
}

void cp_async_commit() {
    Thread& thread = running()->thread();
    thread.copy_groups.push_back(std::exchange(thread.open_copies, {}));
}

void cp_async_wait(int groups) {
    Thread& thread = running()->thread();
    while (int(thread.copy_groups.size()) > groups) {
        if (options().async == Async::lazy)
            for (const PendingCopy& copy : thread.copy_groups.front()) perform(copy);
        thread.copy_groups.erase(thread.copy_groups.begin());
    }
}

void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const float (&c)[4], Place place) {
    MmaLane mine{d, a, b, c};
    collective(0xffffffffu, &mine, multiply_tile, "mma.m16n8k8.tf32", place);
}

void ldmatrix(unsigned* registers, int count, const void* row, Place place) {
    if (lane() < count * 8) {  // other lanes' addresses are not used
        if (!aligned(row, 16))
            error("misaligned row of ldmatrix at %s by %s", describe(place).c_str(),
                  describe_thread(running()->current).c_str());
        note_read(row, 16, place);
    }
    LdmatrixLane mine{registers, count, static_cast<const char*>(row)};
    collective(0xffffffffu, &mine, load_matrices, "ldmatrix", place);
}

}  // namespace simt
