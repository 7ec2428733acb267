// The one place where stb's code is compiled: the encoding of PNG and JPEG.
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

// Its warnings are not ours to mend.
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wsign-compare"
#endif
#define STBI_WRITE_NO_STDIO
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include <stb_image_write.h>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
