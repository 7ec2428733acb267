// The three kinds of failure: Error (the user's or a file's fault), CHECK (ours), and device errors (thrown as Error
// too).
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace limpid {

// Something outside the program is wrong: a file, an argument, a device. The message is one line with four parts:
// where, what was found, what was expected, what to do. A layer that knows more adds its context while the exception
// passes upward.
class Error : public std::runtime_error {
  public:
    explicit Error(const std::string& message) : std::runtime_error(message) {}
};

// The command line is wrong: exit status 2 instead of 1.
class UsageError : public Error {
  public:
    using Error::Error;
};

// concat("filter has ", c, " channels") -> std::string; every argument must be streamable.
template <class... Parts>
std::string concat(const Parts&... parts) {
    std::ostringstream text;
    ((void)(text << parts), ...);
    return text.str();
}

// What a caller must have given: otherwise throws Error with the parts as its message.
template <class... Parts>
void require(bool given, const Parts&... parts) {
    if (!given) throw Error(concat(parts...));
}

// Runs `body`; an Error that leaves it gets "where: " in front.
template <class Body>
decltype(auto) with_context(std::string_view where, Body&& body) {
    try {
        return std::forward<Body>(body)();
    } catch (const UsageError& error) {
        throw UsageError(concat(where, ": ", error.what()));
    } catch (const Error& error) {
        throw Error(concat(where, ": ", error.what()));
    }
}

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const std::string& detail);

}  // namespace limpid

// Our own invariants; always on. Stops the program with file, line and an optional explanation: CHECK(c > 0, "c is ",
// c).
#define CHECK(condition, ...)                                                                                    \
    do {                                                                                                         \
        if (!(condition)) ::limpid::check_failed(#condition, __FILE__, __LINE__, ::limpid::concat(__VA_ARGS__)); \
    } while (false)
