// What H.248 can ask back of a termination and of a context: values, owned by the context's owner on its shard. A termination that moves takes its
// record along.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agw/core/clock.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/gateway/model.hpp"
#include "agw/h248/message.hpp"
#include "call_account.hpp"
#include "owned.hpp"
#include "sdp_mapping.hpp"
#include "signal_player.hpp"

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
  stream_kind kind = stream_kind::channel;  ///< what Local made of it
  gateway::stream_answer answer;            ///< what the gateway chose for Local
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

/// Signals that an event has embedded and that have not begun to play yet.
struct embedded_signals {
  std::shared_ptr<const owned_events> keeps;  ///< what `signals` points into
  const h248::signals_descriptor* signals = nullptr;
};

struct termination_record {
  std::string name;
  std::string interface;
  gateway::termination_id id;
  std::map<std::uint16_t, stream_record> streams;
  std::vector<std::string> groups;  ///< mgroup/sem as it was set
  std::shared_ptr<const owned_events> commanded;    ///< the Events descriptor of the last command
  const h248::events_descriptor* events = nullptr;  ///< the active one: the commanded one, or one embedded in it
  signal_player signals;
  lazy_deque<embedded_signals> embedded;
  h248::service_state service = h248::service_state::in_service;  ///< by the MGC's word
  bool interface_lost = false;                        ///< its address is not the machine's now
  bool timed = false;                                 ///< `events` has some that time alone brings about
  clock::time_point touched = clock::now();           ///< the last command for it, or heartbeat
  clock::time_point subscribed = clock::now();        ///< when the Events descriptor came
  clock::time_point moved = clock::now();             ///< when its octet count last grew, for adid/ipstop
  std::uint64_t octets = 0;
  bool stopped = false;                               ///< adid/ipstop has been told since
  std::map<std::string, std::uint64_t> regulated;     ///< events with RegulatedNotify since the last Events descriptor
  lazy_deque<observed> pending;                       ///< not yet notified
  bool notifying = false;                             ///< a Notify of it is under way
  std::uint64_t notice = 0;                           ///< its serial number

  bool serves() const noexcept { return service == h248::service_state::in_service && !interface_lost; }
  h248::service_state state() const noexcept { return interface_lost ? h248::service_state::out_of_service : service; }
};

/// Two terminations, in whatever order they were named, and the stream; 0: every stream.
struct topology_key {
  std::string low;
  std::string high;
  std::uint16_t stream = 0;
  auto operator<=>(const topology_key&) const = default;
};
inline topology_key key_of(const std::string& a, const std::string& b, std::uint16_t stream) {
  topology_key out;
  out.low = std::min(a, b);
  out.high = std::max(a, b);
  out.stream = stream;
  return out;
}

/// Who may hear whom, where it is not both ways.
struct topology_rule {
  std::string a;  ///< lower-case names
  std::string b;
  h248::topology_direction direction = h248::topology_direction::bothway;
  std::uint16_t stream = 0;  ///< 0: every stream
};

using termination_records = std::map<std::string, std::unique_ptr<termination_record>>;  ///< by lower-case name

/// A context, as far as H.248 can ask it back.
struct context_record {
  h248::context_id id;
  termination_records terminations;
  std::optional<std::uint16_t> priority;
  bool emergency = false;
  bool ieps = false;
  std::map<topology_key, topology_rule> topology;
  std::uint64_t edition = 1;  ///< of the names that stand here
  std::uint64_t told = 0;     ///< the edition that the directory was sent
  call_account call;
};

/// What a context says of its names after somebody's turn there.
struct context_news {
  h248::context_id context;
  bool there = true;  ///< false: the context was not on that shard (any more), and nothing was done
  bool gone = false;  ///< it has ended
  std::optional<std::vector<std::string>> names;  ///< what stands in it, when that has changed
  std::uint64_t edition = 0;                      ///< of `names`: what is older than the last one is late
};

std::string lower(std::string_view text);
stored_property stored(const h248::property& p);
/// The Events of a command become the active ones.
void subscribe(const h248::command& c, termination_record& t);

}  // namespace agw::iq
