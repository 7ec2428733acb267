// Opcodes that touch memory or other threads, and those that steer.
#include <cmath>

#include "tests/simt/ptx.h"
#include "tests/simt/scheduler.h"

namespace simt::ptx {

namespace {

enum class Space { parameter, shared, global };

template <Space kSpace>
char* address(const Machine& m, int number, int64_t offset) {
    const int64_t value = int64_t(m.registers[number]) + offset;
    if (kSpace == Space::parameter) return const_cast<char*>(reinterpret_cast<const char*>(m.parameters)) + value;
    return kSpace == Space::shared ? m.shared + value : reinterpret_cast<char*>(value);
}

// A signed value fills its register with its sign, however wide that is: ld.shared.s32 may name a 64-bit register.
template <class T>
void set_extended(Machine& m, int number, T value) {
    if constexpr (std::is_integral_v<T> && std::is_signed_v<T>)
        m.set<int64_t>(number, value);
    else
        m.set<T>(number, value);
}

template <Space kSpace, class T>
void load(Machine& m, const Instruction& i) {
    const int values = i.count - 1;
    const char* from = address<kSpace>(m, i.r[values], i.offset);
    if (kSpace != Space::parameter) note_read(from, size_t(values) * sizeof(T), i.place);
    T value[4];
    std::memcpy(value, from, size_t(values) * sizeof(T));
    for (int k = 0; k < values; k++) set_extended<T>(m, i.r[k], value[k]);
}
template <Space kSpace, class T>
void store(Machine& m, const Instruction& i) {
    const int values = i.count - 1;
    char* to = address<kSpace>(m, i.r[0], i.offset);
    note_write(to, size_t(values) * sizeof(T), i.place);
    T value[4];
    for (int k = 0; k < values; k++) value[k] = m.get<T>(i.r[1 + k]);
    std::memcpy(to, value, size_t(values) * sizeof(T));
}

template <class T>
void add_loads(Opcodes& o, const std::string& type) {
    for (const char* vector : {"", "v2.", "v4."}) {
        o["ld.param." + (vector + type)] = load<Space::parameter, T>;
        o["ld.shared." + (vector + type)] = load<Space::shared, T>;
        o["ld.global." + (vector + type)] = load<Space::global, T>;
        o["ld." + (vector + type)] = load<Space::global, T>;
        o["st.shared." + (vector + type)] = store<Space::shared, T>;
        o["st.global." + (vector + type)] = store<Space::global, T>;
        o["st." + (vector + type)] = store<Space::global, T>;
        o["st.global.cs." + (vector + type)] = store<Space::global, T>;
        o["ld.global.cs." + (vector + type)] = load<Space::global, T>;
    }
}

// mov also packs {a, b} into a wide register and takes it apart.
template <class T>
void move(Machine& m, const Instruction& i) {
    if (i.count == 2) return m.set<T>(i.r[0], m.get<T>(i.r[1]));
    const int parts = i.count - 1;
    const unsigned bits = unsigned(sizeof(T) * 8 / size_t(parts));
    const uint64_t ones = (uint64_t(1) << bits) - 1;
    if (i.in_first > 1) {
        for (int k = 0; k < parts; k++) m.set<uint64_t>(i.r[k], m.registers[i.r[parts]] >> (unsigned(k) * bits) & ones);
    } else {
        uint64_t value = 0;
        for (int k = 0; k < parts; k++) value |= (m.registers[i.r[1 + k]] & ones) << (unsigned(k) * bits);
        m.set<uint64_t>(i.r[0], value);
    }
}

template <bool kToGeneric>
void convert_shared_address(Machine& m, const Instruction& i) {
    const uint64_t begin = uint64_t(m.shared), value = m.registers[i.r[1]];
    m.set<uint64_t>(i.r[0], kToGeneric ? value + begin : value - begin);
}

template <class T, class F>
T update(char* where, Place place, F next) {
    note_atomic(where, sizeof(T), place);
    T old;
    std::memcpy(&old, where, sizeof old);
    const T value = next(old);
    std::memcpy(where, &value, sizeof value);
    return old;
}
// atom d, [a], b (, c) and red [a], b.
template <Space kSpace, class T, auto F>
void atom(Machine& m, const Instruction& i) {
    const T b = m.get<T>(i.r[2]), c = i.count > 3 ? m.get<T>(i.r[3]) : T();
    m.set<T>(i.r[0], update<T>(address<kSpace>(m, i.r[1], i.offset), i.place, [=](T old) { return F(old, b, c); }));
}
template <Space kSpace, class T, auto F>
void reduce(Machine& m, const Instruction& i) {
    const T b = m.get<T>(i.r[1]);
    update<T>(address<kSpace>(m, i.r[0], i.offset), i.place, [=](T old) { return F(old, b, T()); });
}
template <class T, auto F>
void add_atom(Opcodes& o, const std::string& operation) {
    o["atom.global." + operation] = o["atom." + operation] = atom<Space::global, T, F>;
    o["atom.shared." + operation] = atom<Space::shared, T, F>;
    o["red.global." + operation] = o["red." + operation] = reduce<Space::global, T, F>;
    o["red.shared." + operation] = reduce<Space::shared, T, F>;
}
template <class T>
void add_atoms(Opcodes& o, const std::string& type, const std::string& bits) {
    add_atom<T, [](T old, T b, T) { return T(old + b); }>(o, "add." + type);
    add_atom<T, [](T old, T b, T) { return b < old ? b : old; }>(o, "min." + type);
    add_atom<T, [](T old, T b, T) { return old < b ? b : old; }>(o, "max." + type);
    add_atom<T, [](T old, T b, T c) { return old == b ? c : old; }>(o, "cas." + bits);
    add_atom<T, [](T, T b, T) { return b; }>(o, "exch." + bits);
    if constexpr (std::is_integral_v<T>) {
        add_atom<T, [](T old, T b, T) { return T(old & b); }>(o, "and." + bits);
        add_atom<T, [](T old, T b, T) { return T(old | b); }>(o, "or." + bits);
        add_atom<T, [](T old, T b, T) { return T(old ^ b); }>(o, "xor." + bits);
    }
}

// shfl d(|p), a, b, c, mask: c holds the segment mask (bits 8..12) and the clamp (bits 0..4). PTX ISA, shfl.sync.
enum class Shuffle { up, down, bfly, idx };
template <Shuffle kKind>
void shuffle_lanes(Machine& m, const Instruction& i) {
    const int d = i.in_first;  // 2 with a predicate
    const int b = int(m.get<uint32_t>(i.r[d + 1]) & 31);
    const uint32_t control = m.get<uint32_t>(i.r[d + 2]);
    const int clamp = int(control & 31), segment = int(control >> 8 & 31), me = lane();
    const int last = (me & segment) | (clamp & ~segment), first = me & segment;
    int source = 0;
    bool inside = false;
    switch (kKind) {
        case Shuffle::up:
            source = me - b, inside = source >= last;
            break;
        case Shuffle::down:
            source = me + b, inside = source <= last;
            break;
        case Shuffle::bfly:
            source = me ^ b, inside = source <= last;
            break;
        case Shuffle::idx:
            source = first | (b & ~segment), inside = source <= last;
            break;
    }
    const unsigned mask = m.get<uint32_t>(i.r[d + 3]);
    const uint32_t value =
        simt::shuffle<uint32_t>(mask, m.get<uint32_t>(i.r[d]), inside ? source : -1, "shfl.sync", i.place);
    m.set<uint32_t>(i.r[0], value);
    if (d == 2) m.set<uint8_t>(i.r[1], inside);
}

// vote.sync d, p, mask; the predicate may be negated, which nvcc does not write.
enum class Vote { ballot, any, all };
template <Vote kKind>
void vote_lanes(Machine& m, const Instruction& i) {
    const bool predicate = m.get<uint8_t>(i.r[1]) != 0;
    const unsigned mask = m.get<uint32_t>(i.r[2]);
    const unsigned ballot = vote(mask, kKind == Vote::all ? !predicate : predicate, "vote.sync", i.place);
    if (kKind == Vote::ballot)
        m.set<uint32_t>(i.r[0], ballot);
    else
        m.set<uint8_t>(i.r[0], (ballot != 0) == (kKind == Vote::any));
}

// bar.red.op d, barrier, p.
void barrier_count(Machine& m, const Instruction& i) {
    m.set<uint32_t>(i.r[0], uint32_t(sync_block(m.get<uint8_t>(i.r[2]) != 0, i.place)));
}
void barrier_or(Machine& m, const Instruction& i) {
    m.set<uint8_t>(i.r[0], sync_block(m.get<uint8_t>(i.r[2]) != 0, i.place) > 0);
}
void barrier_and(Machine& m, const Instruction& i) {
    m.set<uint8_t>(i.r[0], sync_block(m.get<uint8_t>(i.r[2]) == 0, i.place) == 0);
}

// cp.async [shared], [global], bytes (, source bytes).
void copy_async(Machine& m, const Instruction& i) {
    const int bytes = m.get<int32_t>(i.r[2]);
    cp_async(address<Space::shared>(m, i.r[0], 0), reinterpret_cast<const void*>(m.registers[i.r[1]]), bytes,
             i.count > 3 ? m.get<int32_t>(i.r[3]) : bytes, i.place);
}

void mma_tf32(Machine& m, const Instruction& i) {
    float d[4], c[4];
    unsigned a[4], b[2];
    for (int k = 0; k < 4; k++) a[k] = m.get<uint32_t>(i.r[4 + k]), c[k] = m.get<float>(i.r[10 + k]);
    for (int k = 0; k < 2; k++) b[k] = m.get<uint32_t>(i.r[8 + k]);
    mma_m16n8k8_tf32(d, a, b, c, i.place);
    for (int k = 0; k < 4; k++) m.set<float>(i.r[k], d[k]);
}

void load_matrix(Machine& m, const Instruction& i) {
    const int matrices = i.count - 1;
    unsigned values[4];
    ldmatrix(values, matrices, address<Space::shared>(m, i.r[matrices], i.offset), i.place);
    for (int k = 0; k < matrices; k++) m.set<uint32_t>(i.r[k], values[k]);
}

void nothing(Machine&, const Instruction&) {}

}  // namespace

void add_memory(Opcodes& o) {
    add_loads<int8_t>(o, "s8"), add_loads<uint8_t>(o, "u8"), add_loads<uint8_t>(o, "b8");
    add_loads<int16_t>(o, "s16"), add_loads<uint16_t>(o, "u16"), add_loads<uint16_t>(o, "b16");
    add_loads<int32_t>(o, "s32"), add_loads<uint32_t>(o, "u32"), add_loads<uint32_t>(o, "b32");
    add_loads<int64_t>(o, "s64"), add_loads<uint64_t>(o, "u64"), add_loads<uint64_t>(o, "b64");
    add_loads<float>(o, "f32"), add_loads<double>(o, "f64");

    o["mov.pred"] = move<uint8_t>;
    for (const char* type : {"b16", "s16", "u16"}) o[std::string("mov.") + type] = move<uint16_t>;
    for (const char* type : {"b32", "s32", "u32", "f32"}) o[std::string("mov.") + type] = move<uint32_t>;
    for (const char* type : {"b64", "s64", "u64", "f64"}) o[std::string("mov.") + type] = move<uint64_t>;
    for (const char* name : {"cvta.to.global.u64", "cvta.global.u64"}) o[name] = move<uint64_t>;
    o["cvta.shared.u64"] = convert_shared_address<true>;
    o["cvta.to.shared.u64"] = convert_shared_address<false>;

    add_atoms<int32_t>(o, "s32", "s32"), add_atoms<uint32_t>(o, "u32", "b32");
    add_atoms<int64_t>(o, "s64", "s64"), add_atoms<uint64_t>(o, "u64", "b64");
    add_atom<float, [](float old, float b, float) { return old + b; }>(o, "add.f32");
    add_atom<double, [](double old, double b, double) { return old + b; }>(o, "add.f64");

    o["shfl.sync.up.b32"] = shuffle_lanes<Shuffle::up>;
    o["shfl.sync.down.b32"] = shuffle_lanes<Shuffle::down>;
    o["shfl.sync.bfly.b32"] = shuffle_lanes<Shuffle::bfly>;
    o["shfl.sync.idx.b32"] = shuffle_lanes<Shuffle::idx>;
    o["vote.sync.ballot.b32"] = vote_lanes<Vote::ballot>;
    o["vote.sync.any.pred"] = vote_lanes<Vote::any>;
    o["vote.sync.all.pred"] = vote_lanes<Vote::all>;

    for (const char* name : {"bar.sync", "barrier.sync"})
        o[name] = [](Machine&, const Instruction& i) { sync_block(false, i.place); };
    for (const char* name : {"bar.red.", "barrier.red."}) {
        o[std::string(name) + "popc.u32"] = barrier_count;
        o[std::string(name) + "or.pred"] = barrier_or;
        o[std::string(name) + "and.pred"] = barrier_and;
    }
    o["bar.warp.sync"] = [](Machine& m, const Instruction& i) { sync_warp(m.get<uint32_t>(i.r[0]), i.place); };
    for (const char* name : {"membar", "membar.gl", "fence.sc", "fence.acq_rel"}) o[name] = nothing;

    o["cp.async.shared.global"] = copy_async;
    o["cp.async.commit_group"] = [](Machine&, const Instruction&) { cp_async_commit(); };
    o["cp.async.wait_group"] = [](Machine& m, const Instruction& i) { cp_async_wait(m.get<int32_t>(i.r[0])); };
    o["mma.sync.m16n8k8.f32.tf32.tf32.f32"] = mma_tf32;
    for (const char* count : {"x1", "x2", "x4"})
        o[std::string("ldmatrix.sync.m8n8.") + count + ".shared.b16"] = load_matrix;

    o["bra"] = [](Machine& m, const Instruction& i) { m.next = i.target; };
    o["ret"] = o["exit"] = [](Machine& m, const Instruction&) { m.next = ~size_t(0); };
    o["trap"] = [](Machine&, const Instruction& i) {
        error("trap at %s by %s", describe(i.place).c_str(), describe_thread(running()->current).c_str());
        abandon_grid();
    };
}

}  // namespace simt::ptx
