# agw_embed_assets(target NAMESPACE agw::controller NAME web_assets DIRECTORY web): adds a source to the target that holds the
# directory's files as byte arrays, and declares `std::span<const agw::http::asset> web_assets() noexcept` in "<NAME>.hpp".
# index.html is served as "/" as well. Rebuilt when a file changes or comes. Nothing but CMake is needed.
#
# As a script (cmake -P) this file writes that source.
if(CMAKE_SCRIPT_MODE_FILE)
  set(types_html "text/html; charset=utf-8")
  set(types_css "text/css; charset=utf-8")
  set(types_js "text/javascript; charset=utf-8")
  set(types_svg "image/svg+xml")
  set(arrays "")
  set(entries "")
  set(number 0)
  foreach(path IN LISTS FILES)
    cmake_path(GET path FILENAME name)
    cmake_path(GET path EXTENSION LAST_ONLY extension)
    string(SUBSTRING "${extension}" 1 -1 extension)
    if(NOT DEFINED types_${extension})
      message(FATAL_ERROR "no content type for ${path}")
    endif()
    file(READ "${path}" bytes HEX)
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND arrays "// ${name}\nconstexpr unsigned char file_${number}[] = {${bytes}};\n")
    string(APPEND entries "    {\"/${name}\", \"${types_${extension}}\", file_${number}},\n")
    if(name STREQUAL "index.html")
      string(APPEND entries "    {\"/\", \"${types_html}\", file_${number}},\n")
    endif()
    math(EXPR number "${number} + 1")
  endforeach()
  file(WRITE "${OUTPUT}" "#include \"${NAME}.hpp\"\n\nnamespace {\n\n${arrays}
constexpr agw::http::asset all[] = {\n${entries}};\n\n}  // namespace\n
std::span<const agw::http::asset> ${NAMESPACE}::${NAME}() noexcept { return all; }\n")
  return()
endif()

set(AGW_EMBED_ASSETS_SCRIPT "${CMAKE_CURRENT_LIST_FILE}")

function(agw_embed_assets target)
  cmake_parse_arguments(ARG "" "NAMESPACE;NAME;DIRECTORY" "" ${ARGN})
  cmake_path(ABSOLUTE_PATH ARG_DIRECTORY)
  set(patterns *.html *.css *.js *.svg)
  list(TRANSFORM patterns PREPEND "${ARG_DIRECTORY}/")
  file(GLOB files CONFIGURE_DEPENDS ${patterns})
  set(folder "${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}")
  set(output "${folder}/${ARG_NAME}.cpp")
  file(CONFIGURE OUTPUT "${folder}/${ARG_NAME}.hpp" CONTENT "#pragma once

#include <span>

#include \"agw/http/message.hpp\"

namespace @ARG_NAMESPACE@ {

/// The files of @ARG_NAME@, held in the program.
std::span<const agw::http::asset> @ARG_NAME@() noexcept;

}  // namespace @ARG_NAMESPACE@
" @ONLY)
  add_custom_command(OUTPUT "${output}"
    COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" "-DOUTPUT=${output}" "-DNAME=${ARG_NAME}" "-DNAMESPACE=${ARG_NAMESPACE}"
      -P "${AGW_EMBED_ASSETS_SCRIPT}"
    DEPENDS ${files} "${AGW_EMBED_ASSETS_SCRIPT}" COMMENT "Embedding ${ARG_NAME}" VERBATIM)
  target_sources(${target} PRIVATE "${output}")
  target_include_directories(${target} PRIVATE "${folder}")
endfunction()
