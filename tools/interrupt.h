// Ctrl-C and SIGTERM as a question that long work asks between two steps; a second signal ends the program at once.
#pragma once

namespace limpid {

// From now on the first SIGINT or SIGTERM only makes interrupted() true.
void watch_interrupts();

bool interrupted();

}  // namespace limpid
