// Numbers on the command line are what is written, or an error: never wrapped around, cut off or not a number.
#pragma once

namespace CLI {
class App;
}

namespace limpid {

// Makes every option of the command that takes numbers refuse what its type cannot hold exactly. Ranges are its own.
void check_numbers(CLI::App& app);

}  // namespace limpid
