// What can be asked for: whole descriptors by their bare name, single items of them (version 2), and those only of
// terminations and contexts that meet a condition (version 3: a value given is a selection criterion).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include <agw/h248/arena.hpp>
#include <agw/h248/events.hpp>
#include <agw/h248/ids.hpp>
#include <agw/h248/media.hpp>
#include <agw/h248/value.hpp>

namespace agw::h248 {

// A descriptor by its bare name: asked for in an Audit, empty in a reply.
enum class audit_token : std::uint8_t {
  mux, modem, media, digit_map, statistics, observed_events, packages, signals, event_buffer, events,
};

// A well-known attribute that is asked for, with the condition it is to meet if there is one.
template <class T>
struct audited {
  std::optional<T> selected{};
  relation rel = relation::equal;
  bool operator==(const audited&) const = default;
};

// A property without values is asked for; with values it selects.
struct audit_local_control {
  std::optional<audited<stream_mode>> mode{};
  bool reserve_value = false;
  bool reserve_group = false;
  list<property> properties{};
  bool operator==(const audit_local_control&) const = default;
};

struct audit_termination_state {
  std::optional<audited<service_state>> service{};
  bool buffer = false;
  list<property> properties{};
  bool operator==(const audit_termination_state&) const = default;
};

struct audit_stream {
  std::optional<audit_local_control> control{};
  std::optional<std::string_view> local{};
  std::optional<std::string_view> remote{};
  list<item_name> statistics{};
  bool operator==(const audit_stream&) const = default;
};

struct audit_stream_entry {
  stream_id id{1};
  audit_stream parameters{};
  bool operator==(const audit_stream_entry&) const = default;
};

struct audit_media {
  std::optional<audit_termination_state> state{};
  box<audit_stream> single{};
  list<audit_stream_entry> streams{};
  bool operator==(const audit_media&) const = default;
};

struct audit_events {
  std::optional<request_id> id{};
  list<item_name> events{};
  bool operator==(const audit_events&) const = default;
};

// Parameters stand without values.
struct audit_event_buffer {
  list<event_spec> events{};
  bool operator==(const audit_event_buffer&) const = default;
};

// A signal list without signals asks for the whole list.
struct audit_signals {
  list<signal_entry> entries{};
  bool operator==(const audit_signals&) const = default;
};

struct audit_digit_map {
  std::string_view name;
  friend bool operator==(audit_digit_map a, audit_digit_map b) { return iequals(a.name, b.name); }
};

struct audit_statistics {
  list<item_name> names{};
  bool operator==(const audit_statistics&) const = default;
};

struct package_version {
  std::string_view name;
  std::uint16_t version = 1;
  friend bool operator==(package_version a, package_version b) { return iequals(a.name, b.name) && a.version == b.version; }
};

struct audit_packages {
  list<package_version> packages{};
  bool operator==(const audit_packages&) const = default;
};

using audit_item = std::variant<audit_token, audit_media, audit_events, audit_event_buffer, audit_signals, audit_digit_map,
                                audit_statistics, audit_packages>;

// Without items: return nothing (in Subtract: no statistics).
struct audit_descriptor {
  list<audit_item> items{};

  bool asks_for(audit_token token) const noexcept {
    for (const auto& item : items) {
      const auto* whole = std::get_if<audit_token>(&item);
      if (whole != nullptr && *whole == token) return true;
    }
    return false;
  }
  bool operator==(const audit_descriptor&) const = default;
};

}  // namespace agw::h248
