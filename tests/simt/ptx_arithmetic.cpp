// Opcodes that compute: integers (which wrap: this file is compiled with -fwrapv), floats, bits, predicates.
#include <bit>
#include <cfenv>
#include <cmath>
#include <limits>

#include "tests/simt/ptx.h"

namespace simt::ptx {

namespace {

template <class T, auto F>
void unary(Machine& m, const Instruction& i) {
    m.set<T>(i.r[0], F(m.get<T>(i.r[1])));
}
template <class T, auto F>
void binary(Machine& m, const Instruction& i) {
    m.set<T>(i.r[0], F(m.get<T>(i.r[1]), m.get<T>(i.r[2])));
}
template <class T, auto F>
void ternary(Machine& m, const Instruction& i) {
    m.set<T>(i.r[0], F(m.get<T>(i.r[1]), m.get<T>(i.r[2]), m.get<T>(i.r[3])));
}
template <class Wide, class T>
void multiply_wide(Machine& m, const Instruction& i) {
    m.set<Wide>(i.r[0], Wide(m.get<T>(i.r[1])) * Wide(m.get<T>(i.r[2])));
}
template <class Wide, class T>
void multiply_add_wide(Machine& m, const Instruction& i) {
    m.set<Wide>(i.r[0], Wide(m.get<T>(i.r[1])) * Wide(m.get<T>(i.r[2])) + m.get<Wide>(i.r[3]));
}

// Division by zero gives all ones on a GPU (unspecified by PTX) and a trap here; the smallest integer by -1 wraps.
template <class T>
T divide(T a, T b) {
    if (b == 0) return T(-1);
    return std::is_signed_v<T> && b == T(-1) ? T(-a) : T(a / b);
}
template <class T>
T remainder(T a, T b) {
    if (b == 0) return a;
    return std::is_signed_v<T> && b == T(-1) ? T(0) : T(a % b);
}

template <class T>
void add_integer(Opcodes& o, const std::string& type) {
    o["add." + type] = binary<T, [](T a, T b) { return T(a + b); }>;
    o["sub." + type] = binary<T, [](T a, T b) { return T(a - b); }>;
    o["mul.lo." + type] = binary<T, [](T a, T b) { return T(a * b); }>;
    o["mad.lo." + type] = ternary<T, [](T a, T b, T c) { return T(a * b + c); }>;
    o["div." + type] = binary<T, divide<T>>;
    o["rem." + type] = binary<T, remainder<T>>;
    o["min." + type] = binary<T, [](T a, T b) { return a < b ? a : b; }>;
    o["max." + type] = binary<T, [](T a, T b) { return a < b ? b : a; }>;
    o["neg." + type] = unary<T, [](T a) { return T(-a); }>;
    o["abs." + type] = unary<T, [](T a) { return T(a < T(0) ? -a : a); }>;
    // Shifts by more than the width are defined, unlike in C++.
    constexpr unsigned kBits = sizeof(T) * 8;
    o["shr." + type] = [](Machine& m, const Instruction& i) {
        const unsigned amount = m.get<uint32_t>(i.r[2]);
        const T value = m.get<T>(i.r[1]);
        const T all_shifted_out = value < T(0) ? T(-1) : T(0);
        m.set<T>(i.r[0], amount >= kBits ? all_shifted_out : T(value >> amount));
    };
}

template <class T>
void add_bits(Opcodes& o, const std::string& bits) {
    o["and.b" + bits] = binary<T, [](T a, T b) { return T(a & b); }>;
    o["or.b" + bits] = binary<T, [](T a, T b) { return T(a | b); }>;
    o["xor.b" + bits] = binary<T, [](T a, T b) { return T(a ^ b); }>;
    o["not.b" + bits] = unary<T, [](T a) { return T(~a); }>;
    constexpr unsigned kBits = sizeof(T) * 8;
    o["shl.b" + bits] = [](Machine& m, const Instruction& i) {
        const unsigned amount = m.get<uint32_t>(i.r[2]);
        m.set<T>(i.r[0], amount >= kBits ? T(0) : T(m.get<T>(i.r[1]) << amount));
    };
    o["shr.b" + bits] = [](Machine& m, const Instruction& i) {
        const unsigned amount = m.get<uint32_t>(i.r[2]);
        m.set<T>(i.r[0], amount >= kBits ? T(0) : T(m.get<T>(i.r[1]) >> amount));
    };
    o["popc.b" + bits] = [](Machine& m, const Instruction& i) {
        m.set<uint32_t>(i.r[0], uint32_t(std::popcount(m.get<T>(i.r[1]))));
    };
    o["clz.b" + bits] = [](Machine& m, const Instruction& i) {
        m.set<uint32_t>(i.r[0], uint32_t(std::countl_zero(m.get<T>(i.r[1]))));
    };
    o["brev.b" + bits] = unary<T, [](T a) {
        T result = 0;
        for (unsigned bit = 0; bit < kBits; bit++) result = T(result << 1 | (a >> bit & 1));
        return result;
    }>;
    // bfi d, a, b, position, length: inserts the lower bits of a into b.
    o["bfi.b" + bits] = [](Machine& m, const Instruction& i) {
        const unsigned position = m.get<uint32_t>(i.r[3]) & 0xff, length = m.get<uint32_t>(i.r[4]) & 0xff;
        const T ones = length >= kBits ? T(-1) : T((T(1) << length) - 1);
        const T mask = position >= kBits ? T(0) : T(ones << position);
        const T value = position >= kBits ? T(0) : T(m.get<T>(i.r[1]) << position);
        m.set<T>(i.r[0], T((m.get<T>(i.r[2]) & ~mask) | (value & mask)));
    };
}

template <class T>
bool is_unordered(T a, T b) {
    return a != a || b != b;
}

template <class T, auto F>
void compare(Machine& m, const Instruction& i) {
    m.set<uint8_t>(i.r[0], F(m.get<T>(i.r[1]), m.get<T>(i.r[2])));
}
template <class T, auto F, auto Join>
void compare_and_join(Machine& m, const Instruction& i) {
    m.set<uint8_t>(i.r[0], Join(F(m.get<T>(i.r[1]), m.get<T>(i.r[2])), m.get<uint8_t>(i.r[3]) != 0));
}

template <class T, auto F>
void add_comparison(Opcodes& o, const std::string& name, const std::string& type) {
    o["setp." + name + "." + type] = compare<T, F>;
    o["setp." + name + ".and." + type] = compare_and_join<T, F, [](bool a, bool b) { return a && b; }>;
    o["setp." + name + ".or." + type] = compare_and_join<T, F, [](bool a, bool b) { return a || b; }>;
    o["setp." + name + ".xor." + type] = compare_and_join<T, F, [](bool a, bool b) { return a != b; }>;
}

template <class T>
void add_comparisons(Opcodes& o, const std::string& type) {
    add_comparison<T, [](T a, T b) { return a == b; }>(o, "eq", type);
    add_comparison<T, [](T a, T b) { return a != b && !is_unordered(a, b); }>(o, "ne", type);
    add_comparison<T, [](T a, T b) { return a < b; }>(o, "lt", type);
    add_comparison<T, [](T a, T b) { return a <= b; }>(o, "le", type);
    add_comparison<T, [](T a, T b) { return (a > b); }>(o, "gt", type);
    add_comparison<T, [](T a, T b) { return a >= b; }>(o, "ge", type);
    if constexpr (std::is_floating_point_v<T>) {
        add_comparison<T, [](T a, T b) { return a == b || is_unordered(a, b); }>(o, "equ", type);
        add_comparison<T, [](T a, T b) { return a != b; }>(o, "neu", type);
        add_comparison<T, [](T a, T b) { return !(a >= b); }>(o, "ltu", type);
        add_comparison<T, [](T a, T b) { return !(a > b); }>(o, "leu", type);
        add_comparison<T, [](T a, T b) { return !(a <= b); }>(o, "gtu", type);
        add_comparison<T, [](T a, T b) { return !(a < b); }>(o, "geu", type);
        add_comparison<T, [](T a, T b) { return !is_unordered(a, b); }>(o, "num", type);
        add_comparison<T, [](T a, T b) { return is_unordered(a, b); }>(o, "nan", type);
    }
}

// The one place with another rounding than to nearest. volatile: the compiler must not compute elsewhere.
template <class T, int kMode, auto F>
T rounded(T a, T b, T c) {
    volatile T x = a, y = b, z = c;
    std::fesetround(kMode);
    volatile T result = F(x, y, z);
    std::fesetround(FE_TONEAREST);
    return result;
}
template <class T, int kMode>
void add_rounded(Opcodes& o, const std::string& mode, const std::string& type) {
    o["add." + mode + "." + type] =
        binary<T, [](T a, T b) { return rounded<T, kMode, [](T x, T y, T) { return x + y; }>(a, b, 0); }>;
    o["sub." + mode + "." + type] =
        binary<T, [](T a, T b) { return rounded<T, kMode, [](T x, T y, T) { return x - y; }>(a, b, 0); }>;
    o["mul." + mode + "." + type] =
        binary<T, [](T a, T b) { return rounded<T, kMode, [](T x, T y, T) { return x * y; }>(a, b, 0); }>;
    o["div." + mode + "." + type] =
        binary<T, [](T a, T b) { return rounded<T, kMode, [](T x, T y, T) { return x / y; }>(a, b, 0); }>;
    o["fma." + mode + "." + type] = ternary<T, [](T a, T b, T c) {
        return rounded<T, kMode, [](T x, T y, T z) { return std::fma(x, y, z); }>(a, b, c);
    }>;
}

template <class T>
T saturated(T a) {
    return a > 0 ? (a < 1 ? a : T(1)) : T(0);  // NaN becomes 0
}

template <class T>
void add_floating(Opcodes& o, const std::string& type) {
    o["add." + type] = binary<T, [](T a, T b) { return a + b; }>;
    o["sub." + type] = binary<T, [](T a, T b) { return a - b; }>;
    o["mul." + type] = binary<T, [](T a, T b) { return a * b; }>;
    o["div." + type] = binary<T, [](T a, T b) { return a / b; }>;
    o["fma." + type] = ternary<T, [](T a, T b, T c) { return std::fma(a, b, c); }>;
    o["min." + type] = binary<T, [](T a, T b) { return std::fmin(a, b); }>;
    o["max." + type] = binary<T, [](T a, T b) { return std::fmax(a, b); }>;
    o["neg." + type] = unary<T, [](T a) { return -a; }>;
    o["abs." + type] = unary<T, [](T a) { return std::fabs(a); }>;
    // The first operand gives the sign.
    o["copysign." + type] = binary<T, [](T a, T b) { return std::copysign(b, a); }>;
    o["rcp." + type] = unary<T, [](T a) { return 1 / a; }>;
    o["sqrt." + type] = unary<T, [](T a) { return std::sqrt(a); }>;
    o["rsqrt." + type] = unary<T, [](T a) { return T(1 / std::sqrt(double(a))); }>;
    o["ex2." + type] = unary<T, [](T a) { return std::exp2(a); }>;
    o["lg2." + type] = unary<T, [](T a) { return std::log2(a); }>;
    o["sin." + type] = unary<T, [](T a) { return std::sin(a); }>;
    o["cos." + type] = unary<T, [](T a) { return std::cos(a); }>;
    o["tanh." + type] = unary<T, [](T a) { return std::tanh(a); }>;
    o["add.sat." + type] = binary<T, [](T a, T b) { return saturated(a + b); }>;
    o["mul.sat." + type] = binary<T, [](T a, T b) { return saturated(a * b); }>;
    o["fma.sat." + type] = ternary<T, [](T a, T b, T c) { return saturated(std::fma(a, b, c)); }>;
    add_rounded<T, FE_TOWARDZERO>(o, "rz", type);
    add_rounded<T, FE_DOWNWARD>(o, "rm", type);
    add_rounded<T, FE_UPWARD>(o, "rp", type);
}

template <class T>
void select(Machine& m, const Instruction& i) {
    m.set<T>(i.r[0], m.get<T>(m.get<uint8_t>(i.r[3]) ? i.r[1] : i.r[2]));
}

// prmt: each of four nibbles of the selector chooses one of eight bytes; its high bit repeats the sign.
void permute(Machine& m, const Instruction& i) {
    const uint64_t bytes = uint64_t(m.get<uint32_t>(i.r[2])) << 32 | m.get<uint32_t>(i.r[1]);
    const uint32_t selector = m.get<uint32_t>(i.r[3]);
    uint32_t result = 0;
    for (int k = 0; k < 4; k++) {
        const uint32_t nibble = selector >> (4 * k) & 0xf;
        uint32_t byte = uint32_t(bytes >> (8 * (nibble & 7))) & 0xff;
        if (nibble & 8) byte = byte & 0x80 ? 0xff : 0;
        result |= byte << (8 * k);
    }
    m.set<uint32_t>(i.r[0], result);
}

// lop3: the table's bit number (a b c) is the result, for every bit.
void logic3(Machine& m, const Instruction& i) {
    const uint32_t a = m.get<uint32_t>(i.r[1]), b = m.get<uint32_t>(i.r[2]), c = m.get<uint32_t>(i.r[3]);
    const uint32_t table = m.get<uint32_t>(i.r[4]);
    uint32_t result = 0;
    for (int entry = 0; entry < 8; entry++)
        if (table >> entry & 1) result |= (entry & 4 ? a : ~a) & (entry & 2 ? b : ~b) & (entry & 1 ? c : ~c);
    m.set<uint32_t>(i.r[0], result);
}

// shf: shifts b:a as one number of 64 bits; wrap uses the amount modulo 32, clamp stops at 32.
template <bool kLeft, bool kWrap>
void funnel_shift(Machine& m, const Instruction& i) {
    const uint64_t value = uint64_t(m.get<uint32_t>(i.r[2])) << 32 | m.get<uint32_t>(i.r[1]);
    const uint32_t asked = m.get<uint32_t>(i.r[3]), amount = kWrap ? asked % 32 : asked > 32 ? 32 : asked;
    m.set<uint32_t>(i.r[0], kLeft ? uint32_t(value >> (32 - amount)) : uint32_t(value >> amount));
}

template <class T>
void extract_bits(Machine& m, const Instruction& i) {
    const unsigned position = m.get<uint32_t>(i.r[2]) & 0xff, length = m.get<uint32_t>(i.r[3]) & 0xff;
    constexpr unsigned kBits = sizeof(T) * 8;
    using U = std::make_unsigned_t<T>;
    const U value = position >= kBits ? U(0) : U(m.get<U>(i.r[1]) >> position);
    const U ones = length >= kBits ? U(-1) : U((U(1) << length) - 1);
    U result = value & ones;
    if (std::is_signed_v<T> && length > 0 && length < kBits && (result >> (length - 1) & 1)) result |= ~ones;
    m.set<U>(i.r[0], result);
}

}  // namespace

void add_arithmetic(Opcodes& o) {
    add_integer<int16_t>(o, "s16"), add_integer<uint16_t>(o, "u16");
    add_integer<int32_t>(o, "s32"), add_integer<uint32_t>(o, "u32");
    add_integer<int64_t>(o, "s64"), add_integer<uint64_t>(o, "u64");
    add_bits<uint16_t>(o, "16"), add_bits<uint32_t>(o, "32"), add_bits<uint64_t>(o, "64");
    add_floating<float>(o, "f32"), add_floating<double>(o, "f64");

    add_comparisons<int16_t>(o, "s16"), add_comparisons<uint16_t>(o, "u16"), add_comparisons<uint16_t>(o, "b16");
    add_comparisons<int32_t>(o, "s32"), add_comparisons<uint32_t>(o, "u32"), add_comparisons<uint32_t>(o, "b32");
    add_comparisons<int64_t>(o, "s64"), add_comparisons<uint64_t>(o, "u64"), add_comparisons<uint64_t>(o, "b64");
    add_comparisons<float>(o, "f32"), add_comparisons<double>(o, "f64");

    o["mul.wide.s16"] = multiply_wide<int32_t, int16_t>;
    o["mul.wide.u16"] = multiply_wide<uint32_t, uint16_t>;
    o["mul.wide.s32"] = multiply_wide<int64_t, int32_t>;
    o["mul.wide.u32"] = multiply_wide<uint64_t, uint32_t>;
    o["mad.wide.s32"] = multiply_add_wide<int64_t, int32_t>;
    o["mad.wide.u32"] = multiply_add_wide<uint64_t, uint32_t>;
    o["mul.hi.s32"] = binary<int32_t, [](int32_t a, int32_t b) { return int32_t(int64_t(a) * b >> 32); }>;
    o["mul.hi.u32"] = binary<uint32_t, [](uint32_t a, uint32_t b) { return uint32_t(uint64_t(a) * b >> 32); }>;
    o["mul.hi.s64"] = binary<int64_t, [](int64_t a, int64_t b) { return int64_t(__int128(a) * b >> 64); }>;
    o["mul.hi.u64"] =
        binary<uint64_t, [](uint64_t a, uint64_t b) { return uint64_t(static_cast<unsigned __int128>(a) * b >> 64); }>;

    o["and.pred"] = binary<uint8_t, [](uint8_t a, uint8_t b) { return uint8_t(a & b); }>;
    o["or.pred"] = binary<uint8_t, [](uint8_t a, uint8_t b) { return uint8_t(a | b); }>;
    o["xor.pred"] = binary<uint8_t, [](uint8_t a, uint8_t b) { return uint8_t(a ^ b); }>;
    o["not.pred"] = unary<uint8_t, [](uint8_t a) { return uint8_t(!a); }>;

    for (const char* type : {"b16", "s16", "u16"}) o[std::string("selp.") + type] = select<uint16_t>;
    for (const char* type : {"b32", "s32", "u32", "f32"}) o[std::string("selp.") + type] = select<uint32_t>;
    for (const char* type : {"b64", "s64", "u64", "f64"}) o[std::string("selp.") + type] = select<uint64_t>;

    o["prmt.b32"] = permute;
    o["lop3.b32"] = logic3;
    o["shf.l.wrap.b32"] = funnel_shift<true, true>;
    o["shf.l.clamp.b32"] = funnel_shift<true, false>;
    o["shf.r.wrap.b32"] = funnel_shift<false, true>;
    o["shf.r.clamp.b32"] = funnel_shift<false, false>;
    o["bfe.s32"] = extract_bits<int32_t>, o["bfe.u32"] = extract_bits<uint32_t>;
    o["bfe.s64"] = extract_bits<int64_t>, o["bfe.u64"] = extract_bits<uint64_t>;
}

}  // namespace simt::ptx
