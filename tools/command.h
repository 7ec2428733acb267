// What a sub-command of limpid is, and the list of them. Exit statuses are part of the interface: scripts rely on them.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace limpid {

class Objective;

enum ExitStatus {
    kDone = 0,
    kFailed = 1,      // the reason is the last line on stderr
    kWrongUsage = 2,  // nothing was attempted
    kPartlyDone = 3,  // interrupted, or some of several results failed: what is finished has been kept
};

// What a command does once its options are parsed. Results go to std::cout, progress to stderr; failure is a thrown
// Error.
using Run = std::function<ExitStatus()>;

struct Command {
    const char* name;
    const char* summary;            // one line, for limpid --help
    Run (*declare)(CLI::App& app);  // adds the options; the values they fill are owned by the Run it returns
};

// What the environment may say; read nowhere but in tools/.
struct EnvironmentVariable {
    const char* name;
    const char* summary;
};

// The tables behind limpid --help, the manual page and the completions of shells.
std::span<const Command> commands();
std::span<const EnvironmentVariable> environment_variables();
extern const char* const kProgramSummary;
extern const char* const kExitStatuses;

// Runs a command as if these were its arguments: for commands that stand for another.
ExitStatus run_command(const std::string& name, const std::vector<std::string>& arguments);

// "limpid render: ..." on stderr where objectives were written in a form of earlier versions.
void say_old_forms(const std::string& command, std::span<const Objective> objectives);

// The text as a shell takes it for one word.
std::string shell_word(const std::string& text);

// Text from a file or an argument, safe to show on a terminal and on one line: control characters become '?'.
std::string one_line(std::string_view text);

}  // namespace limpid
