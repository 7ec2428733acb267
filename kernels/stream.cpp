// Streams: a thread pool on the CPU, a native queue on a GPU; and how devices are spelt.
#include "kernels/stream.h"

#include <sched.h>

#include <charconv>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "kernels/cpu/thread_pool.h"
#include "kernels/error.h"

namespace limpid {

namespace {

// Processors that this process may use (a container or taskset may allow fewer than the machine has).
int available_processors() {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return int(std::thread::hardware_concurrency());
}

constexpr const char* kLevelNames[] = {"", ":avx512", ":avx2", ":portable"};
constexpr std::string_view kPrecisionNames[] = {"fp32", "tf32x3", "tf32"};

}  // namespace

Device parse_device(std::string_view text) {
    for (int level = 0; level < 4; level++)
        if (text == concat("cpu", kLevelNames[level])) return {DeviceKind::cpu, level};
    if (text == "reference") return {DeviceKind::reference, 0};
    if (text == "cuda") return {DeviceKind::cuda, 0};
    if (text.starts_with("cuda:")) {
        int index = -1;
        const char *begin = text.data() + 5, *end = text.data() + text.size();
        if (std::from_chars(begin, end, index).ptr == end && index >= 0) return {DeviceKind::cuda, index};
    }
    throw UsageError(
        concat("device \"", text,
               "\" is not known; expected cpu, cpu:avx512, cpu:avx2, cpu:portable, reference, cuda or cuda:N"));
}

std::string to_string(const Device& device) {
    switch (device.kind) {
        case DeviceKind::cpu:
            return concat("cpu", kLevelNames[device.index]);
        case DeviceKind::reference:
            return "reference";
        case DeviceKind::cuda:
            return concat("cuda:", device.index, device.precision == Precision::fp32 ? "" : " ",
                          device.precision == Precision::fp32 ? "" : to_string(device.precision));
    }
    CHECK(false);
}

Precision parse_precision(std::string_view text) {
    for (int i = 0; i < 3; i++)
        if (text == kPrecisionNames[i]) return Precision(i);
    throw UsageError(concat("precision \"", text, "\" is not known; expected fp32, tf32x3 or tf32"));
}

std::string_view to_string(Precision precision) { return kPrecisionNames[int(precision)]; }

struct Stream::State {
    Device device;
    const Backend* backend;
    ThreadPool threads;
    std::vector<Stream> lanes;
    int threads_wanted;
    Stop stop{};
    size_t allowed_memory = std::numeric_limits<size_t>::max();
    void* queue = nullptr;

    State(const Device& d, int wanted)
        : device(d), backend(&limpid::backend(d)), threads(wanted), threads_wanted(wanted) {
        if (backend->memory.create_queue) queue = backend->memory.create_queue(device.index);
        if (threads.size() > 1)
            for (int i = 0; i < threads.size(); i++) lanes.emplace_back(device, 1);
    }
    ~State() {
        if (queue) backend->memory.destroy_queue(queue);
    }
};

Stream::Stream(const Device& device, int threads)
    : state_(std::make_unique<State>(device, device.kind != DeviceKind::cpu ? 1
                                             : threads > 0                  ? threads
                                                                            : available_processors())) {}
Stream::~Stream() = default;
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

const Device& Stream::device() const { return state_->device; }
const Backend& Stream::backend() const { return *state_->backend; }
ThreadPool& Stream::threads() { return state_->threads; }
Stream& Stream::lane(int worker) { return thread_count() == 1 ? *this : state_->lanes[size_t(worker)]; }
int Stream::thread_count() const { return state_->threads.size(); }
int Stream::threads_wanted() const { return state_->threads_wanted; }
void* Stream::queue() const { return state_->queue; }
void* Stream::native() const { return state_->queue ? backend().memory.native(state_->queue) : nullptr; }
void Stream::synchronize() {
    if (state_->queue) backend().memory.synchronize(state_->queue);
}
void Stream::label(std::string_view purpose) {
    if (state_->queue) backend().memory.label(state_->queue, purpose);
}
void Stream::stop_when(Stop stop) { state_->stop = std::move(stop); }
const Stop& Stream::stop() const { return state_->stop; }
void Stream::allow_memory(size_t bytes) { state_->allowed_memory = bytes; }
size_t Stream::allowed_memory() const { return state_->allowed_memory; }

}  // namespace limpid
