// Where results are kept between runs when the command line does not name a folder: the only reader of XDG_CACHE_HOME.
#pragma once

#include <string>

namespace limpid {

// $XDG_CACHE_HOME/limpid, by default ~/.cache/limpid; empty when not even HOME is set.
std::string cache_home();

}  // namespace limpid
