// The options of every command as data, and what is generated from it: the manual page, completions for shells.
#pragma once

#include <string>
#include <vector>

namespace limpid {

struct OptionEntry {
    std::vector<std::string> names;   // "--out", "-o"; none: a positional argument
    std::string value;                // what it takes, e.g. "FILE"; for a positional argument its name. Empty: a flag
    std::vector<std::string> values;  // all that it takes, where these are few words
    std::string summary;
    std::string otherwise;  // the default, where it is shown
    bool required = false, repeated = false;
};

struct CommandEntry {
    std::string name, summary;
    std::vector<OptionEntry> options;  // in the order of --help
};

std::vector<CommandEntry> list_commands();

// roff of the man macros, section 1.
std::string man_page(const std::vector<CommandEntry>& commands);
// Scripts: of bash to be sourced, of zsh for a file _limpid in $fpath, of fish for a file limpid.fish.
std::string bash_completion(const std::vector<CommandEntry>& commands);
std::string zsh_completion(const std::vector<CommandEntry>& commands);
std::string fish_completion(const std::vector<CommandEntry>& commands);

}  // namespace limpid
