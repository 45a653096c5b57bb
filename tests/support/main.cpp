// Catch2's main, compiled once for all unit tests: it is the slowest file of the house.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
