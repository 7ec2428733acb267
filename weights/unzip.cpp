// Unpacking through libzip.
#include "weights/unzip.h"

#include <zip.h>

#include <memory>
#include <vector>

#include "weights/file.h"

namespace limpid {
namespace {

struct Discard {
    void operator()(zip_t* archive) const { zip_discard(archive); }
    void operator()(zip_file_t* file) const { zip_fclose(file); }
};

}  // namespace

std::vector<std::byte> read_member(const std::string& archive, const std::string& member, int64_t most_bytes) {
    int code = 0;
    const std::unique_ptr<zip_t, Discard> zip(zip_open(archive.c_str(), ZIP_RDONLY, &code));
    if (zip == nullptr) {
        zip_error_t error;
        zip_error_init_with_code(&error, code);
        const std::string text = zip_error_strerror(&error);
        zip_error_fini(&error);
        throw Error(concat(archive, ": cannot be read as a zip archive (", text, "), expected one; fetch it again"));
    }
    const std::unique_ptr<zip_file_t, Discard> file(zip_fopen(zip.get(), member.c_str(), 0));
    if (file == nullptr) {
        throw Error(concat(archive, ": has no readable member ", member, " (", zip_strerror(zip.get()),
                           "), expected it; is this the right archive?"));
    }
    // Grows with what really comes out: the size in the header is only a claim.
    std::vector<std::byte> bytes, block(1 << 20);
    for (;;) {
        const zip_int64_t got = zip_fread(file.get(), block.data(), block.size());
        if (got < 0) {
            throw Error(concat(archive, ": member ", member, " is damaged (", zip_file_strerror(file.get()),
                               "), expected it whole; fetch it again"));
        }
        if (got == 0) break;
        if (int64_t(bytes.size()) + got > most_bytes) {
            throw Error(concat(archive, ": member ", member, " unpacks to more than ", most_bytes,
                               " bytes, expected less; is this the right archive?"));
        }
        bytes.insert(bytes.end(), block.begin(), block.begin() + got);
    }
    return bytes;
}

void unzip_member(const std::string& archive, const std::string& member, const std::string& path, int64_t most_bytes) {
    write_file_atomically(path, read_member(archive, member, most_bytes));
}

}  // namespace limpid
