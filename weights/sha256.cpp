// Digests through OpenSSL's EVP interface.
#include "weights/sha256.h"

#include <openssl/evp.h>

#include <cerrno>
#include <fstream>
#include <vector>

namespace limpid {

struct Hasher::State {
    std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Hasher::Hasher(Kind kind) : state_(std::make_unique<State>()) {
    CHECK(EVP_DigestInit_ex(state_->context.get(), kind == Kind::sha256 ? EVP_sha256() : EVP_sha1(), nullptr) == 1);
}

Hasher::~Hasher() = default;

void Hasher::add(Bytes bytes) { CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1); }

std::string Hasher::text() {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    CHECK(EVP_DigestFinal_ex(state_->context.get(), digest, &size) == 1);
    std::string result;
    for (unsigned int i = 0; i < size; ++i) {
        result += "0123456789abcdef"[digest[i] >> 4];
        result += "0123456789abcdef"[digest[i] & 15];
    }
    return result;
}

std::string sha256_of(Bytes bytes) {
    Hasher hasher;
    hasher.add(bytes);
    return hasher.text();
}

std::string digest_of_file(const std::string& path, Hasher::Kind kind) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        throw Error(
            concat(path, ": cannot be opened (", std::strerror(errno), "), expected a readable file; check the path"));
    Hasher hasher(kind);
    std::vector<char> block(1 << 20);
    while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
        hasher.add(std::string_view(block.data(), static_cast<size_t>(file.gcount())));
    }
    if (file.bad()) throw Error(concat(path, ": reading fails (", std::strerror(errno), "); check the disk"));
    return hasher.text();
}

}  // namespace limpid
