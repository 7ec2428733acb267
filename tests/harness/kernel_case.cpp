// Guards, poison, seeds and shape files.
#include "tests/harness/kernel_case.h"

#include <gtest/gtest.h>

#include <cctype>
#include <cstring>
#include <fstream>
#include <sstream>

#include "kernels/random/philox.h"
#include "tests/harness/output_digests.h"

namespace limpid::testing {

namespace {

constexpr int64_t kGuard = 64;             // elements on either side
constexpr uint32_t kPoison = 0x7fc0beefu;  // a quiet NaN
// Quiet NaNs, too. A kernel that runs over the ends of both its input and its output may copy the one to the other.
constexpr uint32_t kInputGuard = 0x7fc01dea, kOutputGuard = 0x7fc0dead;

float as_float(uint32_t word) {
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}
uint32_t as_word(float value) {
    uint32_t word;
    std::memcpy(&word, &value, sizeof word);
    return word;
}

uint32_t seed_of_test() {
    uint32_t hash = 2166136261u;  // FNV-1a
    const ::testing::TestInfo* test = ::testing::UnitTest::GetInstance()->current_test_info();
    const std::string name = test ? concat(test->test_suite_name(), ".", test->name()) : "no test";
    for (const char letter : name) hash = (hash ^ uint8_t(letter)) * 16777619u;
    return hash;
}

}  // namespace

HostTensor random_tensor(Shape shape, float low, float high, uint32_t salt) {
    HostTensor result(shape);
    const RandomKey key{seed_of_test(), salt, 0, 0};
    for (int64_t i = 0; i < shape.size(); i++) {
        const float value = low + (high - low) * random_uniform(key, i);
        result.values[size_t(i)] = std::nearbyint(value * 4096.0f) / 4096.0f;
    }
    return result;
}

HostTensor random_mask(Shape shape, uint32_t salt) {
    HostTensor result = random_tensor(shape, -1, 1, salt);
    for (float& value : result.values)
        if (value > -0.5f && value < 0) value = 0;
    return result;
}

HostArray<double> widen(const HostTensor& tensor) {
    return HostArray<double>(tensor.shape, std::vector<double>(tensor.values.begin(), tensor.values.end()));
}

GuardedTensor::GuardedTensor(Stream& stream, Shape shape, int64_t pitch, uint32_t guard)
    : stream_(&stream),
      shape_(shape),
      pitch_(pitch == 0 ? shape.c : pitch),
      guard_(guard),
      buffer_(stream.device(), size_t(shape.pixels() * pitch_ + 2 * kGuard) * sizeof(float)) {
    CHECK(pitch_ >= shape.c);
    const int64_t count = shape.pixels() * pitch_ + 2 * kGuard;
    std::vector<float> host(size_t(count), as_float(guard_));
    for (int64_t pixel = 0; pixel < shape.pixels(); pixel++)
        for (int64_t c = 0; c < shape.c; c++) host[size_t(kGuard + pixel * pitch_ + c)] = as_float(kPoison);
    upload(stream, host.data(), buffer_.floats(), count);
}

GuardedTensor::GuardedTensor(Stream& stream, Shape shape, int64_t pitch)
    : GuardedTensor(stream, shape, pitch, kOutputGuard) {}

GuardedTensor::GuardedTensor(Stream& stream, const HostTensor& values, int64_t pitch)
    : GuardedTensor(stream, values.shape, pitch, kInputGuard) {
    const int64_t count = shape_.pixels() * pitch_ + 2 * kGuard;
    std::vector<float> host(size_t(count), as_float(guard_));
    for (int64_t pixel = 0; pixel < shape_.pixels(); pixel++)
        for (int64_t c = 0; c < shape_.c; c++)
            host[size_t(kGuard + pixel * pitch_ + c)] = values.values[size_t(pixel * shape_.c + c)];
    upload(stream, host.data(), buffer_.floats(), count);
}

MutView GuardedTensor::view() const { return {buffer_.floats() + kGuard, shape_, pitch_}; }

HostTensor GuardedTensor::read() const {
    const int64_t count = shape_.pixels() * pitch_ + 2 * kGuard;
    std::vector<float> host(static_cast<size_t>(count));
    stream_->synchronize();
    download(*stream_, buffer_.floats(), host.data(), count);
    HostTensor result(shape_);
    int64_t overwritten = 0, first = -1;
    for (int64_t i = 0; i < count; i++) {
        const int64_t offset = i - kGuard;
        const bool inside = offset >= 0 && offset < shape_.pixels() * pitch_ && offset % pitch_ < shape_.c;
        if (inside) {
            result.values[size_t(offset / pitch_ * shape_.c + offset % pitch_)] = host[size_t(i)];
        } else if (as_word(host[size_t(i)]) != guard_) {
            if (overwritten++ == 0) first = offset;
        }
    }
    EXPECT_EQ(overwritten, 0) << "elements outside the output were overwritten, the first at offset " << first
                              << " of a tensor " << shape_ << " with pitch " << pitch_;
    note_output(stream_->device(), result);
    return result;
}

GuardedScratch::GuardedScratch(Stream& stream, size_t size_bytes)
    : stream_(&stream),
      size_bytes_((size_bytes + 63) / 64 * 64),
      buffer_(stream.device(), size_bytes_ + 2 * kGuard * sizeof(float)) {
    const std::vector<float> host(buffer_.size_bytes() / sizeof(float), as_float(kPoison));
    upload(stream, host.data(), buffer_.floats(), int64_t(host.size()));
}

Scratch GuardedScratch::scratch() const { return {buffer_.data() + kGuard * sizeof(float), size_bytes_}; }

void GuardedScratch::check() const {
    std::vector<float> host(buffer_.size_bytes() / sizeof(float));
    stream_->synchronize();
    download(*stream_, buffer_.floats(), host.data(), int64_t(host.size()));
    for (int64_t i = 0; i < kGuard; i++) {
        EXPECT_EQ(as_word(host[size_t(i)]), kPoison) << "scratch was overrun at the front, word " << i - kGuard;
        EXPECT_EQ(as_word(host[host.size() - size_t(kGuard) + size_t(i)]), kPoison)
            << "scratch was overrun at the end, word " << i;
    }
}

std::string source_dir() {
    const char* taken_along = std::getenv("LIMPID_SOURCE_DIR");
    return taken_along ? taken_along : LIMPID_SOURCE_DIR;
}

int64_t ShapeRow::operator[](const std::string& column) const {
    for (const auto& [key, value] : fields)
        if (key == column) return value;
    throw Error(concat("shape row ", name, ": no column ", column));
}

std::vector<ShapeRow> read_shapes(const std::string& file) {
    const std::string path = concat(source_dir(), "/bench/shapes/", file);
    std::ifstream input(path);
    if (!input) throw Error(concat(path, ": cannot be opened"));
    std::vector<std::string> columns;
    std::vector<ShapeRow> rows;
    for (std::string line; std::getline(input, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::vector<std::string> cells;
        for (std::string word; words >> word;) cells.push_back(word);
        if (cells.empty()) continue;
        if (columns.empty()) {
            columns = cells;
            continue;
        }
        if (cells.size() != columns.size())
            throw Error(concat(path, ": row \"", line, "\" has ", cells.size(), " cells, expected ", columns.size()));
        ShapeRow row{cells[0], {}};
        for (size_t i = 1; i < cells.size(); i++) row.fields.emplace_back(columns[i], std::stoll(cells[i]));
        rows.push_back(row);
    }
    if (rows.empty()) throw Error(concat(path, ": no rows"));
    return rows;
}

std::string test_name(const std::string& row_name) {
    std::string result;
    for (const char letter : row_name) result += std::isalnum(static_cast<unsigned char>(letter)) ? letter : '_';
    return result;
}

}  // namespace limpid::testing
