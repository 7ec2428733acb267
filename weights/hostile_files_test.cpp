// Damaged protocol buffers of every form: each must be read or refused by Error, and must not make the readers allocate
// much.
//
// This file replaces operator new for the test program in order to count.
#include <gtest/gtest.h>
#include <malloc.h>

#include <cstdlib>
#include <new>

#include "weights/import/import_network.h"
#include "weights/onnx.h"
#include "weights/readers.h"
#include "weights/sha256.h"
#include "weights/small_models.h"
#include "weights/small_onnx.h"

namespace {

thread_local size_t live_bytes = 0, peak_bytes = 0;

void* counted(size_t size) {
    void* memory = std::malloc(size == 0 ? 1 : size);
    if (memory == nullptr) throw std::bad_alloc();
    live_bytes += malloc_usable_size(memory);
    peak_bytes = std::max(peak_bytes, live_bytes);
    return memory;
}

void release(void* memory) {
    if (memory != nullptr) live_bytes -= malloc_usable_size(memory);
    std::free(memory);
}

}  // namespace

void* operator new(size_t size) { return counted(size); }
void* operator new[](size_t size) { return counted(size); }
void operator delete(void* memory) noexcept { release(memory); }
void operator delete[](void* memory) noexcept { release(memory); }
void operator delete(void* memory, size_t) noexcept { release(memory); }
void operator delete[](void* memory, size_t) noexcept { release(memory); }

