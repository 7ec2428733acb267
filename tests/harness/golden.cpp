// Reads the subset of .npy that the reference material uses.
#include "tests/harness/golden.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <regex>

#include "kernels/random/philox.h"

namespace limpid::testing {

std::string shared_file(const std::string& relative) {
    const char* folder = std::getenv("LIMPID_SHARED");
    return folder && *folder ? concat(folder, "/", relative) : "";
}

HostTensor read_npy(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    char head[10] = {};
    file.read(head, 10);
    if (!file || std::string(head, 6) != "\x93NUMPY") throw Error(concat(path, ": is no .npy file"));
    std::string header(size_t(static_cast<unsigned char>(head[8]) + 256 * static_cast<unsigned char>(head[9])), ' ');
    file.read(header.data(), std::streamsize(header.size()));
    const bool doubles = header.find("'<f8'") != std::string::npos;
    if ((header.find("'<f4'") == std::string::npos && !doubles) || header.find("False") == std::string::npos)
        throw Error(concat(path, ": expected float32 or float64 in C order, found ", header));
    const std::string sizes = header.substr(header.find('(') + 1, header.find(')') - header.find('(') - 1);
    std::vector<int64_t> axes;
    const std::regex number("[0-9]+");
    for (std::sregex_iterator it(sizes.begin(), sizes.end(), number), end; it != end; ++it)
        axes.push_back(std::stoll(it->str()));
    for (; axes.size() > 4; axes.erase(axes.begin())) axes[1] *= axes[0];
    while (axes.size() < 4) axes.insert(axes.begin(), 1);
    HostTensor result({axes[0], axes[1], axes[2], axes[3]});
    if (doubles) {
        std::vector<double> values(result.values.size());
        file.read(reinterpret_cast<char*>(values.data()), std::streamsize(values.size() * sizeof(double)));
        std::copy(values.begin(), values.end(), result.values.begin());
    } else {
        file.read(reinterpret_cast<char*>(result.values.data()), std::streamsize(result.values.size() * sizeof(float)));
    }
    if (!file) throw Error(concat(path, ": is truncated"));
    return result;
}

HostTensor he_uniform(Shape shape, int64_t fan_in, uint32_t salt) {
    HostTensor result(shape);
    const float bound = std::sqrt(6.0f / float(fan_in));
    for (int64_t i = 0; i < shape.size(); i++)
        result.values[size_t(i)] = bound * (2 * random_uniform(RandomKey{1, salt, 0, 0}, i) - 1);
    return result;
}

}  // namespace limpid::testing
