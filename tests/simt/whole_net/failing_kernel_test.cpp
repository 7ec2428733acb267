// A kernel that fails after its launch returned: what is said by the call that notices. In the check mode a kernel
// fails that reads more than was allocated.
#include <gmock/gmock.h>

#include "graph/ops.h"
#include "graph/run.h"
#include "kernels/buffer.h"
#include "kernels/captured_work.h"
#include "kernels/error.h"
#include "tests/simt/simt.h"

namespace limpid {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// Two nodes; the input of the second is shorter than it says.
class FailingKernel : public ::testing::Test {
  protected:
    static constexpr Shape kShape{1, 1, 8, 512};

    FailingKernel() {
        const NodeId whole = graph_.input("whole", kShape), cut = graph_.input("cut", kShape);
        plan_ = make_plan(graph_, {ops::softmax(graph_, whole, "innocent"), ops::log_sum_exp(graph_, cut, "guilty")},
                          constants_);
    }
    ~FailingKernel() override { simt::reset_errors(); }  // expected

    void run(const RunOptions& options = {}) {
        const ConstView inputs[] = {whole_.view(), {cut_.buffer.floats(), kShape}};
        const MutView outputs[] = {first_.view(), second_.view()};
        limpid::run(plan_, stream_, inputs, outputs, arena_.scratch(), options);
    }
    template <class F>
    static std::string message_of(F work) {
        try {
            work();
        } catch (const Error& error) {
            return error.what();
        }
        return "nothing was thrown";
    }

    Stream stream_{{DeviceKind::cuda, 0}};
    ConstantStore constants_{stream_};
    Graph graph_;
    Plan plan_;
    const DeviceTensor whole_{stream_, HostTensor(kShape)}, cut_{stream_, HostTensor({1, 1, 4, 512})};
    DeviceTensor first_{stream_.device(), kShape}, second_{stream_.device(), {1, 1, 8, 1}};
    const Buffer arena_{stream_.device(), size_t(1) << 16};
};

TEST_F(FailingKernel, TheWaitNamesWhatWasLaunched) {
    stream_.synchronize();
    run();
    EXPECT_THAT(message_of([&] { stream_.synchronize(); }),
                AllOf(StartsWith("device cuda:0: work queued before failed (unspecified launch failure, told by "
                                 "cudaStreamSynchronize); launched since the last wait: "),
                      HasSubstr(" (innocent), "), HasSubstr(" (guilty); --check waits after every node")));
}

TEST_F(FailingKernel, CheckNamesTheOne) {
    RunOptions options;
    options.check = true;
    EXPECT_THAT(message_of([&] { run(options); }),
                AllOf(StartsWith("step 1, log_sum_exp guilty: device cuda:0: work queued before failed"),
                      HasSubstr(" (guilty); "), Not(HasSubstr("innocent"))));
}

// The failure is that of the kernel before, not of the one that is refused.
TEST_F(FailingKernel, ALaterLaunchIsNotBlamed) {
    run();
    message_of([&] { stream_.synchronize(); });
    EXPECT_THAT(message_of([&] { run(); }),
                AllOf(HasSubstr("work queued before failed (unspecified launch failure, told by "),
                      HasSubstr(" (innocent), "), HasSubstr(" (guilty); --check")));
}

TEST_F(FailingKernel, RecordedWorkIsNamed) {
    const CapturedWork recorded(stream_, [&] { run(); });
    EXPECT_TRUE(simt::errors().empty()) << "recording must not do the work";
    recorded.replay(stream_);
    recorded.replay(stream_);
    EXPECT_THAT(message_of([&] { stream_.synchronize(); }),
                HasSubstr("launched since the last wait: 2 x recorded work of 2 launches (innocent, guilty); --check"));
}

// Only the last are kept; the others are counted.
TEST_F(FailingKernel, ManyLaunchesAreCounted) {
    for (int i = 0; i < 20; i++) run();
    EXPECT_THAT(message_of([&] { stream_.synchronize(); }),
                AllOf(HasSubstr("launched since the last wait: 24 launches, then "), HasSubstr("(guilty); --check")));
}

}  // namespace
}  // namespace limpid
