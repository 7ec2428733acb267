// What was appended comes back, and no file is ever seen.
#include "weights/spilled_bytes.h"

#include <gtest/gtest.h>

#include "kernels/error.h"
#include "tests/end_to_end/program.h"

namespace limpid::testing {
namespace {

TEST(SpilledBytes, ComeBackInOrder) {
    const TemporaryFolder folder;
    SpilledBytes bytes(folder.path());
    EXPECT_TRUE(bytes.view().empty());
    std::string expected;
    for (int i = 0; i < 300000; i++) {
        const std::string text = std::to_string(i) + ",";
        bytes.append(text);
        expected += text;
        if (i == 100) {
            EXPECT_EQ(as_text(bytes.view()), expected);
        }
    }
    EXPECT_EQ(as_text(bytes.view()), expected);
    EXPECT_TRUE(folder.names().empty());
}

TEST(SpilledBytes, SayWhereTheyCannotBe) {
    const TemporaryFolder folder;
    EXPECT_THROW(SpilledBytes(folder / "absent"), Error);
}

}  // namespace
}  // namespace limpid::testing
