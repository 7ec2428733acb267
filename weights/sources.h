// Where public weights are to be had.
#pragma once

#include <string>
#include <vector>

#include "weights/fetch.h"

namespace limpid {

struct WeightSource {
    std::string name;         // what users call it, and the converted file's name: "googlenet" -> googlenet.h5
    std::string variant;      // as in Weights
    std::string description;  // one line
    Download download;
    std::string file;    // name of the downloaded file
    std::string member;  // of a zip archive: the model inside; empty: the download is the model
};

const std::vector<WeightSource>& weight_sources();
// Throws UsageError that lists the names.
const WeightSource& weight_source(const std::string& name);

// Downloads and unpacks into `folder`, which is created; answers the path of the file for import_weights.
std::string fetch_weights(const WeightSource& source, const std::string& folder, const FetchProgress& progress = {});

}  // namespace limpid
