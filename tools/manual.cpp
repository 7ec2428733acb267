// Manual page and completions, from the same declarations that parse the command line.
#include "tools/manual.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "kernels/error.h"
#include "tools/command.h"
#include "tools/progress.h"
#include "tools/version.h"

namespace limpid {

namespace {

// "TEXT:{plain,smooth}" or "ENUM:value in {centre->0,peak->1} OR {0,1}" to the words: CLI11 tells them nowhere else.
std::vector<std::string> words_of(const std::string& type) {
    std::vector<std::string> words;
    const size_t open = type.find('{'), close = type.find('}', open);
    if (open == std::string::npos || close == std::string::npos) return words;
    for (size_t at = open + 1; at < close;) {
        const size_t end = std::min(type.find(',', at), close);
        const std::string word = type.substr(at, end - at);
        words.push_back(word.substr(0, word.find("->")));
        at = end + 1;
    }
    return words;
}

OptionEntry entry_of(const CLI::Option& option) {
    OptionEntry entry;
    for (const std::string& name : option.get_lnames()) entry.names.push_back("--" + name);
    for (const std::string& name : option.get_snames()) entry.names.push_back("-" + name);
    const std::string type = option.get_type_name();
    if (entry.names.empty())
        entry.value = option.get_name();
    else if (option.get_expected_max() > 0)
        entry.value = type.starts_with("ENUM") ? "WORD" : type.substr(0, type.find_first_of(":, "));
    if (!entry.value.empty()) entry.values = words_of(type);
    entry.summary = option.get_description();
    entry.otherwise = option.get_default_str();
    entry.required = option.get_required();
    entry.repeated = option.get_expected_max() > 1;
    return entry;
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

std::string joined(const std::vector<std::string>& words, const std::string& separator) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
    return text;
}

// Text that roff takes literally: no escapes, real hyphens, no line that is a request.
std::string roff(const std::string& text) {
    std::string result = replaced(replaced(text, "\\", "\\e"), "-", "\\-");
    if (result.starts_with('.') || result.starts_with('\'')) result = "\\&" + result;
    return replaced(result, "\n", " ");
}

constexpr const char* kFiles =
    "Results are written whole or not at all. None is written over a file that the same command reads, by whatever "
    "name. Where the name of a result is a symbolic link, the file that it leads to is written and the link stays; "
    "pipes, sockets and devices are refused. Names are bytes: in JSON a byte that is not UTF-8 is the character U+EF00 "
    "+ byte (U+EF80 to U+EFFF), and reads back to the same byte.";

constexpr const char* kPositions =
    "A position of a layer is row first, then column, both from 0 at the top left: mixed4d:3,9 for limpid attribute, "
    "neuron(mixed4d, 476, row=3, column=9) in an objective. Where there are x and y, they are column and row; only "
    "the former form neuron(x=, y=) is read with x as the row, and says so.";

std::string in_single_quotes(const std::string& text) { return "'" + replaced(text, "'", "'\\''") + "'"; }

std::string capital(const std::string& text) {
    std::string result = text;
    if (!result.empty()) result[0] = char(std::toupper(static_cast<unsigned char>(result[0])));
    return result;
}

std::string man_option(const OptionEntry& option) {
    std::string text = ".TP\n";
    for (const std::string& name : option.names) text += (name == option.names[0] ? ".BR " : " \", \" ") + roff(name);
    if (option.names.empty())
        text += ".I " + roff(option.value);
    else if (!option.value.empty())
        text += " \" \" \"\\fI" + roff(option.value) + "\\fR\"";
    text += '\n' + roff(capital(option.summary)) + '.';
    if (!option.values.empty() && option.summary.find(option.values[0]) == std::string::npos)
        text += " One of " + roff(joined(option.values, ", ")) + '.';
    if (!option.otherwise.empty()) text += " Default: " + roff(option.otherwise) + '.';
    if (option.required) text += " Required.";
    return text + '\n';
}

std::string synopsis(const CommandEntry& command) {
    std::string text;
    for (const OptionEntry& option : command.options) {
        if (!option.names.empty() && !option.required) continue;
        const std::string word =
            (option.names.empty() ? "" : option.names[0] + ' ') + option.value + (option.repeated ? "..." : "");
        text += ' ' + (option.required ? word : '[' + word + ']');
    }
    return text;
}

}  // namespace

std::vector<CommandEntry> list_commands() {
    std::vector<CommandEntry> entries;
    for (const Command& command : commands()) {
        CLI::App app(command.summary, command.name);
        command.declare(app);
        CommandEntry entry{command.name, command.summary, {}};
        for (const CLI::Option* option : app.get_options()) entry.options.push_back(entry_of(*option));
        entries.push_back(std::move(entry));
    }
    return entries;
}

std::string man_page(const std::vector<CommandEntry>& commands) {
    std::string text =
        concat(".TH LIMPID 1 \"\" \"limpid ", LIMPID_VERSION, "\" \"User Commands\"\n.SH NAME\nlimpid \\- ",
               roff(kProgramSummary),
               "\n.SH SYNOPSIS\n.B limpid\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.br\n.B limpid \\-\\-version\n");
    text +=
        ".SH DESCRIPTION\nLimpid runs convolutional networks such as GoogLeNet from converted weights, differentiates "
        "them, and "
        "draws what their units respond to and what their answers are owed to. Every command is described below; a "
        "network is "
        "named by\n.B \\-\\-weights\nor found in the folder of the environment variable LIMPID_MODELS.\n.SH COMMANDS\n";
    for (const CommandEntry& command : commands) {
        text += ".SS limpid " + roff(command.name + synopsis(command)) + '\n' + roff(capital(command.summary)) + ".\n";
        for (const OptionEntry& option : command.options) text += man_option(option);
    }
    text += concat(".SH FILES\n", roff(kFiles), "\n.SH POSITIONS\n", roff(kPositions), "\n.SH PROGRESS\n",
                   roff(kProgressLines), "\n.SH ENVIRONMENT\n");
    for (const EnvironmentVariable& variable : environment_variables())
        text += concat(".TP\n.B ", variable.name, '\n', roff(capital(variable.summary)), ".\n");
    return text + ".SH EXIT STATUS\n" + roff(capital(kExitStatuses)) + '\n';
}

// The words are in a case per command; an option with few values offers them, any other value and argument is a file.
std::string bash_completion(const std::vector<CommandEntry>& commands) {
    std::string names, cases;
    for (const CommandEntry& command : commands) {
        names += command.name + ' ';
        std::string options, values;
        for (const OptionEntry& option : command.options) {
            for (const std::string& name : option.names) options += name + ' ';
            if (!option.names.empty() && !option.value.empty())
                values +=
                    concat("                ", joined(option.names, "|"), ") ",
                           option.values.empty() ? "return" : "words=" + in_single_quotes(joined(option.values, " ")),
                           " ;;\n");
        }
        cases += concat("        ", command.name, ")\n            words=", in_single_quotes(options), '\n',
                        values.empty() ? "" : "            case $previous in\n" + values + "            esac\n",
                        "            ;;\n");
    }
    return concat(
        "# Completions of limpid for bash; generated by `limpid manual --as bash`.\n_limpid() {\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words\n    COMPREPLY=()\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '",
        names, "--help --version' -- \"$word\"))\n        return\n    fi\n    case ${COMP_WORDS[1]} in\n", cases,
        "        *) return ;;\n    esac\n"
        "    # An argument that is no option is a file's name, or an expression that nobody can guess.\n"
        "    case $words in -*) [[ $word == -* ]] || return ;; esac\n"
        "    COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o default -F _limpid limpid\n");
}

std::string zsh_completion(const std::vector<CommandEntry>& commands) {
    // In the specification of an argument, colons and brackets of the text are escaped.
    const auto escaped = [](const std::string& text) {
        std::string result = replaced(text, "\\", "\\\\");
        for (const char* mark : {":", "[", "]"}) result = replaced(result, mark, std::string("\\") + mark);
        return result;
    };
    std::string names, cases;
    for (const CommandEntry& command : commands) {
        names += "        " + in_single_quotes(command.name + ':' + escaped(command.summary)) + '\n';
        cases += concat("        ", command.name, ") _arguments");
        for (const OptionEntry& option : command.options)
            for (const std::string& name : option.names)
                cases += " \\\n            " +
                         in_single_quotes(concat(option.repeated ? "*" : "", name, '[', escaped(option.summary), ']',
                                                 option.value.empty() ? "" : ':' + escaped(option.value) + ':',
                                                 option.value.empty()    ? ""
                                                 : option.values.empty() ? "_files"
                                                                         : '(' + joined(option.values, " ") + ')'));
        cases += " \\\n            '*:argument:_files' ;;\n";
    }
    return concat(
        "#compdef limpid\n# Completions of limpid for zsh; generated by `limpid manual --as zsh`.\n_limpid() {\n"
        "    local -a names=(\n",
        names,
        "    )\n    if (( CURRENT == 2 )); then\n        _describe command names\n        return\n    fi\n"
        "    local name=$words[2]\n    shift words\n    (( CURRENT-- ))\n    case $name in\n",
        cases, "    esac\n}\n_limpid \"$@\"\n");
}

std::string fish_completion(const std::vector<CommandEntry>& commands) {
    std::string text = "# Completions of limpid for fish; generated by `limpid manual --as fish`.\n";
    // Fish has no '\'' in its quotes; it escapes inside of them.
    const auto quoted = [](const std::string& t) {
        return "'" + replaced(replaced(t, "\\", "\\\\"), "'", "\\'") + "'";
    };
    for (const CommandEntry& command : commands)
        text += concat("complete -c limpid -n __fish_use_subcommand -f -a ", command.name, " -d ",
                       quoted(command.summary), '\n');
    for (const CommandEntry& command : commands)
        for (const OptionEntry& option : command.options) {
            if (option.names.empty()) continue;
            text += concat("complete -c limpid -n '__fish_seen_subcommand_from ", command.name, "'");
            for (const std::string& name : option.names)
                text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
            if (!option.value.empty()) text += " -r";
            if (!option.values.empty()) text += " -f -a " + quoted(joined(option.values, " "));
            text += " -d " + quoted(option.summary) + '\n';
        }
    return text;
}

}  // namespace limpid
