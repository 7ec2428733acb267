// The program limpid: the table of sub-commands, exit statuses, one line per error.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iomanip>
#include <iostream>
#include <new>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/error.h"
#include "nets/nearest.h"
#include "tools/command.h"
#include "tools/device_list.h"
#include "tools/interrupt.h"
#include "tools/number_option.h"
#include "tools/version.h"
#include "viz/objective/objective.h"

namespace limpid {

std::string one_line(std::string_view text) {
    std::string result(text);
    for (char& c : result)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    return result;
}

void say_old_forms(const std::string& command, std::span<const Objective> objectives) {
    if (const std::string note = old_form_note(objectives); !note.empty())
        std::cerr << "limpid " << command << ": " << one_line(note) << '\n';
}

// One per cmd_*.cpp. Declared here, where alone they are named: a new command leaves the others compiled.
Run declare_activations(CLI::App& app);
Run declare_appendix(CLI::App& app);
Run declare_attribute(CLI::App& app);
Run declare_batch(CLI::App& app);
Run declare_classify(CLI::App& app);
Run declare_convert(CLI::App& app);
Run declare_devices(CLI::App& app);
Run declare_dictionary(CLI::App& app);
Run declare_fetch(CLI::App& app);
Run declare_gradcheck(CLI::App& app);
Run declare_grid(CLI::App& app);
Run declare_groups(CLI::App& app);
Run declare_info(CLI::App& app);
Run declare_judge(CLI::App& app);
Run declare_manual(CLI::App& app);
Run declare_objectives(CLI::App& app);
Run declare_parity(CLI::App& app);
Run declare_recipe(CLI::App& app);
Run declare_render(CLI::App& app);
Run declare_report(CLI::App& app);
Run declare_sheet(CLI::App& app);
Run declare_train(CLI::App& app);
Run declare_world(CLI::App& app);

namespace {

constexpr Command kCommands[] = {
    {"render", "draw what a unit of a network responds to", declare_render},
    {"appendix", "make a page to browse what every channel responds to", declare_appendix},
    {"batch", "draw whole layers, or any list of jobs, into a folder", declare_batch},
    {"dictionary", "list the channels that answer most at every position of a photo", declare_dictionary},
    {"attribute", "show what an output or a layer owes to the pixels or activations of a photo", declare_attribute},
    {"groups", "factorise a photo's activations into groups of neurons", declare_groups},
    {"grid", "draw what a layer sees at every position of a photo", declare_grid},
    {"activations", "write the activations of layers for a photo as .npy or .h5", declare_activations},
    {"classify", "say what a network sees in a photo", declare_classify},
    {"convert", "convert trained weights (.caffemodel, .pb, .onnx) to limpid's .h5, or to .onnx", declare_convert},
    {"devices", "list the devices of this machine", declare_devices},
    {"fetch", "download trained weights and convert them", declare_fetch},
    {"gradcheck", "compare an objective's gradient with finite differences", declare_gradcheck},
    {"info", "show what a file of weights contains", declare_info},
    {"judge", "score methods of attribution and visualisations where the truth is known", declare_judge},
    {"manual", "print the manual page, or completions for a shell", declare_manual},
    {"objectives", "list the terms of the objective language", declare_objectives},
    {"parity", "compare with the numbers that were published with the papers", declare_parity},
    {"recipe", "draw as a figure of the papers was drawn", declare_recipe},
    {"report", "make a page of interactive figures for photos", declare_report},
    {"sheet", "lay many pictures out as one", declare_sheet},
    {"train", "teach a small network what is in labelled pictures", declare_train},
    {"world", "paint the procedural world: patterns, with masks of where they are", declare_world},
};

constexpr EnvironmentVariable kEnvironment[] = {
    {"LIMPID_MODELS", "folder with weights (.h5); otherwise $XDG_DATA_HOME/limpid or ~/.local/share/limpid"},
    {"XDG_CACHE_HOME", "where limpid/icons keeps what reports share; otherwise ~/.cache"},
    {"NO_COLOR", "no colours in the output"},
};

std::vector<std::string> command_names() {
    std::vector<std::string> names;
    for (const Command& command : kCommands) names.push_back(command.name);
    return names;
}

const Command& find_command(const std::string& name) {
    const auto found = std::ranges::find(kCommands, name, &Command::name);
    if (found == std::end(kCommands))
        throw UsageError(concat('"', name, "\" is not a command of limpid; did you mean ",
                                nearest_names(name, command_names()), "? see limpid --help"));
    return *found;
}

void print_help() {
    std::cout << "limpid: " << kProgramSummary
              << "\n\nUsage: limpid COMMAND [OPTIONS]     limpid COMMAND --help\n\nCommands:\n"
              << std::left;
    for (const Command& command : kCommands)
        std::cout << "  " << std::setw(12) << command.name << command.summary << '\n';
    std::cout << "\nOptions:\n"
                 "  --help      this text\n"
                 "  --version   version, commit, compilers and devices\n\nEnvironment:\n";
    for (const EnvironmentVariable& variable : kEnvironment)
        std::cout << "  " << std::setw(15) << variable.name << variable.summary << '\n';
    std::cout << "\nExit status: " << kExitStatuses << '\n';
}

void print_version() {
    std::cout << "limpid " << LIMPID_VERSION << " (commit " << (*LIMPID_COMMIT ? LIMPID_COMMIT : "unknown") << ")\n"
#if defined(__clang__)
              << "compilers: clang " << __clang_version__
#else
              << "compilers: g++ " << __VERSION__
#endif
              << ", " << (*LIMPID_CUDA_COMPILER ? LIMPID_CUDA_COMPILER : "no CUDA") << "\ndevices:";
    for (const DeviceEntry& entry : list_devices())
        if (entry.available) std::cout << ' ' << entry.name;
    std::cout << '\n';
}

// "; did you mean --json?" for the first long option that the command does not have, or only ";".
std::string option_hint(const CLI::App& app, std::span<const std::string> arguments) {
    std::vector<std::string> known;
    for (const CLI::Option* option : app.get_options())
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& argument : arguments)
        if (const std::string name = argument.substr(0, argument.find('='));
            name.starts_with("--") && !std::ranges::count(known, name))
            return concat("; did you mean ", nearest_names(name, known), '?');
    return ";";
}

// CLI11's words for an option that is given too often are not a sentence.
std::string message_of(const CLI::ParseError& error) {
    constexpr std::string_view kTooOften = ": At Most 1 required but received ";
    const std::string message = error.what();
    const size_t at = message.find(kTooOften);
    if (at == message.npos) return message;
    return concat(message.substr(0, at), " has ", message.substr(at + kTooOften.size()), " values, expected one");
}

// Objectives such as -mixed4a:3 are values, though CLI11 takes every word after a minus for options: those that are
// like an objective, and begin with no option of the command, are hidden behind a space, which the option takes away
// again.
std::vector<std::string> let_values_begin_with_minus(CLI::App& app, std::span<const std::string> arguments) {
    std::vector<std::string> words(arguments.begin(), arguments.end());
    for (std::string& word : words) {
        if (word == "--") break;
        if (word.size() > 1 && word[0] == '-' && word[1] != '-' && word.find_first_of(":(") != std::string::npos &&
            !app.get_option_no_throw(word.substr(0, 2)))
            word = " " + word;
    }
    for (CLI::Option* option : app.get_options())
        option->transform([](std::string word) { return word.starts_with(" -") ? word.substr(1) : word; });
    return words;
}

// Parses the arguments of one command. Nothing when it was asked for its help, which is printed.
std::optional<Run> parse(const Command& command, std::span<const std::string> arguments) {
    CLI::App app(command.summary, command.name);
    Run run = command.declare(app);
    check_numbers(app);
    std::vector<std::string> reversed = let_values_begin_with_minus(app, arguments);
    std::ranges::reverse(reversed);  // CLI11 takes the last argument first
    try {
        app.parse(reversed);
        return run;
    } catch (const CLI::CallForHelp&) {
        std::cout << app.help("limpid");
        return {};
    } catch (const CLI::ExtrasError&) {
        // CLI11's own message has the words in reverse.
        std::string surplus;
        for (const std::string& word : app.remaining())
            surplus += (surplus.empty() ? "" : " ") + (word.starts_with(" -") ? word.substr(1) : word);
        throw UsageError(concat(command.name, ": found ", surplus, ", which it does not take",
                                option_hint(app, arguments), " see limpid ", command.name, " --help"));
    } catch (const CLI::ParseError& error) {
        throw UsageError(concat(command.name, ": ", message_of(error), option_hint(app, arguments), " see limpid ",
                                command.name, " --help"));
    }
}

ExitStatus run_program(std::vector<std::string> arguments) {
    if (arguments.empty()) throw UsageError("no command given; see limpid --help");
    if (arguments[0] == "help" && arguments.size() > 1) arguments = {arguments[1], "--help"};
    const std::string& first = arguments[0];
    if (first == "--help" || first == "-h" || first == "help") return print_help(), kDone;
    if (first == "--version") return print_version(), kDone;
    if (first.starts_with('-')) throw UsageError(concat("option ", first, " before the command; see limpid --help"));
    return run_command(first, {arguments.begin() + 1, arguments.end()});
}

constexpr const char* kNoMemory =
    "not enough memory; close other programs, raise the limit (ulimit -v), or ask for fewer or smaller images";

ExitStatus fail(ExitStatus status, std::string_view message) {
    std::cout.flush();
    std::fprintf(stderr, "limpid: %s\n", one_line(message).c_str());
    return status;
}

}  // namespace

