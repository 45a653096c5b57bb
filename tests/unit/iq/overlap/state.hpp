// What stands in a gateway, as far as replies tell it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <agw/core/clock.hpp>
#include <agw/h248/message.hpp>

#include "script.hpp"

namespace agw::iq::overlap {

struct stream_state {
  h248::stream_mode mode = h248::stream_mode::send_receive;
  bool reserve_value = false;
  bool operator==(const stream_state&) const = default;
};

/// A signal that may be active.
struct playing {
  std::string name;
  std::optional<std::uint16_t> list;
  bool certain = true;  ///< until `ends_from` it is active; otherwise an event or its place in a list decides
  clock::time_point ends_from = no_deadline;
  clock::time_point ends_by = no_deadline;  ///< from then on it is not active
  bool operator==(const playing&) const = default;
};

struct termination {
  std::string name;
  side of = side::core;
  std::map<std::uint16_t, stream_state> streams;
  bool in_service = true;
  std::set<std::uint32_t> events;  ///< request ids of which one is active; empty: there is no Events descriptor
  bool fragile = false;            ///< an event may have ended the signals
  bool vague_events = false;       ///< which Events are active is not known, until others are commanded
  bool vague_signals = false;      ///< the same of signals
  std::vector<playing> signals;
  bool operator==(const termination&) const = default;
};

struct context {
  std::map<std::string, termination> terminations;
  std::uint16_t priority = 0;
  std::vector<topology_rule> topology;
  bool operator==(const context&) const = default;
};

/// A context that states share until one of them changes it: a search copies many states.
class shared_context {
 public:
  shared_context() : of_(std::make_shared<body>()) {}
  const context& operator*() const noexcept { return of_->value; }
  const context* operator->() const noexcept { return &of_->value; }
  context& edit() {
    if (of_.use_count() > 1) of_ = std::make_shared<body>(*of_);
    of_->text.clear();
    return of_->value;
  }
  const std::string& text() const;
  bool operator==(const shared_context& other) const { return of_ == other.of_ || of_->value == other.of_->value; }

 private:
  struct body {
    context value;
    std::string text;  ///< made when it is first asked for
  };
  std::shared_ptr<body> of_;
};

struct state {
  std::map<std::uint32_t, shared_context> contexts;
  std::set<std::string> interfaces_out;  ///< of service
  bool draining = false;
  bool out_of_service = false;

  std::size_t terminations() const;
  /// The context a termination stands in; end() when there is none.
  std::map<std::uint32_t, shared_context>::const_iterator home_of(const std::string& name) const;
  bool operator==(const state&) const = default;
};

/// Text that is equal for equal states.
std::string to_text(const state& s);

/// A termination's name in lower case.
std::string key_of(std::string_view name);
/// The keys of the terminations that a command means in a context.
std::vector<std::string> meant(const context& in, const command& c);
/// A termination leaves its context, with the topology that was said of it.
void forget(context& in, const std::string& key);
void drop_if_empty(state& s, std::uint32_t id);

}  // namespace agw::iq::overlap
