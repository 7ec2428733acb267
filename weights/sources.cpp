// The table of public weights.
#include "weights/sources.h"

#include <filesystem>

#include "kernels/error.h"
#include "weights/file.h"
#include "weights/unzip.h"

namespace limpid {

const std::vector<WeightSource>& weight_sources() {
    static const std::vector<WeightSource> sources = {
        {"googlenet",
         "inception5h",
         "GoogLeNet as Lucid and Building Blocks of Interpretability use it (TensorFlow's inception5h)",
         {{"https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip",
           "http://download.tensorflow.org/models/inception5h.zip"},
          "d13569f6a98159de37e92e9c8ec4dae8f674fbf475f69fe6199b514f756d4364",
          ""},
         "inception5h.zip",
         "tensorflow_inception_graph.pb"},
        {"bvlc",
         "bvlc",
         "GoogLeNet of the Caffe model zoo",
         // The zoo publishes SHA-1 only.
         {{"http://dl.caffe.berkeleyvision.org/bvlc_googlenet.caffemodel"},
          "",
          "405fc5acd08a3bb12de8ee5e23a96bec22f08204"},
         "bvlc_googlenet.caffemodel",
         ""},
    };
    return sources;
}

const WeightSource& weight_source(const std::string& name) {
    std::string names;
    for (const WeightSource& source : weight_sources()) {
        if (source.name == name) return source;
        names += (names.empty() ? "" : ", ") + source.name;
    }
    throw UsageError(
        concat(name, ": unknown weights, expected one of ", names, "; other files are imported with `limpid convert`"));
}

std::string fetch_weights(const WeightSource& source, const std::string& folder, const FetchProgress& progress) {
    create_folder(folder);
    const std::filesystem::path path = std::filesystem::path(folder) / source.file;
    fetch(source.download, path.string(), progress);
    if (source.member.empty()) return path.string();
    const std::string model = (std::filesystem::path(folder) / source.member).string();
    unzip_member(path.string(), source.member, model);
    return model;
}

}  // namespace limpid
