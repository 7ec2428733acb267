# Compiles the page of reports into the library: `std::string_view limpid::report_page_template()`.
file(READ ${CMAKE_SOURCE_DIR}/viz/report/page/dist/report.html LIMPID_PAGE)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/viz/report/page/dist/report.html)
set(LIMPID_PAGE_SOURCE ${CMAKE_BINARY_DIR}/generated/viz/report_page.cpp)
file(CONFIGURE OUTPUT ${LIMPID_PAGE_SOURCE} CONTENT "// Written by viz/report/embed.cmake from page/dist/report.html.
#include \"viz/report/page.h\"

namespace limpid {

std::string_view report_page_template() { return R\"limpid(@LIMPID_PAGE@)limpid\"; }

}  // namespace limpid
" @ONLY)
target_sources(limpid_core PRIVATE ${LIMPID_PAGE_SOURCE})
