// Commands and their replies, with the descriptors that have no header of their own: Packages, Error, ServiceChange (Services).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>

#include <agw/h248/arena.hpp>
#include <agw/h248/audit.hpp>
#include <agw/h248/error_code.hpp>
#include <agw/h248/events.hpp>
#include <agw/h248/ids.hpp>
#include <agw/h248/media.hpp>
#include <agw/h248/value.hpp>

namespace agw::h248 {

// `text` is for people: no program should depend on it (449 and 4xx name the offending item there).
struct error_descriptor {
  error_code code{};
  std::string_view text{};
  bool operator==(const error_descriptor&) const = default;
};

struct packages_descriptor {
  list<package_version> packages{};
  bool operator==(const packages_descriptor&) const = default;
};

enum class change_method : std::uint8_t { failover, forced, graceful, restart, disconnected, hand_off, extension };

struct profile_name {
  std::string_view name;
  std::uint8_t version = 1;
  friend bool operator==(profile_name a, profile_name b) { return iequals(a.name, b.name) && a.version == b.version; }
};

// Of a ServiceChange and of its reply. A request has a method, and by the grammar a reason (some peers leave it out); a reply has neither.
struct services_descriptor {
  std::optional<change_method> method{};
  std::string_view method_extension{};  // X-name, for change_method::extension
  std::optional<value> reason{};        // "901 Cold Boot"; see reason_code()
  std::optional<std::uint32_t> delay{};  // s
  std::optional<std::variant<mid, std::uint16_t>> address{};  // a port alone keeps the host; never together with mgc_to_try
  std::optional<mid> mgc_to_try{};
  std::optional<profile_name> profile{};
  std::optional<std::uint8_t> version{};
  std::optional<time_stamp> time{};
  bool incomplete = false;        // ServiceChangeInc, version 3
  list<parameter> extensions{};   // X-name = value
  list<audit_item> audits{};      // version 2: what changed

  // The number the reason starts with; nothing if there is none.
  std::optional<std::uint16_t> reason_code() const noexcept;
  bool operator==(const services_descriptor&) const = default;
};

using descriptor = std::variant<media_descriptor, events_descriptor, signals_descriptor, audit_descriptor,
                                observed_events_descriptor, statistics_descriptor, error_descriptor, services_descriptor,
                                packages_descriptor, event_buffer_descriptor, digit_map_descriptor, mux_descriptor,
                                modem_descriptor, audit_token>;

enum class command_kind : std::uint8_t { add, move, modify, subtract, audit_value, audit_capability, notify, service_change };

// A command in a request, or its reply. Descriptors stand in the order they are to be processed in.
struct command {
  command_kind kind = command_kind::add;
  bool optional = false;            // O-: the transaction goes on if it fails; requests only
  bool wildcard_response = false;   // W-: one answer for all matches
  // AuditValue=Context: the condensed reply, with `terminations` or an error descriptor.
  bool context_form = false;
  list<termination_id> terminations{};  // more than one in version 3
  list<descriptor> descriptors{};
  // Set by the parser alone, in a command whose body is broken though its end is known: don't execute it, answer it with this
  // error. `descriptors` then holds what stood before the broken place.
  box<error_descriptor> fault{};

  // The termination, or the first of them; empty for the condensed reply with an error.
  termination_id termination() const noexcept { return terminations.empty() ? termination_id{} : terminations.front(); }
  // The first descriptor of type D, or null.
  template <class D>
  const D* find() const noexcept {
    for (const auto& d : descriptors) {
      if (const D* found = std::get_if<D>(&d)) return found;
    }
    return nullptr;
  }
  // The error of a reply (or of a Notify), or null.
  const error_descriptor* error() const noexcept { return find<error_descriptor>(); }
  template <class D>
  D& add(D d) {
    return std::get<D>(descriptors.push_back(descriptor(std::move(d))));
  }
  bool operator==(const command&) const = default;
};

}  // namespace agw::h248
