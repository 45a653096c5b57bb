// The MG's side of the control association: registers with one of its MGCs, keeps to it, finds another when it is lost or hands
// over, and tells it the end (H.248.1 7.2.8, 9.2, 11). The rules are registration_machine's; this carries them out.
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
#include <agw/h248/resolver.hpp>

namespace agw::h248 {

/// To whom a controller may hand us over.
enum class handoff_targets : std::uint8_t {
  configured,  // MGCs of the configuration
  any,         // whomever it names
};

struct registration_config {
  std::vector<peer_name> mgcs{};           // primary first; names are resolved at each attempt
  std::string profile = "threegiq";        // empty: none is told
  std::uint8_t profile_version = 1;
  std::uint8_t version = 3;                // the highest we speak, and offer
  std::uint8_t min_version = 1;            // an MGC that wants a lower one is not ours
  resolver_config dns{};
  handoff_targets handoff = handoff_targets::configured;
  std::uint16_t first_reason = 901;        // of Restart: 901 Cold Boot or 902 Warm Boot
  clock::duration max_waiting_delay = std::chrono::milliseconds(500);  // MWD (H.248.1 9.2): a random time up to this before each round of attempts
  clock::duration min_retry_delay = std::chrono::seconds(1);           // after a round in which nobody took us, besides; doubled each time
  clock::duration max_retry_delay = std::chrono::seconds(30);          // up to this
  clock::duration attempt_timeout = std::chrono::seconds(8);           // for a reply, before the next MGC is tried
  clock::duration silence = std::chrono::seconds(60);                  // of the MGC, after which it is asked whether it is there; 0: never
  std::string inactivity_event = "it/ito";                             // by which it is asked, as the MGC spells it
};

enum class registration_state : std::uint8_t { idle, waiting, registering, registered, left };

/// The state, and the MGC that it is about (empty in idle, waiting and left).
using registration_observer = std::function<void(registration_state, const peer_address& mgc)>;
/// The delay of a Graceful or Forced of the MGC is over: what it concerns goes out of service now.
using order_observer = std::function<void(change_method)>;

/// Shard-bound, on the endpoint's executor; the endpoint outlives it. Takes the endpoint's peers and admission: who is no MGC of ours, or
/// speaks from another address or under another mId than the MGC that took us, is refused and counted; before an MGC's reply its
/// requests get error 505 (H.248.1 11.2), those of another MGC than the one we are registered with 504. With each registration the
/// endpoint's transaction_config is again what it was at construction: an MGC sets it for its own time. An MGC of which nothing came for
/// `silence` is asked whether it is there; one that does not answer, or answers that it does not know us (it has restarted), is lost.
class registration {
 public:
  registration(endpoint& control, registration_config config, std::uint64_t seed = 0);
  ~registration();
  registration(const registration&) = delete;
  registration& operator=(const registration&) = delete;

  /// Several may watch.
  void on_change(registration_observer observer);
  void on_order(order_observer observer);

  /// Registers, and registers anew whenever the MGC is lost, until cancelled or until leave(). Call it once, beside endpoint::run().
  awaitable<void> run();

  /// Takes over MGCs, hand-over targets, silence, its event and the delays of a new configuration; the rest needs a new registration. An MGC that took us
  /// and is not named any more is left for the others, which learn of a failover. New MGCs are reached by the links that the endpoint has.
  void configure(const registration_config& from);

  registration_state state() const noexcept;
  /// Where requests go: the MGC we are registered with; nothing while there is none.
  std::optional<peer_address> mgc() const;
  /// That MGC by the name under which it was asked: of the configuration, or to which another one has sent us.
  std::optional<peer_name> mgc_name() const;
  /// When something of it came last; nothing while there is no MGC.
  std::optional<clock::time_point> last_heard() const;
  /// The version agreed with it.
  std::uint8_t version() const noexcept;
  /// Waits until registered, or until `by`: false then. Any number may wait.
  awaitable<bool> registered(deadline by);

  /// To the MGC, as endpoint::request; waits for a registration first: errc::refused when there is none for T-MAX, and when the MGC
  /// answers that it does not know us.
  awaitable<result<incoming_reply>> request(list<action> actions);

  /// The ServiceChange on ROOT of the MGC, for the command handler: HandOff begins to register with the MGC it names; the delay of a
  /// Graceful or Forced is kept, and told to on_order() when it is over, unless a Restart or another of them came before. Nothing else
  /// happens here: what a method does to the gateway at once is the handler's. An error code is the command's reply.
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
