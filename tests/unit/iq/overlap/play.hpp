// A whole generated test: a gateway, contexts to begin with, and rounds of transactions that overlap.
#pragma once

#include <cstddef>
#include <cstdint>

#include "model.hpp"
#include "support/choices.hpp"
#include "world.hpp"

namespace agw::iq::overlap {

struct play_config {
  world_config world;
  std::size_t rounds = 4;
  disturbances beside;
  bool one_by_one = false;  ///< a round's transactions do not overlap: the model against the gateway
  bool modelled = true;     ///< false: replies are not compared with the model's, only what always holds is checked
};

struct play_result {
  std::size_t transactions = 0;
  std::size_t dropped = 0;    ///< of them, that were cancelled and not answered
  std::size_t undecided = 0;  ///< rounds for which the search for an explanation was given up
};

/// Throws a failure that shows the round, when replies have no explanation or the gateway does what it may not. When `beside` has close,
/// the last round ends with the gateway.
play_result play(agw::test::choices& choose, const play_config& config);

/// One round of transactions in a gateway of which `before` is known; what is known afterwards. Throws a failure.
state overlap_round(world& w, agw::test::choices& choose, const state& before, const std::vector<transaction>& all, const play_config& config,
                    play_result& result);

}  // namespace agw::iq::overlap
