// The published numbers as files, and the largest differences from them.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kernels/tensor.h"

namespace limpid {

// A folder of published files.
class Published {
  public:
    explicit Published(std::string folder) : folder_(std::move(folder)) {}
    bool has(const std::string& name) const;
    nlohmann::json json(const std::string& name) const;
    HostTensor array(const std::string& name) const;                             // .npy
    HostTensor member(const std::string& name, const std::string& array) const;  // of an .npz
    HostTensor photo(const std::string& name) const;                             // RGB in [0,1]

  private:
    std::string folder_;
};

// The largest |a - b|; infinite where a number is not finite or the sizes differ.
double worst_difference(const std::vector<double>& ours, const std::vector<double>& published);
std::vector<double> as_doubles(const HostTensor& tensor);

}  // namespace limpid
