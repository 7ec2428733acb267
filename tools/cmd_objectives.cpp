// limpid objectives: the words of the objective language.
#include <CLI/CLI.hpp>
#include <iostream>

#include "tools/command.h"
#include "viz/objective/terms.h"

namespace limpid {

namespace {

ExitStatus print_terms() {
    for (const auto& term : known_terms()) {
        std::string arguments;
        for (const TermParameter& p : term->parameters)
            arguments += (arguments.empty() ? "" : ", ") + p.name + (p.required ? "" : "=");
        std::cout << term->name << '(' << arguments << ")\n    " << term->summary
                  << (term->reach == Term::Reach::batch ? "; of the whole batch" : "") << '\n';
    }
    return kDone;
}

}  // namespace

Run declare_objectives(CLI::App&) { return print_terms; }

}  // namespace limpid
