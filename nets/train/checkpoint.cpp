// Where training stands, in a file.
#include "kernels/error.h"
#include "nets/train/train.h"
#include "weights/file.h"
#include "weights/readers.h"

namespace limpid {

namespace {

// Names of the tensors beside the parameters; no layer has such a name.
constexpr const char *kFirstMoments = "m of ", *kSecondMoments = "v of ", *kLosses = "losses",
                     *kAccuracies = "accuracies";

// A checkpoint is written again and again: there is nothing else to make it from.
constexpr std::string_view kBeginAnew = "put an intact copy in its place, or remove it to begin anew";

HostTensor row(const std::vector<float>& values) { return {{1, 1, 1, int64_t(values.size())}, values}; }

}  // namespace

std::string Trainer::identity() const {
    return concat("limpid train ", loader_.data().name, ": ", to_string(options_), "; from ", net_.weights->checksum);
}

void Trainer::save(const std::string& path) {
    Weights checkpoint = weights();
    put(checkpoint, kFirstMoments, m_);
    put(checkpoint, kSecondMoments, v_);
    if (done() > 0) {
        checkpoint.tensors[kLosses] = row(losses_);
        checkpoint.tensors[kAccuracies] = row(right_);
    }
    checkpoint.checksum = checksum_of(checkpoint.tensors);
    save_weights(path, checkpoint);
}

void Trainer::resume(const std::string& path) {
    const std::vector<std::byte> file = read_file(path);
    with_context(path, [&] {
        const Weights checkpoint = read_hdf5(file, kBeginAnew);
        if (checkpoint.source != identity())
            throw Error(concat("is a checkpoint of \"", checkpoint.source, "\", expected \"", identity(),
                               "\"; resume with the options it was begun with, or remove it to begin anew"));
        std::vector<float> losses, right;
        const auto found = checkpoint.tensors.find(kLosses), other = checkpoint.tensors.find(kAccuracies);
        if (found != checkpoint.tensors.end()) losses = found->second.values;
        if (other != checkpoint.tensors.end()) right = other->second.values;
        if (losses.size() != right.size() || int64_t(losses.size()) > options_.steps)
            throw Error(concat("says ", losses.size(), " and ", right.size(), " updates of ", options_.steps,
                               "; remove it to begin anew"));
        const std::pair<const char*, DeviceTensor*> parts[] = {
            {"", &theta_}, {kFirstMoments, &m_}, {kSecondMoments, &v_}};
        for (const auto& [prefix, tensor] : parts) {
            const std::vector<float> values = flat(checkpoint, prefix);
            upload(stream_, values.data(), tensor->buffer.floats(), int64_t(values.size()));
        }
        losses_ = std::move(losses), right_ = std::move(right);
    });
}

}  // namespace limpid
