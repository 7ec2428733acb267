// limpid manual: the manual page and the completions of shells, from the options themselves.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>

#include "tools/command.h"
#include "tools/manual.h"

namespace limpid {

namespace {

using Writer = std::string (*)(const std::vector<CommandEntry>&);
const std::map<std::string, Writer> kForms{
    {"man", man_page}, {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};

}  // namespace

Run declare_manual(CLI::App& app) {
    const auto form = std::make_shared<std::string>("man");
    app.add_option("--as", *form, "the manual page in roff, or completions for a shell")
        ->check(CLI::IsMember({"man", "bash", "zsh", "fish"}))
        ->capture_default_str();
    return [form] {
        std::cout << kForms.at(*form)(list_commands());
        return kDone;
    };
}

}  // namespace limpid