const char* const kProgramSummary = "what the units of a convolutional network respond to, as pictures";
const char* const kExitStatuses = "0 done, 1 failed, 2 wrong usage, 3 partly done. Errors are one line on stderr.";

std::span<const Command> commands() { return kCommands; }
std::span<const EnvironmentVariable> environment_variables() { return kEnvironment; }

ExitStatus run_command(const std::string& name, const std::vector<std::string>& arguments) {
    const std::optional<Run> run = parse(find_command(name), arguments);
    return run ? (*run)() : kDone;
}

}  // namespace limpid

int main(int argc, char** argv) {
    using namespace limpid;
    std::signal(SIGXFSZ, SIG_IGN);  // a file that grows beyond the limit is a failed write, and said
    try {
        watch_interrupts();
        const ExitStatus status = run_program({argv + 1, argv + argc});
        if (!std::cout.flush()) return fail(kFailed, "standard output cannot be written; is the disk full?");
        return status;
    } catch (const UsageError& error) {
        return fail(kWrongUsage, error.what());
    } catch (const Error& error) {
        return fail(kFailed, error.what());
    } catch (const Stopped&) {
        return fail(kPartlyDone, interrupted_words());
    } catch (const std::bad_alloc&) {
        return fail(kFailed, kNoMemory);
    } catch (const std::length_error&) {  // an array of more bytes than there are addresses
        return fail(kFailed, kNoMemory);
    } catch (const std::exception& error) {
        return fail(kFailed,
                    concat("unexpected failure (", error.what(), "): this is a bug of limpid, please report it"));
    }
}
