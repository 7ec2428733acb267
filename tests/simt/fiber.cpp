// The switch itself: fourteen instructions on x86-64, ucontext elsewhere.
#include "tests/simt/fiber.h"

#include <sys/mman.h>

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <pthread.h>
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

#if defined(__x86_64__)
// Registers that a call preserves, then the stack pointer.
extern "C" void simt_switch(void** save, void* to);
asm(R"(
.text
.globl simt_switch
.type simt_switch,@function
simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp,(%rdi)
  movq %rsi,%rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size simt_switch,.-simt_switch
)");
#endif

namespace simt {

namespace {

constexpr size_t kGuardBytes = 4096;

#if defined(__SANITIZE_ADDRESS__)
// Where the host's own stack lies, asked once per thread.
struct HostStack {
    void* begin = nullptr;
    size_t bytes = 0;
    HostStack() {
        pthread_attr_t attributes;
        pthread_getattr_np(pthread_self(), &attributes);
        pthread_attr_getstack(&attributes, &begin, &bytes);
        pthread_attr_destroy(&attributes);
    }
};
#endif

}  // namespace

char* StackPool::take() {
    if (!free_.empty()) {
        char* stack = free_.back();
        free_.pop_back();
        return stack;
    }
    void* memory = mmap(nullptr, kStackBytes + kGuardBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED || mprotect(memory, kGuardBytes, PROT_NONE) != 0) std::abort();
    return static_cast<char*>(memory) + kGuardBytes;
}

void entered_fiber() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
#endif
}

#if defined(__x86_64__)

void prepare(Context& context, char* stack, void (*entry)()) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(stack, kStackBytes);  // frames of a fiber that ended or was abandoned
#endif
    constexpr int kSavedRegisters = 6;
    void** top = reinterpret_cast<void**>(stack + kStackBytes) - 2;
    top[0] = reinterpret_cast<void*>(entry);
    top[1] = nullptr;  // its return address: it never returns
    top -= kSavedRegisters;
    for (int i = 0; i < kSavedRegisters; i++) top[i] = nullptr;
    context = {top, nullptr};
}

static void jump(Context& from, const Context& to) { simt_switch(&from.stack_pointer, to.stack_pointer); }

#else

// stack_pointer holds a ucontext_t, kept for the life of the program: contexts are few and reused.
void prepare(Context& context, char* stack, void (*entry)()) {
    auto* saved = static_cast<ucontext_t*>(context.stack_pointer ? context.stack_pointer : new ucontext_t);
    getcontext(saved);
    saved->uc_stack.ss_sp = stack;
    saved->uc_stack.ss_size = kStackBytes;
    saved->uc_link = nullptr;
    makecontext(saved, entry, 0);
    context.stack_pointer = saved;
}

static void jump(Context& from, const Context& to) {
    if (!from.stack_pointer) from.stack_pointer = new ucontext_t;
    swapcontext(static_cast<ucontext_t*>(from.stack_pointer), static_cast<const ucontext_t*>(to.stack_pointer));
}

#endif

void switch_context(Context& from, const Context& to, [[maybe_unused]] char* stack, [[maybe_unused]] bool dying) {
#if defined(__SANITIZE_ADDRESS__)
    static thread_local HostStack host;
    __sanitizer_start_switch_fiber(dying ? nullptr : &from.sanitizer_state, stack ? stack : host.begin,
                                   stack ? kStackBytes : host.bytes);
#endif
    jump(from, to);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(from.sanitizer_state, nullptr, nullptr);
#endif
}

}  // namespace simt
