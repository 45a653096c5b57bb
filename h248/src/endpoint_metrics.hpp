// What an endpoint counts: agw_h248_transactions_total, agw_h248_messages_total, agw_h248_retransmissions_total, ….
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include <agw/core/clock.hpp>
#include <agw/core/metrics.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/transaction_machine.hpp>

namespace agw::h248 {

/// "add", "audit_value", …; of the first command, "none" where there is none.
std::string_view command_word(const list<action>& actions) noexcept;
/// "ok" or "refused".
std::string_view result_word(const transaction_reply& reply) noexcept;
/// Why there is no reply: "timed_out", ….
std::string_view result_word(errc why) noexcept;

class endpoint_metrics {
 public:
  /// Null: nothing is counted.
  explicit endpoint_metrics(agw::metrics* metrics);

  void transaction(direction way, std::string_view command, std::string_view result);
  void message(direction way);
  /// From a request to its reply.
  void latency(direction way, clock::duration took);
  /// A command that we refused.
  void refused(error_code code);
  /// A request of ours that the peer refused.
  void refused_by_peer(error_code code);
  /// A request was refused because of it.
  void ran_short_of(std::string_view resource);
  /// What the machine has counted by itself since the last call.
  void take(const transaction_machine& machine);

 private:
  counter& transaction_counter(direction way, std::string_view command, std::string_view result);
  counter& error_counter(const std::string& code);
  counter& peer_error_counter(const std::string& code);
  static void advance(counter* c, std::uint64_t& seen, std::uint64_t now);

  agw::metrics* metrics_;
  std::map<std::tuple<direction, std::string_view, std::string_view>, counter*> transactions_;
  std::map<std::string, counter*> errors_;
  std::map<std::string, counter*> peer_errors_;
  counter* messages_[2] = {};
  histogram* latencies_[2] = {};
  counter* retransmissions_ = nullptr;
  counter* repeated_ = nullptr;
  counter* pendings_ = nullptr;
  std::uint64_t seen_[3] = {};
};

}  // namespace agw::h248
