# Language level, warnings, sanitizers, linker and compiler cache: what every target is built with.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# -g1: line numbers for backtraces at a third of the link time and disk of -g.
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1 -DNDEBUG")

add_library(agw_compiler INTERFACE)
add_library(agw::compiler ALIAS agw_compiler)
target_compile_options(agw_compiler INTERFACE
  -Wall -Wextra -Wshadow -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports these inside Boost.Asio and libstdc++ once it inlines coroutine frames (GCC bugs 105562, 106247, 107852).
  target_compile_options(agw_compiler INTERFACE -fcoroutines
    -Wno-maybe-uninitialized -Wno-mismatched-new-delete -Wno-stringop-overflow -Wno-array-bounds -Wno-restrict
    -Wno-dangling-pointer)
endif()

if(AGW_SANITIZE)
  add_compile_options(-fsanitize=${AGW_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${AGW_SANITIZE})
  if(AGW_SANITIZE STREQUAL "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # It does not see fences. Asio's stand beside mutexes, which it sees.
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-tsan>)
  endif()
  if(AGW_SANITIZE MATCHES "undefined" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # A quarter of g++'s time went into these three; clang's build (preset `asan`) makes them.
    add_compile_options(-fno-sanitize=null,alignment,vptr)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Its prologue before a function refers across sections once a coroutine is split: clang 14 then rejects its own output.
    add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-sanitize=function>)
  endif()
endif()

find_program(AGW_MOLD mold)
if(AGW_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

find_program(AGW_CCACHE ccache)
if(AGW_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # ccache takes precompiled headers only with these allowances.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${AGW_CCACHE})
  add_compile_options($<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-fpch-preprocess>)
endif()
