// The PTX interpreter: opcodes with surprising definitions, and everything that nvcc makes of our kernels is known.
#include "tests/simt/ptx.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

namespace {

using namespace simt::ptx;

uint64_t f32(float value) { return std::bit_cast<uint32_t>(value); }
uint64_t f64(double value) { return std::bit_cast<uint64_t>(value); }
constexpr uint64_t u32(int64_t value) { return uint32_t(value); }

const float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

// PTX ISA 9.0, "Integer Arithmetic Instructions" and following sections.
struct OpcodeCase {
    const char* opcode;
    uint64_t a, b, c, d;
    uint64_t expected;
};
const OpcodeCase kCases[] = {
    {"add.s32", u32(0x7fffffff), 1, 0, 0, u32(0x80000000)},
    {"sub.s16", 0, 1, 0, 0, 0xffff},
    {"mul.lo.s32", u32(-3), 7, 0, 0, u32(-21)},
    {"mul.hi.u32", u32(0x80000000), 4, 0, 0, 2},
    {"mul.hi.s32", u32(-1), 1, 0, 0, u32(-1)},
    {"mul.wide.s32", u32(-2), 3, 0, 0, uint64_t(-6)},
    {"mul.wide.u32", u32(-1), 2, 0, 0, 0x1fffffffe},
    {"mad.lo.s32", 3, 4, 5, 0, 17},
    {"mad.wide.s32", u32(-1), 1, 10, 0, 9},
    {"div.s32", u32(-7), 2, 0, 0, u32(-3)},
    {"rem.s32", u32(-7), 2, 0, 0, u32(-1)},
    {"div.u32", u32(-1), 16, 0, 0, 0x0fffffff},
    {"min.s32", u32(-1), 1, 0, 0, u32(-1)},
    {"min.u32", u32(-1), 1, 0, 0, 1},
    {"abs.s32", u32(-5), 0, 0, 0, 5},
    {"shl.b32", 1, 32, 0, 0, 0},
    {"shr.u32", u32(-1), 40, 0, 0, 0},
    {"shr.s32", u32(-8), 40, 0, 0, u32(-1)},
    {"shr.s32", u32(-8), 1, 0, 0, u32(-4)},
    {"shr.s64", uint64_t(-8), 100, 0, 0, uint64_t(-1)},
    {"popc.b32", 0xf0f, 0, 0, 0, 8},
    {"clz.b32", 1, 0, 0, 0, 31},
    {"brev.b32", 1, 0, 0, 0, 0x80000000},
    {"bfi.b32", 0xff, 0, 4, 8, 0xff0},
    {"bfe.u32", 0xabcd, 4, 8, 0, 0xbc},
    {"bfe.s32", 0xf0, 4, 4, 0, u32(-1)},
    {"prmt.b32", 0x33221100, 0x77665544, 0x7531, 0, 0x77553311},
    {"prmt.b32", 0x00008000, 0, 0x0009, 0, 0x000000ff},
    {"lop3.b32", 0xf0, 0xcc, 0xaa, 0xe8, 0xe8},  // majority
    {"shf.l.wrap.b32", 0x80000000, 1, 1, 0, 3},
    {"shf.r.wrap.b32", 2, 1, 33, 0, 0x80000001},
    {"shf.r.clamp.b32", 2, 7, 40, 0, 7},
    {"fma.f32", f32(3), f32(4), f32(5), 0, f32(17)},
    {"min.f32", f32(kNan), f32(2), 0, 0, f32(2)},
    {"max.f32", f32(2), f32(kNan), 0, 0, f32(2)},
    {"copysign.f32", f32(-1), f32(3), 0, 0, f32(-3)},
    {"neg.f32", f32(0), 0, 0, 0, f32(-0.0f)},
    {"add.rz.f32", f32(1), f32(-std::ldexp(1.0f, -30)), 0, 0, f32(std::nextafter(1.0f, 0.0f))},
    {"fma.rm.f32", f32(1), f32(-1), f32(-std::ldexp(1.0f, -30)), 0, f32(std::nextafter(-1.0f, -2.0f))},
    {"add.sat.f32", f32(1), f32(1), 0, 0, f32(1)},
    {"ex2.f32", f32(10), 0, 0, 0, f32(1024)},
    {"lg2.f32", f32(8), 0, 0, 0, f32(3)},
    {"rcp.f32", f32(-4), 0, 0, 0, f32(-0.25f)},
    {"rsqrt.f32", f32(4), 0, 0, 0, f32(0.5f)},
    {"setp.lt.s32", u32(-1), 1, 0, 0, 1},
    {"setp.lt.u32", u32(-1), 1, 0, 0, 0},
    {"setp.ne.f32", f32(kNan), f32(1), 0, 0, 0},
    {"setp.neu.f32", f32(kNan), f32(1), 0, 0, 1},
    {"setp.lt.f32", f32(kNan), f32(1), 0, 0, 0},
    {"setp.ltu.f32", f32(kNan), f32(1), 0, 0, 1},
    {"setp.geu.f32", f32(0), f32(1), 0, 0, 0},
    {"setp.nan.f32", f32(kNan), f32(1), 0, 0, 1},
    {"setp.num.f32", f32(kNan), f32(1), 0, 0, 0},
    {"setp.eq.and.s32", 3, 3, 0, 0, 0},
    {"setp.eq.or.s32", 3, 4, 1, 0, 1},
    {"selp.b32", 5, 6, 0, 0, 6},
    {"selp.b32", 5, 6, 1, 0, 5},
    {"not.pred", 0, 0, 0, 0, 1},
    {"cvt.rzi.s32.f32", f32(-2.7f), 0, 0, 0, u32(-2)},
    {"cvt.rni.s32.f32", f32(2.5f), 0, 0, 0, 2},
    {"cvt.rmi.s32.f32", f32(-2.1f), 0, 0, 0, u32(-3)},
    {"cvt.rpi.s32.f32", f32(2.1f), 0, 0, 0, 3},
    {"cvt.rzi.s32.f32", f32(1e20f), 0, 0, 0, u32(0x7fffffff)},
    {"cvt.rzi.s32.f32", f32(-1e20f), 0, 0, 0, u32(0x80000000)},
    {"cvt.rzi.u32.f32", f32(-1), 0, 0, 0, 0},
    {"cvt.rzi.s32.f32", f32(kNan), 0, 0, 0, 0},
    {"cvt.rzi.s64.f64", f64(-1e30), 0, 0, 0, uint64_t(1) << 63},
    {"cvt.sat.f32.f32", f32(kInfinity), 0, 0, 0, f32(1)},
    {"cvt.sat.f32.f32", f32(kNan), 0, 0, 0, f32(0)},
    {"cvt.s64.s32", u32(-1), 0, 0, 0, uint64_t(-1)},
    {"cvt.u64.u32", u32(-1), 0, 0, 0, 0xffffffff},
    {"cvt.f32.s32", u32(-3), 0, 0, 0, f32(-3)},
    {"cvt.f64.f32", f32(1.5f), 0, 0, 0, f64(1.5)},
    {"cvt.rna.tf32.f32", f32(1 + std::ldexp(1.0f, -11)), 0, 0, 0, f32(1 + std::ldexp(1.0f, -10))},
};

TEST(SimtPtx, OpcodesFollowTheIsa) {
    for (const OpcodeCase& c : kCases) {
        const Execute execute = find_opcode(c.opcode);
        ASSERT_NE(execute, nullptr) << c.opcode;
        uint64_t registers[] = {0xdeadbeefdeadbeef, c.a, c.b, c.c, c.d};
        Machine machine{registers, nullptr, nullptr, 0};
        Instruction instruction;
        for (int i = 0; i < 5; i++) instruction.r[i] = i;
        instruction.count = 5;
        execute(machine, instruction);
        EXPECT_EQ(registers[0], c.expected)
            << c.opcode << std::hex << " of 0x" << c.a << ", 0x" << c.b << ", 0x" << c.c;
    }
}

TEST(SimtPtx, MovesPackAndUnpack) {
    uint64_t registers[] = {0, 0, 0x1111222233334444};
    Machine machine{registers, nullptr, nullptr, 0};
    Instruction unpack;
    unpack.r[0] = 0, unpack.r[1] = 1, unpack.r[2] = 2;
    unpack.count = 3, unpack.in_first = 2;
    find_opcode("mov.b64")(machine, unpack);
    EXPECT_EQ(registers[0], 0x33334444u);
    EXPECT_EQ(registers[1], 0x11112222u);
    Instruction pack = unpack;
    pack.r[0] = 2, pack.r[1] = 1, pack.r[2] = 0;
    pack.in_first = 1;
    find_opcode("mov.b64")(machine, pack);
    EXPECT_EQ(registers[2], 0x3333444411112222u);
}

// PTX ISA, ld: a register wider than the value is filled with the sign of a signed one, with zeros otherwise.
TEST(SimtPtx, LoadsFillWideRegisters) {
    const int32_t value = -1;
    for (const auto& [opcode, expected] : {std::pair{"ld.param.s32", uint64_t(-1)},
                                           {"ld.param.u32", uint64_t(0xffffffff)},
                                           {"ld.param.s8", uint64_t(-1)},
                                           {"ld.param.u16", uint64_t(0xffff)}}) {
        uint64_t registers[] = {0xdeadbeefdeadbeef, 0};
        Machine machine{registers, reinterpret_cast<const unsigned char*>(&value), nullptr, 0};
        Instruction load;
        load.r[0] = 0, load.r[1] = 1, load.count = 2;
        ASSERT_NE(find_opcode(opcode), nullptr) << opcode;
        find_opcode(opcode)(machine, load);
        EXPECT_EQ(registers[0], expected) << opcode;
    }
}

// An unknown opcode, directive or special register is named, with the kernel that uses it.
TEST(SimtPtx, WhatIsMissingIsNamed) {
    const std::string path = testing::TempDir() + "missing.ptx";
    std::ofstream(path) << ".visible .entry kernel(\n.param .u64 kernel_param_0\n)\n{\n.reg .b32 %r<3>;\n"
                           "frob.rn.s32 %r1, %r2;\nadd.s32 %r1, %r2, 1;\nmov.u32 %r1, %clock;\n"
                           ".local .align 4 .b8 depot[16];\nret;\n}\n";
    const std::vector<std::string> missing = missing_opcodes({path});
    EXPECT_EQ(missing,
              (std::vector<std::string>{"opcode frob.rn.s32, used by kernel", "special register %clock, used by kernel",
                                        "directive .local, used by kernel"}));
}

// Everything in the PTX of all our kernels is known to the interpreter.
TEST(SimtPtx, InterpreterKnowsOurKernels) {
    std::vector<std::string> paths;
    std::error_code no_folder;
    for (const auto& entry : std::filesystem::directory_iterator(SIMT_PTX_DIR, no_folder))
        if (entry.path().extension() == ".ptx") paths.push_back(entry.path());
    if (paths.empty()) GTEST_SKIP() << "no PTX in " SIMT_PTX_DIR ": this build has no nvcc";
    for (const std::string& missing : missing_opcodes(paths)) ADD_FAILURE() << "the interpreter lacks " << missing;
}

}  // namespace
