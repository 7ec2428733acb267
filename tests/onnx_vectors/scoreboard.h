// Which test vectors are run, how they did, and the table of it: docs/onnx.md.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/onnx_vectors/run_vector.h"

namespace limpid::testing {

struct Score {
    std::string group;  // the row of the table: an operator, a layer of torch, a network
    Vector vector;
    VectorResult result;
};

struct Family {
    std::string title, what;
    std::vector<Score> scores;
};

// Runs all vectors whose operators are in scope. Throws Error where a family is empty: nothing would be tested.
std::vector<Family> run_all(const VectorArchives& archives, Stream& stream);

// misses.txt: "NAME: REASON" for every vector that is expected not to pass.
std::map<std::string, std::string> expected_misses();

std::string document_of(const std::vector<Family>& families, const std::map<std::string, std::string>& misses);

}  // namespace limpid::testing
