# Compiles the page of the appendix into the library: `std::string_view limpid::appendix_page()`.
file(READ ${CMAKE_SOURCE_DIR}/viz/appendix/page.html LIMPID_PAGE)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/viz/appendix/page.html)
set(LIMPID_PAGE_SOURCE ${CMAKE_BINARY_DIR}/generated/viz/appendix_page.cpp)
file(CONFIGURE OUTPUT ${LIMPID_PAGE_SOURCE} CONTENT "// Written by viz/appendix/embed.cmake from page.html.
#include \"viz/appendix/page.h\"

namespace limpid {

std::string_view appendix_page() { return R\"limpid(@LIMPID_PAGE@)limpid\"; }

}  // namespace limpid
" @ONLY)
target_sources(limpid_core PRIVATE ${LIMPID_PAGE_SOURCE})
