// The MG's side of the control association: registers with one of its MGCs, keeps to it, finds another when it is lost or hands
// over, and says good-bye (H.248.1 7.2.8, 9.2, 11). The rules are registration_machine's; this carries them out.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <agw/core/awaitable.hpp>
#include <agw/core/clock.hpp>
#include <agw/h248/endpoint.hpp>

namespace agw::h248 {

struct registration_config {
  std::vector<peer_name> mgcs{};           // primary first; names are resolved at each attempt
  std::string profile = "threegiq";        // empty: none is told
  std::uint8_t profile_version = 1;
  std::uint8_t version = 3;                // the highest we speak, and offer
  std::uint8_t min_version = 1;            // an MGC that wants a lower one is not ours
  std::uint16_t first_reason = 901;        // of Restart: 901 Cold Boot or 902 Warm Boot
  clock::duration max_waiting_delay = std::chrono::milliseconds(500);  // MWD (H.248.1 9.2): chance up to this before each round of attempts
  clock::duration min_retry_delay = std::chrono::seconds(1);           // after a round in which nobody took us, besides; doubled each time
  clock::duration max_retry_delay = std::chrono::seconds(30);          // up to this
  clock::duration attempt_timeout = std::chrono::seconds(8);           // for a reply, before the next MGC is tried
};

enum class registration_state : std::uint8_t { idle, waiting, registering, registered, left };

/// The state, and the MGC that it is about (empty in idle, waiting and left).
using registration_observer = std::function<void(registration_state, const peer_address& mgc)>;

/// Shard-bound, on the endpoint's executor; the endpoint outlives it. Takes the endpoint's peers and admission: hosts that are no MGC
/// of ours are refused and counted; before an MGC's reply its requests get error 505 (H.248.1 11.2), those of another MGC than
/// the one we are registered with 504, but for a ServiceChange.
class registration {
 public:
  registration(endpoint& control, registration_config config, std::uint64_t seed = 0);
  ~registration();
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;

  /// Several may watch.
  void on_change(registration_observer observer);

  /// Registers, and registers anew whenever the MGC is lost, until cancelled or until leave(). Call it once, beside endpoint::run().
  awaitable<void> run();

  registration_state state() const noexcept;
  /// Where requests go: the MGC we are registered with; nothing while there is none.
  std::optional<peer_address> mgc() const;
  /// The version agreed with it.
  std::uint8_t version() const noexcept;
  /// Waits until registered, or until `by`: false then. Any number may wait.
  awaitable<bool> registered(deadline by);

  /// To the MGC, as endpoint::request; waits for a registration first: errc::refused when there is none for T-MAX.
  awaitable<result<incoming_reply>> request(list<action> actions);

  /// The ServiceChange on ROOT of the MGC, for the command handler: HandOff begins to register with the MGC it names. Other methods
  /// concern the gateway, not the association: nothing happens here. An error code is the command's reply.
  std::optional<error_code> service_change(const incoming_request& request, const services_descriptor& services);

  /// Tells the MGC that no new calls are wanted, and why; delay in seconds, 0 until the calls end. false: it was not told.
  awaitable<bool> graceful(std::uint32_t delay_seconds = 0, std::uint16_t reason = 905);
  /// Takes back a graceful(): Restart with 918.
  awaitable<bool> cancel_graceful();
  /// The last word: ServiceChange Forced on ROOT. Waits for the reply until `by`; no registration afterwards.
  awaitable<bool> leave(deadline by, std::uint16_t reason = 905);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// The action that holds a ServiceChange on ROOT in the NULL context. `services` refers to the caller's strings.
action service_change_on_root(services_descriptor services);
/// Now, in UTC, as TimeStamp has it.
time_stamp current_time_stamp();

}  // namespace agw::h248
