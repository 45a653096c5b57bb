# Everything from outside comes from Debian 12's packages; cmake/packages.txt is the list.
# What users of the libraries need of it is found once more by AgwConfig.cmake.in.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # for projects that add agw as a subdirectory and link its libraries
find_package(Threads REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS system json url)
find_package(PkgConfig REQUIRED)
pkg_check_modules(cares REQUIRED IMPORTED_TARGET GLOBAL libcares)
pkg_check_modules(usrsctp REQUIRED IMPORTED_TARGET GLOBAL usrsctp)
pkg_check_modules(nice REQUIRED IMPORTED_TARGET GLOBAL nice)
# Its -pthread defines _REENTRANT, with which the precompiled header was not made; Threads::Threads comes with agw::boost.
set_target_properties(PkgConfig::nice PROPERTIES INTERFACE_COMPILE_OPTIONS "")
find_package(prometheus-cpp REQUIRED CONFIG)
find_package(spdlog REQUIRED CONFIG)
find_package(CLI11 REQUIRED CONFIG)
find_path(AGW_TOMLPP_INCLUDE toml++/toml.h REQUIRED)

# Asio and Beast are compiled once, in core/src/asio.cpp and apps/http; every other file sees declarations only.
add_library(agw_boost INTERFACE)
add_library(agw::boost ALIAS agw_boost)
target_link_libraries(agw_boost INTERFACE Boost::headers Boost::system Threads::Threads)
set_target_properties(agw_boost PROPERTIES EXPORT_NAME boost)
target_compile_definitions(agw_boost INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE BOOST_BEAST_SEPARATE_COMPILATION
  # Asio would hand a frame that is gone to the next that is no larger: one that waits for a call's whole life then holds the memory of one several
  # times its size, and AddressSanitizer sees no use of a frame that is gone.
  BOOST_ASIO_RECYCLING_ALLOCATOR_CACHE_SIZE=0)
