// One header line, then the bytes.
#include "viz/report/kept.h"

#include <filesystem>

#include "kernels/error.h"
#include "weights/file.h"
#include "weights/sha256.h"

namespace limpid {

namespace {

constexpr std::string_view kMagic = "limpid kept 1 ";
constexpr size_t kDigest = 64;

}  // namespace

std::optional<std::string> Kept::find(const std::string& name) {
    const std::string path = folder_ + "/" + name;
    std::error_code error;
    if (!std::filesystem::is_regular_file(path, error)) return std::nullopt;
    const std::vector<std::byte> file = read_file(path);
    const std::string_view text = as_text(file);
    const size_t header = kMagic.size() + kDigest + 1;
    if (text.size() >= header && text.starts_with(kMagic) && text[header - 1] == '\n') {
        const std::string_view bytes = text.substr(header);
        if (sha256_of(as_bytes(bytes)) == text.substr(kMagic.size(), kDigest)) return std::string(bytes);
    }
    std::filesystem::remove(path, error);
    damaged_++;
    return std::nullopt;
}

void Kept::keep(const std::string& name, Bytes bytes) {
    create_folder(folder_);
    std::string file = concat(kMagic, sha256_of(bytes), '\n');
    file.append(as_text(bytes));
    write_file_atomically(folder_ + "/" + name, as_bytes(file));
}

}  // namespace limpid
