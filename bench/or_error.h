// An Error fails the benchmark that met it: the others run.
#pragma once

#include <benchmark/benchmark.h>

#include "kernels/error.h"

namespace limpid {

// failures: counted, so that the program ends with 1.
template <class Work>
void or_error(benchmark::State& state, int& failures, const Work& work) {
    try {
        work();
    } catch (const Error& error) {
        failures++;
        state.SkipWithError(error.what());
    }
}

}  // namespace limpid
