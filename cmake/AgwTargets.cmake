include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# agw_library(core DEPS Boost::headers ...): the room's library agw_core (alias agw::core) from src/*.cpp, its public headers
# from include/, and a check that each of these compiles by itself. Installed as agw::core of the package agw.
function(agw_library room)
  cmake_parse_arguments(ARG "" "" "DEPS;PRIVATE_DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/src/*.cpp" "${CMAKE_CURRENT_SOURCE_DIR}/src/*/*.cpp")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp")
  add_library(agw_${room} STATIC ${sources})
  add_library(agw::${room} ALIAS agw_${room})
  target_sources(agw_${room} PUBLIC FILE_SET HEADERS BASE_DIRS "${CMAKE_CURRENT_SOURCE_DIR}/include" FILES ${headers})
  target_include_directories(agw_${room} PRIVATE "${CMAKE_CURRENT_SOURCE_DIR}/src")
  target_compile_features(agw_${room} PUBLIC cxx_std_20)
  # Warnings and their -Werror are for this tree only.
  target_link_libraries(agw_${room} PUBLIC ${ARG_DEPS} PRIVATE $<BUILD_INTERFACE:agw::compiler> ${ARG_PRIVATE_DEPS})
  agw_precompile(agw_${room})
  set_target_properties(agw_${room} PROPERTIES LINKER_LANGUAGE CXX VERIFY_INTERFACE_HEADER_SETS ON EXPORT_NAME ${room})
  install(TARGETS agw_${room} EXPORT agw ARCHIVE COMPONENT development FILE_SET HEADERS COMPONENT development)
endfunction()

# Asio and the standard library's usual headers, precompiled once and shared.
function(agw_precompile target)
  if(target STREQUAL "agw_core")
    target_precompile_headers(agw_core PRIVATE "${PROJECT_SOURCE_DIR}/cmake/pch.hpp")
  elseif(TARGET agw_core)
    target_precompile_headers(${target} REUSE_FROM agw_core)
  endif()
endfunction()

# The package agw for find_package(): its targets, its version, and the packages that these need.
function(agw_install_package)
  set(folder "${CMAKE_INSTALL_LIBDIR}/cmake/agw")
  install(TARGETS agw_boost EXPORT agw COMPONENT development)
  install(EXPORT agw NAMESPACE agw:: DESTINATION "${folder}" FILE agw-targets.cmake COMPONENT development)
  configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/AgwConfig.cmake.in" "${PROJECT_BINARY_DIR}/agw-config.cmake"
    INSTALL_DESTINATION "${folder}")
  write_basic_package_version_file("${PROJECT_BINARY_DIR}/agw-config-version.cmake" COMPATIBILITY SameMinorVersion)
  install(FILES "${PROJECT_BINARY_DIR}/agw-config.cmake" "${PROJECT_BINARY_DIR}/agw-config-version.cmake" DESTINATION "${folder}"
    COMPONENT development)
endfunction()

# agw_program(agw-server SECTION 8 COMPONENT server SOURCES ... DEPS ...): a program in bin/, and with its manual page in the installation: those of
# section 8 in sbin.
function(agw_program name)
  cmake_parse_arguments(ARG "" "SECTION;COMPONENT" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE agw::compiler ${ARG_DEPS})
  agw_precompile(${name})
  if(ARG_SECTION EQUAL 8)
    set(folder "${CMAKE_INSTALL_SBINDIR}")
  else()
    set(folder "${CMAKE_INSTALL_BINDIR}")
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION "${folder}" COMPONENT ${ARG_COMPONENT})
  agw_manual(${name} ${ARG_SECTION} COMPONENT ${ARG_COMPONENT})
endfunction()

# agw_unit_test(core DEPS agw::core): tests/unit/core/*.cpp as the program unit_core, one ctest entry.
function(agw_unit_test room)
  cmake_parse_arguments(ARG "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/${room}/*.cpp")
  if(NOT sources)
    return()
  endif()
  add_executable(unit_${room} ${sources})
  target_include_directories(unit_${room} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(unit_${room} PRIVATE agw::compiler agw_test_main ${ARG_DEPS})
  target_compile_definitions(unit_${room} PRIVATE AGW_TEST_DATA="${PROJECT_SOURCE_DIR}/tests")
  agw_precompile(unit_${room})
  add_test(NAME unit.${room} COMMAND unit_${room})
endfunction()
