// The public rig and its WIC, under the name that agw's own tests use.
#pragma once

#include <catch2/catch.hpp>

#include "agw/gateway/testing/call.hpp"
#include "agw/gateway/testing/rig.hpp"
#include "agw/gateway/testing/wic.hpp"
#include "support/loop.hpp"

namespace agw::gateway::test {

using namespace agw::testing;
using namespace std::chrono_literals;

}  // namespace agw::gateway::test
