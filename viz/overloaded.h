// std::visit with one lambda for each alternative.
#pragma once

namespace limpid {

template <class... Cases>
struct Overloaded : Cases... {
    using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // Clang 14 does not deduce aggregates yet

}  // namespace limpid
