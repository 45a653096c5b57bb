// The loop and the clock of the public test helpers, under the name that agw's own tests use.
#pragma once

#include "agw/testing/loop.hpp"

namespace agw::test {

using testing::manual_clock;
using testing::run;

}  // namespace agw::test
