// cvt between all types, as the PTX ISA defines it: into integers with saturation, NaN becomes 0.
#include <cmath>
#include <limits>
#include <string>

#include "tests/simt/ptx.h"

namespace simt::ptx {

namespace {

template <class To, class From>
void convert_integer(Machine& m, const Instruction& i) {
    m.set<To>(i.r[0], To(m.get<From>(i.r[1])));
}
// A narrow integer occupies its register sign- or zero-extended.
template <class To, class From>
void convert_narrow(Machine& m, const Instruction& i) {
    m.set<int64_t>(i.r[0], int64_t(To(m.get<From>(i.r[1]))));
}
template <class To, class From>
void convert_to_floating(Machine& m, const Instruction& i) {
    m.set<To>(i.r[0], To(m.get<From>(i.r[1])));
}
template <class To, class From, auto Round>
void convert_to_integer(Machine& m, const Instruction& i) {
    const From value = Round(m.get<From>(i.r[1]));
    To result = 0;
    if (value >= From(std::numeric_limits<To>::max()))
        result = std::numeric_limits<To>::max();
    else if (value <= From(std::numeric_limits<To>::min()))
        result = std::numeric_limits<To>::min();
    else if (value == value)
        result = To(value);
    m.set<To>(i.r[0], result);
}
template <class T, auto Round>
void round_floating(Machine& m, const Instruction& i) {
    m.set<T>(i.r[0], Round(m.get<T>(i.r[1])));
}

template <class T>
T saturated(T a) {
    return a > 0 ? (a < 1 ? a : T(1)) : T(0);  // NaN becomes 0
}

template <class From>
void add_from_integer(Opcodes& o, const std::string& from) {
    o["cvt.s8." + from] = convert_narrow<int8_t, From>;
    o["cvt.u8." + from] = convert_integer<uint8_t, From>;
    o["cvt.s16." + from] = convert_integer<int16_t, From>;
    o["cvt.u16." + from] = convert_integer<uint16_t, From>;
    o["cvt.s32." + from] = convert_integer<int32_t, From>;
    o["cvt.u32." + from] = convert_integer<uint32_t, From>;
    o["cvt.s64." + from] = convert_integer<int64_t, From>;
    o["cvt.u64." + from] = convert_integer<uint64_t, From>;
    o["cvt.f32." + from] = convert_to_floating<float, From>;
    o["cvt.f64." + from] = convert_to_floating<double, From>;
}

template <class From, auto Round>
void add_rounding(Opcodes& o, const std::string& mode, const std::string& from) {
    const std::string prefix = "cvt." + mode + ".";
    o[prefix + "s16." + from] = convert_to_integer<int16_t, From, Round>;
    o[prefix + "u16." + from] = convert_to_integer<uint16_t, From, Round>;
    o[prefix + "s32." + from] = convert_to_integer<int32_t, From, Round>;
    o[prefix + "u32." + from] = convert_to_integer<uint32_t, From, Round>;
    o[prefix + "s64." + from] = convert_to_integer<int64_t, From, Round>;
    o[prefix + "u64." + from] = convert_to_integer<uint64_t, From, Round>;
    o[prefix + from + "." + from] = round_floating<From, Round>;
}

template <class From>
void add_from_floating(Opcodes& o, const std::string& from) {
    add_rounding<From, [](From a) { return std::trunc(a); }>(o, "rzi", from);
    add_rounding<From, [](From a) { return std::nearbyint(a); }>(o, "rni", from);
    add_rounding<From, [](From a) { return std::floor(a); }>(o, "rmi", from);
    add_rounding<From, [](From a) { return std::ceil(a); }>(o, "rpi", from);
    o["cvt.f32." + from] = convert_to_floating<float, From>;
    o["cvt.f64." + from] = convert_to_floating<double, From>;
    o["cvt.sat." + from + "." + from] = round_floating<From, saturated<From>>;
}

}  // namespace

void add_conversions(Opcodes& o) {
    add_from_integer<int8_t>(o, "s8"), add_from_integer<uint8_t>(o, "u8");
    add_from_integer<int16_t>(o, "s16"), add_from_integer<uint16_t>(o, "u16");
    add_from_integer<int32_t>(o, "s32"), add_from_integer<uint32_t>(o, "u32");
    add_from_integer<int64_t>(o, "s64"), add_from_integer<uint64_t>(o, "u64");
    add_from_floating<float>(o, "f32"), add_from_floating<double>(o, "f64");
    o["cvt.rna.tf32.f32"] = [](Machine& m, const Instruction& i) {
        m.set<uint32_t>(i.r[0], cvt_rna_tf32(m.get<float>(i.r[1])));
    };
}

}  // namespace simt::ptx
