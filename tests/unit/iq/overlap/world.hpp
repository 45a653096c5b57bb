// A gateway whose transactions overlap: with shards that the test drives or that have threads, an MGC in memory and TCP peers on loopback.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "model.hpp"
#include "search.hpp"
#include "support/choices.hpp"

namespace agw::iq::overlap {

/// The gateway did what it may not.
struct failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct world_config {
  std::size_t shards = 2;
  bool threads = false;  ///< real ones, and real time; the order of what happens is the machine's then
  std::uint64_t seed = 0;
  overlap::limits limits;
  std::chrono::milliseconds flush_time{1};
  std::chrono::milliseconds shutdown_time{1};
  std::size_t max_reply_bytes = 1u << 20;
};

/// What happens beside the transactions of a round.
struct disturbances {
  bool peers = false;    ///< connect, close, send
  bool time = false;     ///< goes on while transactions run
  bool give_up = false;  ///< transactions that take too long
  bool cancel = false;   ///< transactions whose caller ends, as an endpoint's that stops: no reply leaves then
  bool close = false;    ///< the gateway ends meanwhile
};

class world {
 public:
  explicit world(const world_config& config);
  /// Ends the gateway when close() has not been called; then nothing is checked.
  ~world();
  world(const world&) = delete;
  world& operator=(const world&) = delete;

  /// Carries out the transactions at the same time: each begins at a moment that is chosen. Throws a failure when one of them does not end,
  /// throws, or is answered with what cannot be read. Yields those that were answered; one that was cancelled may be none of them.
  std::vector<carried_out> run(const std::vector<transaction>& all, agw::test::choices& choose, const disturbances& d = {});
  /// Everything that can happen without time has happened; then time goes on by `by`.
  void pass(clock::duration by);
  /// Ends the gateway. Throws a failure when something is left of it.
  void close();

  /// Text of the requests and replies of the last run, in the order of their ends.
  std::string transcript() const;

  std::size_t contexts() const;
  std::size_t counted_contexts() const;      ///< agw_contexts
  std::size_t counted_terminations() const;  ///< agw_terminations
  clock::time_point now() const;
  /// When close() was over, on the same clock.
  clock::time_point ended_at() const;
  /// A port where a peer listens, and one where none does.
  std::uint16_t listening() const;
  std::uint16_t refusing() const;
  /// A peer connects to each port of a bearer that an Add has told.
  void connect_all();
  /// Whether the last run's first reply is longer than it may be.
  bool too_long() const;
  /// Handlers that have run so far; with threads 0.
  std::uint64_t handlers() const;

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace agw::iq::overlap
