// What the log and the metrics are told of a call when it has ended: who ended it, how long it was, what it carried. A call is a context. No I/O.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/gateway/model.hpp"

namespace agw::iq {

struct termination_record;

/// Octets of user data: of the channels, towards the WIC, and of the bearers, towards the core.
struct call_octets {
  std::uint64_t to_wic = 0;
  std::uint64_t from_wic = 0;
  std::uint64_t to_core = 0;
  std::uint64_t from_core = 0;

  /// Those that have gone the way to the core, and to the WIC, as far as either end has seen them.
  std::uint64_t forward() const noexcept { return std::max(from_wic, to_core); }
  std::uint64_t backward() const noexcept { return std::max(to_wic, from_core); }
};

/// Belongs to the context's record, and moves with it.
class call_account {
 public:
  /// After so long with data in one direction only a call is one-way.
  static constexpr auto one_way_after = std::chrono::seconds(30);

  /// Something stands in the context now; `controller` is who wanted that. False: it had begun before.
  bool begin(clock::time_point now, std::string controller);
  bool began() const noexcept { return since_.has_value(); }

  /// The first failure or end by a peer counts, unless its layer came up again.
  void happened(const gateway::gateway_event& event);
  /// While the controller's own command ends layers, what is reported of them is its doing. Calls nest.
  void hold() noexcept { ++held_; }
  void release() noexcept { --held_; }

  /// A termination leaves the call, or stands in it at the end.
  void count(const termination_record& termination, const gateway::termination_statistics& counted);

  /// What the whole call has carried until now. True: the call has become one-way, or is it no more.
  bool carried(const call_octets& so_far, clock::time_point now);
  bool one_way() const noexcept { return one_way_; }
  void forget_one_way() noexcept { one_way_ = false; }

  /// "tcp:refused", "wic", "core"; nothing where neither a failure nor a peer has ended it.
  std::string_view cause() const noexcept;
  clock::duration duration(clock::time_point now) const noexcept { return since_ ? now - *since_ : clock::duration{}; }
  const std::string& controller() const noexcept { return controller_; }
  const call_octets& octets() const noexcept { return octets_; }
  const std::string& wic() const noexcept { return wic_; }    ///< its address, or empty
  const std::string& core() const noexcept { return core_; }
  std::string terminations() const;

 private:
  struct ending {
    gateway::termination_id termination;
    gateway::stream_number stream;
    std::string stage;
    std::string cause;
  };

  std::optional<clock::time_point> since_;
  std::string controller_;
  std::optional<ending> failure_;
  std::optional<ending> end_;
  bool ended_first_ = false;  ///< before `failure_`
  unsigned held_ = 0;
  call_octets octets_;
  std::string wic_, core_;
  std::vector<std::string> names_;
  std::optional<clock::time_point> one_sided_since_;
  bool one_way_ = false;
};

/// Adds up what the streams of a termination have carried; `wic` and `core` get the addresses of the peers, where they are known.
void add_octets(call_octets& to, std::string& wic, std::string& core, const termination_record& termination, const gateway::termination_statistics& counted);

}  // namespace agw::iq
