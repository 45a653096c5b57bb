// Events, signals, what was observed, and digit maps (H.248.1 7.1.9 to 7.1.14, 7.1.17).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <variant>

#include <agw/h248/arena.hpp>
#include <agw/h248/ids.hpp>
#include <agw/h248/value.hpp>

namespace agw::h248 {

// Timers in seconds but for `duration` (100 ms), each 1 to 99; `body` is the map itself, as written.
struct digit_map_value {
  std::optional<std::uint8_t> start_timer{};
  std::optional<std::uint8_t> short_timer{};
  std::optional<std::uint8_t> long_timer{};
  std::optional<std::uint8_t> duration_timer{};
  std::string_view body{};
  bool operator==(const digit_map_value&) const = default;
};

// Defines (name and value), uses (name) or deletes (name without value, in Modify) a digit map; the name may be left out.
struct digit_map_descriptor {
  std::string_view name{};
  box<digit_map_value> value{};
  friend bool operator==(const digit_map_descriptor& a, const digit_map_descriptor& b) {
    return iequals(a.name, b.name) && a.value == b.value;
  }
};

enum class signal_type : std::uint8_t { on_off, time_out, brief };
enum class signal_direction : std::uint8_t { external, internal, both };

enum class completion_reason : std::uint8_t { time_out = 1, by_event = 2, by_signals = 4, other = 8, iteration = 16 };

// For which ends of a signal g/sc is to be reported.
struct completion_reasons {
  std::uint8_t bits = 0;

  constexpr completion_reasons() noexcept = default;
  constexpr completion_reasons(std::initializer_list<completion_reason> reasons) noexcept {
    for (const auto reason : reasons) add(reason);
  }
  constexpr void add(completion_reason reason) noexcept {
    bits = static_cast<std::uint8_t>(bits | static_cast<unsigned>(reason));
  }
  constexpr bool has(completion_reason reason) const noexcept { return (bits & static_cast<unsigned>(reason)) != 0; }
  bool operator==(const completion_reasons&) const = default;
};

struct signal_request {
  item_name name;
  list<parameter> parameters{};
  std::optional<stream_id> stream{};
  std::optional<signal_type> type{};
  std::optional<std::uint16_t> duration{};  // 1/100 s
  std::optional<completion_reasons> notify_completion{};
  bool keep_active = false;
  std::optional<signal_direction> direction{};    // version 3
  std::optional<request_id> request{};            // version 3
  std::optional<std::uint16_t> intersignal_delay{};  // 1/100 s, version 3
  bool operator==(const signal_request&) const = default;
};

struct signal_list {
  std::uint16_t id = 0;
  list<signal_request> signals{};
  bool operator==(const signal_list&) const = default;
};

using signal_entry = std::variant<signal_request, signal_list>;

// Without entries: stop every signal.
struct signals_descriptor {
  list<signal_entry> entries{};
  bool operator==(const signals_descriptor&) const = default;
};

struct requested_event;

// Without events (and without id): detect nothing any more. With events the id is always there.
struct events_descriptor {
  std::optional<request_id> id{};
  list<requested_event> events{};
  friend bool operator==(const events_descriptor& a, const events_descriptor& b);
};

// What becomes active when the event occurs. At most one level deep: an embedded event may embed signals only.
struct embedded_descriptors {
  box<signals_descriptor> signals{};
  box<events_descriptor> events{};
  bool empty() const noexcept { return !signals && !events; }
  bool operator==(const embedded_descriptors&) const = default;
};

enum class notify_kind : std::uint8_t { never, immediate, regulated };

// Version 3. Only `regulated` may embed.
struct notify_behaviour {
  notify_kind kind = notify_kind::immediate;
  embedded_descriptors embedded{};
  bool operator==(const notify_behaviour&) const = default;
};

struct requested_event {
  item_name name;
  list<parameter> parameters{};
  std::optional<stream_id> stream{};
  bool keep_active = false;
  bool reset_events = false;  // ResetEventsDescriptor, version 3
  box<digit_map_descriptor> digit_map{};
  box<embedded_descriptors> embedded{};
  box<notify_behaviour> behaviour{};
  bool operator==(const requested_event&) const = default;
};

inline bool operator==(const events_descriptor& a, const events_descriptor& b) { return a.id == b.id && a.events == b.events; }

// An entry of the event buffer, and of an audit of it.
struct event_spec {
  item_name name;
  std::optional<stream_id> stream{};
  list<parameter> parameters{};
  bool operator==(const event_spec&) const = default;
};

struct event_buffer_descriptor {
  list<event_spec> events{};
  bool operator==(const event_buffer_descriptor&) const = default;
};

struct observed_event {
  item_name name;
  std::optional<stream_id> stream{};
  std::optional<time_stamp> time{};
  list<parameter> parameters{};
  bool operator==(const observed_event&) const = default;
};

struct observed_events_descriptor {
  request_id id{};
  list<observed_event> events{};
  bool operator==(const observed_events_descriptor&) const = default;
};

}  // namespace agw::h248
