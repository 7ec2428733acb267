// A request to end work early, asked between two pieces of it.
#pragma once

#include <functional>
#include <utility>

namespace limpid {

// Thrown where work stops because it was asked to. Not an Error: nothing is wrong, and nobody may go on with other
// work instead.
struct Stopped {};

// What is asked may be asked from several threads at once, and often. Without it nothing ever stops.
class Stop {
  public:
    Stop() = default;
    explicit Stop(std::function<bool()> asked) : asked_(std::move(asked)) {}
    bool asked() const { return asked_ && asked_(); }
    // Throws Stopped where a stop was asked for.
    void check() const {
        if (asked()) throw Stopped();
    }

  private:
    std::function<bool()> asked_;
};

}  // namespace limpid
