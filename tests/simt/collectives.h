// What threads of a warp or a block do together, and copies behind the compiler's back. Everything of a warp rests on
// one primitive, collective(): each lane deposits a pointer to its data, the last to arrive computes for all.
#pragma once

#include <bit>
#include <cstddef>
#include <type_traits>

#include "tests/simt/language.h"

// Compiled into kernel files, but its accesses are not those of a kernel: the checker must not see them.
#define SIMT_UNCHECKED __attribute__((no_sanitize("thread")))

namespace simt {

// A line of source; as a default argument, that of the caller. Not std::source_location, which nobody else may make:
// the PTX interpreter takes lines from nvcc.
class Place {
  public:
    constexpr Place() = default;
    constexpr Place(const char* file, unsigned line) : file_(file), line_(line) {}
    static constexpr Place current(const char* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
        return {file, line};
    }
    constexpr const char* file_name() const { return file_; }
    constexpr unsigned line() const { return line_; }

  private:
    const char* file_ = "";
    unsigned line_ = 0;
};

// `lanes[i]` is what lane i deposited; only lanes named in `mask` are valid.
using Combine = void (*)(void** lanes, unsigned mask);
// Waits for all lanes in `mask`. Only __syncwarp orders memory, as in CUDA.
void collective(unsigned mask, void* mine, Combine combine, const char* what, Place place);
void sync_warp(unsigned mask, Place place);
// Waits for the block; returns for how many threads the predicate held.
int sync_block(bool predicate, Place place);

int lane();

// Accesses that instrumented code cannot show: those of the primitives below and of the PTX interpreter.
void note_read(const void* address, size_t bytes, Place place);
void note_write(void* address, size_t bytes, Place place);
void note_atomic(void* address, size_t bytes, Place place);

void error(const char* format, ...) __attribute__((format(printf, 1, 2)));

// For kernels/device/ptx.cuh ---------------------------------------------------------------------------------------

// Copies source_bytes from global memory and zeros up to `bytes` (4, 8 or 16).
void cp_async(void* shared, const void* global, int bytes, int source_bytes, Place place = Place::current());
void cp_async_commit();
// Until at most `groups` of the calling thread's groups are unfinished.
void cp_async_wait(int groups);

// d = a b + c of one warp; fragment layouts of the PTX ISA, "Matrix Fragments for mma.m16n8k8" (.tf32).
void mma_m16n8k8_tf32(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2], const float (&c)[4],
                      Place place = Place::current());
// Lane l gives the address of row l % 8 of matrix l / 8: rows of 16 bytes. count is 1, 2 or 4 matrices.
void ldmatrix(unsigned* registers, int count, const void* row, Place place = Place::current());
// The nearest TF32 number (10 bits of mantissa), ties away from zero; infinities and NaNs keep their bits.
inline unsigned cvt_rna_tf32(float value) {
    const unsigned bits = std::bit_cast<unsigned>(value);
    return (bits & 0x7f800000u) == 0x7f800000u ? bits : (bits + 0x1000u) & ~0x1fffu;
}

// Shuffles and votes -------------------------------------------------------------------------------------------------

template <class T>
struct ShuffleLane {
    T in, out;
    int source;  // -1: keeps its own value
};

template <class T>
SIMT_UNCHECKED T shuffle(unsigned mask, T value, int source, const char* what, Place place) {
    static_assert(std::is_trivially_copyable_v<T>);
    ShuffleLane<T> mine{value, value, source};
    collective(
        mask, &mine,
        [](void** lanes, unsigned active) SIMT_UNCHECKED {
            for (int i = 0; i < 32; i++) {
                if (!(active >> i & 1)) continue;
                auto* me = static_cast<ShuffleLane<T>*>(lanes[i]);
                if (me->source < 0) continue;
                if (active >> me->source & 1)
                    me->out = static_cast<ShuffleLane<T>*>(lanes[me->source])->in;
                else
                    error("a shuffle reads lane %d, which mask %08x does not name", me->source, active);
            }
        },
        what, place);
    return mine.out;
}

struct VoteLane {
    bool predicate;
    unsigned ballot;
};
unsigned vote(unsigned mask, bool predicate, const char* what, Place place);

}  // namespace simt

inline void __syncthreads(simt::Place place = simt::Place::current()) { simt::sync_block(false, place); }
inline int __syncthreads_count(int predicate, simt::Place place = simt::Place::current()) {
    return simt::sync_block(predicate != 0, place);
}
inline int __syncthreads_or(int predicate, simt::Place place = simt::Place::current()) {
    return simt::sync_block(predicate != 0, place) > 0;
}
inline int __syncthreads_and(int predicate, simt::Place place = simt::Place::current()) {
    return simt::sync_block(predicate == 0, place) == 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, simt::Place place = simt::Place::current()) {
    simt::sync_warp(mask, place);
}

// Sources follow the PTX ISA, shfl.sync: `width` cuts the warp into segments; a lane whose source lies outside its
// segment keeps its own value.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, simt::Place place = simt::Place::current()) {
    const int segment = simt::lane() & ~(width - 1);
    return simt::shuffle(mask, value, segment | (source & (width - 1)), "__shfl_sync", place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, simt::Place place = simt::Place::current()) {
    const int source = simt::lane() ^ bits;
    const bool above = (source & ~(width - 1)) > (simt::lane() & ~(width - 1));
    return simt::shuffle(mask, value, above ? -1 : source, "__shfl_xor_sync", place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Place place = simt::Place::current()) {
    const int source = simt::lane() + int(delta);
    const bool outside = source >= (simt::lane() & ~(width - 1)) + width;
    return simt::shuffle(mask, value, outside ? -1 : source, "__shfl_down_sync", place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, simt::Place place = simt::Place::current()) {
    const int source = simt::lane() - int(delta);
    const bool outside = source < (simt::lane() & ~(width - 1));
    return simt::shuffle(mask, value, outside ? -1 : source, "__shfl_up_sync", place);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, simt::Place place = simt::Place::current()) {
    return simt::vote(mask, predicate != 0, "__ballot_sync", place);
}
inline int __any_sync(unsigned mask, int predicate, simt::Place place = simt::Place::current()) {
    return simt::vote(mask, predicate != 0, "__any_sync", place) != 0;
}
inline int __all_sync(unsigned mask, int predicate, simt::Place place = simt::Place::current()) {
    return simt::vote(mask, predicate == 0, "__all_sync", place) == 0;
}
