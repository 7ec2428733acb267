// Ctrl-C, SIGTERM and a terminal that closes, as a question that long work asks between its pieces.
#pragma once

#include "kernels/stop.h"

namespace limpid {

// From now on the first SIGINT, SIGTERM or SIGHUP makes interrupted() true; a second one ends the program at once.
// Work that nobody can ask within (reading a file that blocks, a library) does not keep it: while nothing has been
// written, the program ends a second after the signal in any case, with the same status.
void watch_interrupts();

bool interrupted();
// The same, for streams and loops.
Stop interrupt_stop();

// The last moment at which a command ends with nothing done: throws Stopped where it was interrupted. From here on it
// writes, and decides itself when to end.
void keep_results();
// What a command that was interrupted says, unless it has more to say.
const char* interrupted_words();

}  // namespace limpid
