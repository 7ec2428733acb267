// The one place where stb's code is compiled: decoding and encoding of PNG and JPEG.
#include <cstdlib>

#include <zlib.h>

// Its own compressor finds nothing in most drawn pictures and stores them; zlib takes a fifth off. Memory is freed by
// stb.
static unsigned char* compress_with_zlib(const unsigned char* data, int size, int* compressed_size, int level) {
    uLongf bytes = compressBound(uLong(size));
    auto* compressed = static_cast<unsigned char*>(std::malloc(bytes));
    if (compressed && compress2(compressed, &bytes, data, uLong(size), level) == Z_OK) {
        *compressed_size = int(bytes);
        return compressed;
    }
    std::free(compressed);
    return nullptr;
}
#define STBIW_ZLIB_COMPRESS compress_with_zlib

// A damaged file may leave parts of the picture undecoded: they are black, not whatever the memory held before.
#define STBI_MALLOC(size_bytes) std::calloc(1, size_bytes)
#define STBI_REALLOC(memory, size_bytes) std::realloc(memory, size_bytes)
#define STBI_FREE(memory) std::free(memory)
// Its assertions would let a file stop the program; what they guard is checked in jpeg_check.cpp.
#define STBI_ASSERT(condition) static_cast<void>(0)

// Its warnings are not ours to mend.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
// Damaged files make it shift and add beyond int, and copy zero bytes from nowhere; what such a file decodes to is
// nobody's business. The fuzzer is to look for accesses outside of memory, which stay checked.
#if defined(__clang__)
#pragma clang attribute push(                                                                                  \
    __attribute__((no_sanitize("shift", "signed-integer-overflow", "nonnull-attribute", "pointer-overflow"))), \
    apply_to = function)
#endif
#define STBI_ONLY_PNG
#define STBI_ONLY_JPEG
#define STBI_NO_STDIO
#define STB_IMAGE_IMPLEMENTATION
#include <stb_image.h>
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
#if defined(__clang__)
#pragma clang attribute pop
#endif
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
