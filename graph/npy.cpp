// The header is a Python literal, padded so that the data starts at a multiple of 64 bytes.
#include "graph/npy.h"

#include <cerrno>
#include <cstring>
#include <fstream>

#include "kernels/error.h"

namespace limpid {

void write_npy(const std::string& path, const HostTensor& tensor) {
    const Shape& s = tensor.shape;
    std::string header =
        concat("{'descr': '<f4', 'fortran_order': False, 'shape': (", s.n, ", ", s.h, ", ", s.w, ", ", s.c, "), }");
    header.append(63 - (10 + header.size()) % 64, ' ');
    header += '\n';
    std::ofstream file(path, std::ios::binary);
    const char magic[] = {'\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, char(header.size() & 255), char(header.size() >> 8)};
    file.write(magic, sizeof magic);
    file.write(header.data(), std::streamsize(header.size()));
    file.write(reinterpret_cast<const char*>(tensor.values.data()),
               std::streamsize(tensor.values.size() * sizeof(float)));
    file.close();
    if (!file)
        throw Error(
            concat(path, ": could not be written (", std::strerror(errno), "); check the folder and the free space"));
}

}  // namespace limpid
