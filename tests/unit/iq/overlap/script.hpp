// Transactions as values: what a generator makes, a gateway is asked in text, and a model carries out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <agw/h248/command.hpp>
#include <agw/h248/message.hpp>

namespace agw::iq::overlap {

enum class side : std::uint8_t { access, core };

/// What an Add says of the termination's media.
enum class media_kind : std::uint8_t {
  whole,        ///< as the profile has it for the side
  dialling,     ///< a bearer that connects to `port`; core only
  unsupported,  ///< refused with error 515
};

/// LocalControl of one stream.
struct control {
  std::uint16_t stream = 2;
  h248::stream_mode mode = h248::stream_mode::send_receive;
  bool reserve_value = false;
};

struct event {
  const char* text = "";  ///< name and parameters
  bool keep_active = true;
  std::uint32_t embedded = 0;  ///< the request id of what it embeds; 0: nothing
};

struct events {
  std::uint32_t id = 0;  ///< 0: an empty descriptor
  std::vector<event> wanted;
};

struct signal {
  std::string name;
  h248::signal_type type = h248::signal_type::on_off;
  unsigned duration = 0;  ///< 1/100 s, for time_out
  bool keep_active = false;
};

struct signal_list {
  std::uint16_t id = 0;
  std::vector<signal> signals;
};

struct signals {
  std::vector<signal> single;
  std::vector<signal_list> lists;
};

enum class audit_kind : std::uint8_t {
  nothing,     ///< Audit{}
  all,         ///< Media, Events, Signals, Statistics, ObservedEvents
  modes,       ///< service state, and the mode of stream 2
  statistics,  ///< alone
};

struct command {
  h248::command_kind kind = h248::command_kind::add;
  std::string termination;  ///< a name, or a pattern
  bool optional = false;
  bool wildcard_response = false;
  // Add
  side of = side::core;
  media_kind media = media_kind::whole;
  // Add, Modify, Move
  std::optional<overlap::control> control;
  std::optional<std::uint16_t> port;  ///< where the peer of stream 2 is
  std::string more_local;             ///< Add: further lines of Local
  std::optional<overlap::events> events;
  std::optional<overlap::signals> signals;
  // every one but ServiceChange
  std::optional<audit_kind> audit;
  // ServiceChange
  h248::change_method method = h248::change_method::restart;

  bool has_pattern() const { return h248::termination_id{termination}.has_all(); }
  /// Refused with error 517, before anything else is looked at.
  bool loops_back() const { return control && control->mode == h248::stream_mode::loopback; }
};

struct topology_rule {
  std::string a;
  std::string b;
  h248::topology_direction direction = h248::topology_direction::isolate;
  std::uint16_t stream = 0;
  bool operator==(const topology_rule&) const = default;
};

struct action {
  h248::context_id context;
  std::vector<overlap::topology_rule> topology;
  std::optional<std::uint16_t> priority;
  bool audit = false;  ///< of priority and topology, after the commands
  std::vector<command> commands;

  /// Whether it is carried out by every context at a moment of its own: what is asked of all contexts, a wildcard's Move, and
  /// ServiceChange in the NULL context. Such an action has one command, or none and an audit, and is the last of its transaction. What the
  /// profile refuses does not come that far.
  bool spreads() const;
};

using transaction = std::vector<action>;

/// `C=1{A=ip/1/core/${…}},C=*{…}`
std::string to_text(const transaction& t);

}  // namespace agw::iq::overlap
