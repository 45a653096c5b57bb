// What the control loop remembers of contexts and terminations: what H.248 can ask back. The gateway's side lives on a shard.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/shard.hpp"
#include "agw/gateway/context.hpp"
#include "agw/h248/message.hpp"
#include "owned.hpp"
#include "turnstile.hpp"

namespace agw::iq {

/// A property as it was set, for audits.
struct stored_property {
  std::string name;
  std::vector<std::string> values;
  h248::value_form form = h248::value_form::single;
  bool quoted = false;
};

struct stream_record {
  std::string local;   ///< as the gateway answered: every $ filled in
  std::string remote;
  bool has_local = false;
  bool has_remote = false;
  gateway::stream_answer answer;  ///< what the gateway chose for Local
  h248::stream_mode mode = h248::stream_mode::inactive;
  bool reserve_value = false;
  bool reserve_group = false;
  std::map<std::string, stored_property> properties;  ///< by lower-case name
};

/// What is to be notified, in the gateway's words.
struct observed {
  std::string package;
  std::string item;
  std::uint16_t stream = 0;
  std::vector<std::pair<std::string, std::string>> parameters;  ///< a value that begins with '"' is a quoted string
  h248::time_stamp time;
  std::uint32_t request_id = 0;  ///< of the Events descriptor that asked for it
};

/// A signal that has not ended.
struct active_signal {
  std::shared_ptr<const void> keeps;  ///< what `what` points into
  const h248::signal_request* what = nullptr;
  std::optional<std::uint16_t> list;  ///< the signal list it stands in
  std::uint64_t number = 0;           ///< tells it from a later one of the same name
};

struct termination_record {
  std::string name;
  std::string interface;
  gateway::termination_id id;
  std::map<std::uint16_t, stream_record> streams;
  std::vector<std::string> groups;  ///< mgroup/sem as it was set
  std::shared_ptr<owned_events> commanded;            ///< the Events descriptor of the last command
  const h248::events_descriptor* events = nullptr;    ///< the active one: the commanded one, or one embedded in it
  std::vector<active_signal> signals;
  std::uint64_t last_signal = 0;
  std::map<std::uint16_t, std::uint64_t> lists;       ///< signal lists that play, between two signals too; a number as a signal's
  h248::service_state service = h248::service_state::in_service;  ///< by the MGC's word
  bool interface_lost = false;                        ///< its address is not the machine's now
  clock::time_point touched = clock::now();           ///< the last command for it, or heartbeat
  clock::time_point subscribed = clock::now();        ///< when the Events descriptor came
  clock::time_point moved = clock::now();             ///< when its octet count last grew, for adid/ipstop
  std::uint64_t octets = 0;
  bool stopped = false;                               ///< adid/ipstop has been told since
  std::map<std::string, std::uint64_t> regulated;     ///< events with RegulatedNotify since the last Events descriptor
  std::deque<observed> pending;      ///< not yet notified
  bool notifying = false;

  bool serves() const noexcept { return service == h248::service_state::in_service && !interface_lost; }
  h248::service_state state() const noexcept { return interface_lost ? h248::service_state::out_of_service : service; }
};

/// The active Events descriptor and what belongs to it, to return to when a command is refused.
class event_subscription {
 public:
  explicit event_subscription(const termination_record& t);
  void restore(termination_record& t) const;

 private:
  std::shared_ptr<owned_events> commanded_;
  const h248::events_descriptor* events_;
  bool stopped_;
  std::map<std::string, std::uint64_t> regulated_;
};

/// Who may hear whom, where it is not both ways.
struct topology_rule {
  std::string a;  ///< lower-case names
  std::string b;
  h248::topology_direction direction = h248::topology_direction::bothway;
  std::uint16_t stream = 0;  ///< 0: every stream
};

struct context_record {
  h248::context_id id;
  shard* home = nullptr;
  std::unique_ptr<gateway::context> context;  ///< made, called and destroyed on `home`
  std::map<std::string, std::shared_ptr<termination_record>> terminations;  ///< by lower-case name
  std::shared_ptr<turnstile> turn = std::make_shared<turnstile>();
  std::optional<std::uint16_t> priority;
  bool emergency = false;
  bool ieps = false;
  std::vector<topology_rule> topology;
  bool closing = false;

  /// Whether the termination still stands here: others may have had their turn meanwhile.
  bool holds(const termination_record& t) const {
    return !closing && std::ranges::any_of(terminations, [&](const auto& entry) { return entry.second.get() == &t; });
  }
};

}  // namespace agw::iq
