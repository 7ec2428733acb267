// Reads JSON, .npy, members of .npz, photos.
#include "viz/parity/published.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include "kernels/error.h"
#include "viz/image/array_file.h"
#include "viz/image/image.h"
#include "viz/json_text.h"
#include "weights/file.h"
#include "weights/unzip.h"

namespace limpid {

bool Published::has(const std::string& name) const {
    std::error_code error;
    return std::filesystem::is_regular_file(folder_ + "/" + name, error);
}

nlohmann::json Published::json(const std::string& name) const {
    const std::string path = folder_ + "/" + name;
    const std::vector<std::byte> bytes = read_file(path);
    const nlohmann::ordered_json result = from_json_text(as_text(bytes));
    if (result.is_discarded()) throw Error(concat(path, ": is no JSON; expected the published file, copy it again"));
    return result;
}

HostTensor Published::array(const std::string& name) const { return load_array(folder_ + "/" + name); }

HostTensor Published::member(const std::string& name, const std::string& array) const {
    const std::string path = folder_ + "/" + name;
    const std::vector<std::byte> bytes = read_member(path, array + ".npy");
    return with_context(path, [&] { return decode_npy(bytes); });
}

HostTensor Published::photo(const std::string& name) const { return load_flat(folder_ + "/" + name); }

double worst_difference(const std::vector<double>& ours, const std::vector<double>& published) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (ours.size() != published.size() || ours.empty()) return kInfinity;
    double worst = 0;
    for (size_t i = 0; i < ours.size(); i++) {
        const double difference = std::fabs(ours[i] - published[i]);
        if (!std::isfinite(difference)) return kInfinity;
        worst = std::max(worst, difference);
    }
    return worst;
}

std::vector<double> as_doubles(const HostTensor& tensor) { return {tensor.values.begin(), tensor.values.end()}; }

}  // namespace limpid
