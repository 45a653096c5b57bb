// What signalling carries from one ICE endpoint to another.
#pragma once

#include "agw/transports/ice_stage.hpp"

namespace agw::test {

/// What the peer of `of` is told: its credentials and candidates.
inline ice::remote_parameters told(const ice::endpoint& of) {
  ice::remote_parameters out;
  out.credentials = of.local().credentials;
  out.candidates = of.local().candidates;
  out.lite = of.local().lite;
  return out;
}

}  // namespace agw::test
