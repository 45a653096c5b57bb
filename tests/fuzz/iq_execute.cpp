// Transactions that overlap in a gateway, generated from the input: every reply has an explanation, every transaction an end, and nothing is left.
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <span>

#include <agw/core/log.hpp>

#include "unit/iq/overlap/play.hpp"

using namespace agw::iq::overlap;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool quiet = agw::log::configure("off");
  (void)quiet;
  agw::test::choices choose(std::span(data, size));
  play_config config;
  const auto kind = choose.below(10);
  config.world.shards = 1 + choose.below(3);
  config.rounds = 6;
  config.beside.peers = config.beside.time = kind > 2;
  config.beside.give_up = kind == 6;
  config.beside.cancel = kind > 7;
  config.beside.close = kind > 4 && kind != 8;
  try {
    play(choose, config);
  } catch (const failure& f) {
    std::cerr << f.what() << '\n';
    std::abort();
  }
  return 0;
}
