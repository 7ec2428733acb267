// The header is a Python literal, padded so that the data starts at a multiple of 64 bytes.
#include "weights/npy.h"

#include <span>

#include "kernels/error.h"
#include "weights/file.h"

namespace limpid {

std::vector<std::byte> npy_bytes(const HostTensor& tensor) {
    const Shape& s = tensor.shape;
    std::string header =
        concat("{'descr': '<f4', 'fortran_order': False, 'shape': (", s.n, ", ", s.h, ", ", s.w, ", ", s.c, "), }");
    header.append(63 - (10 + header.size()) % 64, ' ');
    header += '\n';
    const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, char(header.size() & 255), char(header.size() >> 8)};
    std::vector<std::byte> bytes;
    const auto append = [&](std::span<const std::byte> part) { bytes.insert(bytes.end(), part.begin(), part.end()); };
    append(std::as_bytes(std::span(magic)));
    append(std::as_bytes(std::span(header)));
    append(std::as_bytes(std::span(tensor.values)));
    return bytes;
}

void write_npy(const std::string& path, const HostTensor& tensor) { write_file_atomically(path, npy_bytes(tensor)); }

}  // namespace limpid
