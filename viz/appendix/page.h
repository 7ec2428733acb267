// The text of page.html, which is compiled into the library (viz/appendix/embed.cmake).
#pragma once

#include <string_view>

namespace limpid {

std::string_view appendix_page();

}  // namespace limpid
