// Stacks that one thread of the host switches between: a fiber per CUDA thread.
#pragma once

#include <cstddef>
#include <vector>

namespace simt {

inline constexpr size_t kStackBytes = 64 * 1024;

// A point of execution to come back to.
struct Context {
    void* stack_pointer = nullptr;
    void* sanitizer_state = nullptr;  // AddressSanitizer's own record of the stack
};

// A stack with an inaccessible page below it; stacks are kept and reused.
class StackPool {
  public:
    char* take();
    void give_back(char* stack) { free_.push_back(stack); }

  private:
    std::vector<char*> free_;
};

// Makes `context` start `entry` on `stack` when it is switched to.
void prepare(Context& context, char* stack, void (*entry)());
// Saves where we are and goes to `to`, whose stack starts at `stack` (null: the host's own). dying: nobody comes back.
void switch_context(Context& from, const Context& to, char* stack, bool dying);
// The first thing a fiber does.
void entered_fiber();

}  // namespace simt
