// The text of page/dist/report.html, which is compiled into the library (viz/report/embed.cmake).
#pragma once

#include <string_view>

namespace limpid {

std::string_view report_page_template();

}  // namespace limpid
