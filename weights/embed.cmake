# Compiles the tables of weights/names/ into the library, so that the program needs no data files beside it.
# They become `std::string_view limpid::embedded(name)`, see weights/name_table.h.
file(GLOB EMBEDDED_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/weights/names/*.txt)
set(EMBEDDED_SOURCE ${CMAKE_BINARY_DIR}/generated/weights/embedded.cpp)
set(EMBEDDED_TEXT "// Written by weights/embed.cmake from weights/names/*.txt.\n#include \"weights/name_table.h\"\n\nnamespace limpid {\n
std::string_view embedded(std::string_view name) {\n")
foreach(file ${EMBEDDED_FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} content)
  string(APPEND EMBEDDED_TEXT "    if (name == \"${name}\") return R\"limpid(${content})limpid\";\n")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
endforeach()
string(APPEND EMBEDDED_TEXT "    return {};\n}\n\n}  // namespace limpid\n")
# Written only when it changes: a reconfiguration alone rebuilds nothing.
file(CONFIGURE OUTPUT ${EMBEDDED_SOURCE} CONTENT "@EMBEDDED_TEXT@" @ONLY)
target_sources(limpid_core PRIVATE ${EMBEDDED_SOURCE})