namespace limpid::testing {
namespace {

using Reader = Weights (*)(Bytes, const KnownNetwork&);

struct Sample {
    const char* name;
    std::string file;
    Reader reader;
    KnownNetwork network;
};

Weights read_small_onnx(Bytes file, const KnownNetwork&) {
    NetworkOptions options;
    options.title = "small";
    options.most_made_values = 4096;
    import_network(read_onnx(file), options);
    return {};
}

std::vector<Sample> samples() {
    std::vector<SmallLayer> single = small_caffe_layers();
    for (SmallLayer& layer : single) {
        for (CaffeBlob& blob : layer.blobs) {
            blob.form = CaffeBlob::Form::single;
            blob.legacy_shape = true;
        }
    }
    std::vector<WireWriter> packed = small_graph_nodes();
    for (size_t i = 0; i < small_graph_constants().size(); i++) {
        GraphConstant constant = small_graph_constants()[i];
        constant.form = GraphConstant::Form::packed;
        packed[i + 1] = const_node(constant);
    }
    const KnownNetwork caffe = small_caffe_network(), graph = small_graph_network();
    return {{"v1", v1_caffemodel(small_caffe_layers()), read_caffemodel, caffe},
            {"current", current_caffemodel(small_caffe_layers()), read_caffemodel, caffe},
            {"legacy", v1_caffemodel(single), read_caffemodel, caffe},
            {"graph", graph_file(small_graph_nodes()), read_lucid_pb, graph},
            {"float_val", graph_file(packed), read_lucid_pb, graph},
            {"onnx", small_onnx_model().bytes(), read_small_onnx, graph},
            {"own onnx", small_own_model().bytes(), read_small_onnx, graph}};
}

// Peak bytes allocated while reading; the result does not matter, any exception but Error does.
size_t peak_of_reading(const Sample& sample, const std::string& file, bool& refused) {
    const size_t before = live_bytes;
    peak_bytes = live_bytes;
    refused = false;
    try {
        sample.reader(as_bytes(file), sample.network);
    } catch (const Error&) {
        refused = true;
    }
    return peak_bytes - before;
}

// Bookkeeping of a few layers, and a message: the values themselves are bounded by the file.
size_t allowed_peak(const std::string& file) { return 64 * 1024 + 8 * file.size(); }

TEST(HostileFiles, EveryTruncationIsReadOrRefused) {
    for (const Sample& sample : samples()) {
        size_t read = 0;
        for (size_t size = 0; size < sample.file.size(); ++size) {
            bool refused = false;
            const std::string file = sample.file.substr(0, size);
            EXPECT_LE(peak_of_reading(sample, file, refused), allowed_peak(file)) << sample.name << " cut at " << size;
            read += !refused;
        }
        // Only graphs have something after the last parameter that they can lose.
        const bool graph = sample.reader == read_lucid_pb || sample.reader == read_small_onnx;
        EXPECT_LE(read, graph ? 20u : 0u) << sample.name;
    }
}

TEST(HostileFiles, EveryBitFlipIsReadOrRefused) {
    for (const Sample& sample : samples()) {
        std::string file = sample.file;
        size_t read = 0;
        for (size_t bit = 0; bit < 8 * file.size(); ++bit) {
            bool refused = false;
            const char flip = static_cast<char>(1u << (bit % 8));
            file[bit / 8] = static_cast<char>(file[bit / 8] ^ flip);
            EXPECT_LE(peak_of_reading(sample, file, refused), allowed_peak(file)) << sample.name << " bit " << bit;
            file[bit / 8] = static_cast<char>(file[bit / 8] ^ flip);
            read += !refused;
        }
        // Flips inside values are read: foreign formats have no checksum, source_sha256 is for that.
        EXPECT_GT(read, 0u) << sample.name;
        EXPECT_LT(read, 8 * file.size()) << sample.name;
    }
}

// A length, size or count replaced by an absurd one, at every position.
TEST(HostileFiles, AbsurdNumbersAnywhereAllocateLittle) {
    const std::string numbers[] = {WireWriter().varint(~uint64_t(0)).bytes(),
                                   WireWriter().varint(uint64_t(1) << 62).bytes(),
                                   WireWriter().varint(0xffffffffu).bytes(), WireWriter().varint(0x7fffffffu).bytes(),
                                   WireWriter().varint(uint64_t(1) << 34).bytes()};
    for (const Sample& sample : samples()) {
        for (size_t at = 0; at < sample.file.size(); ++at) {
            for (const std::string& number : numbers) {
                std::string file = sample.file;
                file.replace(at, 1, number);
                bool refused = false;
                EXPECT_LE(peak_of_reading(sample, file, refused), allowed_peak(file)) << sample.name << " at " << at;
            }
        }
    }
}

// Records of two bytes each must not grow without bound into bookkeeping.
TEST(HostileFiles, ManyTinyRecordsAllocateLittle) {
    WireWriter blobs, layers, nodes;
    for (int i = 0; i < 16; ++i) blobs.text(6, "");
    for (int i = 0; i < 9999; ++i) layers.message(2, blobs);
    const std::vector<Sample> all = samples();
    bool refused = false;
    EXPECT_LE(peak_of_reading(all[0], layers.bytes(), refused), size_t(32) << 20);
    EXPECT_TRUE(refused);
    // A constant named, as parameters are, by two letters.
    for (int i = 0; i < 200000; ++i) nodes.message(1, const_node({concat(i, "_w"), {}, {}}));
    EXPECT_LE(peak_of_reading(all[3], nodes.bytes(), refused), size_t(32) << 20);
    EXPECT_TRUE(refused);
}

// Converted files whose digest was made to match: flipped bits, cuts, and lengths and addresses of all ones.
TEST(HostileFiles, ForgedConvertedFilesAreReadOrRefused) {
    const std::vector<std::byte> whole = write_hdf5(small_weights());
    const std::string original(as_text(Bytes(whole).first(whole.size() - 80)));
    const auto read = [](const std::string& image, const char* what, size_t at) {
        const std::string file = image + "LIMPID-SHA256 " + sha256_of(as_bytes(image)) + " \n";
        const size_t before = live_bytes;
        peak_bytes = live_bytes;
        bool refused = false;
        try {
            read_hdf5(as_bytes(file));
        } catch (const Error&) {
            refused = true;
        }
        EXPECT_LE(peak_bytes - before, allowed_peak(file)) << what << " at " << at;
        return !refused;
    };
    EXPECT_TRUE(read(original, "nothing", 0));
    size_t accepted = 0;
    for (size_t at = 0; at < original.size(); ++at) {
        std::string file = original;
        file[at] = static_cast<char>(file[at] ^ (1 << (at % 8)));
        accepted += read(file, "bit flip", at);
        if (at % 8 != 0) continue;
        EXPECT_FALSE(read(original.substr(0, at), "cut", at)) << at;
        for (const size_t width : {2, 4, 8}) {
            file = original;
            file.replace(at, width, width, '\xff');
            read(file, "all ones", at);
        }
    }
    // Much of the format is padding and hints; parameters are guarded by their checksum, the rest by the digest forged
    // here.
    EXPECT_LT(accepted, original.size());
}

TEST(HostileFiles, TheCounterCounts) {
    const size_t before = live_bytes;
    std::vector<float> values(1000);
    EXPECT_GE(live_bytes, before + 4000);
}

}  // namespace
}  // namespace limpid::testing
