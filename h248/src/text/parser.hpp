// Recursive descent over the grammar of H.248.1 Annex B, versions 1 to 3 in one: a later version only adds words. The grammar
// has no recursion of its own (descriptors embed one level deep), so the depth is bounded by it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <agw/h248/message.hpp>
#include <agw/h248/text.hpp>

#include "text/reader.hpp"
#include "text/seen_items.hpp"
#include "text/tokens.hpp"

namespace agw::h248::text {

class parser {
 public:
  parser(std::string_view text, arena& memory, list<parse_error>& errors, list<parse_deviation>& deviations, const parse_limits& limits)
      : in_(text), text_(text), memory_(memory), errors_(errors), deviations_(deviations), limits_(limits) {}

  // True if version and sender could be read.
  bool parse(message& out);

 private:
  // parse_message.cpp: header, transactions, and what happens after an error.
  bool header(message& out);
  bool auth(message& out);
  bool transactions(message& out);
  bool transaction_item(message& out, token kind);
  void request(transaction_request& out);
  void reply(transaction_reply& out);
  bool pending(transaction_pending& out);
  bool ack(transaction_ack& out);
  bool segment(segment_reply& out);
  bool segment_number(reply_segment& out);
  bool id(transaction_id& out);
  bool actions(list<action>& out, bool reply);
  void transaction_broken(list<action>& actions, box<error_descriptor>& error, bool was_open);
  // Files the noted error and gives it as a descriptor; forgets it in the reader.
  void record(box<error_descriptor>& out);
  // Lists what was read though the grammar does not have it.
  void list_deviations();
  // The line and column of an offset.
  void find_position(std::size_t offset);
  // What was recorded last is an error of another level: its end could not be found.
  void file_as(error_descriptor& told, error_code code);

  // parse_action.cpp
  bool action_item(action& out, bool reply, bool& opened);
  bool action_body(action& out, bool reply);
  bool action_part(action& out, bool reply);
  bool command_part(action& out, bool reply, std::string_view word);
  bool context(context_id& out);
  bool context_property(context_properties& out, token kind);
  bool topology(list<topology_triple>& out);
  bool direction(topology_direction& out);
  bool context_attributes(context_properties& out);
  bool context_list(context_properties& out);
  bool priority(std::optional<std::uint16_t>& out);
  bool context_audit_body(context_audit& out);
  bool context_audit_attributes(context_audit& out, bool outer, seen_items& seen);
  bool context_audit_part(context_audit& out, seen_items& seen);

  // parse_command.cpp
  bool command_head(command& out, std::string_view word, bool reply);
  bool context_form(command& out);
  bool command_body(command& out, bool reply);
  bool descriptor_item(command& out, token kind, bool reply);
  bool termination_list(list<termination_id>& out);
  bool error_body(error_descriptor& out);
  bool packages(packages_descriptor& out);
  bool package_item(package_version& out);

  // parse_media.cpp
  bool media(media_descriptor& out);
  bool stream_parameter(stream_parameters& out, token kind);
  bool session(std::optional<std::string_view>& out);
  bool control(local_control& out);
  bool state(termination_state& out);
  bool statistics(statistics_descriptor& out);
  bool mux(mux_descriptor& out);
  bool modem(modem_descriptor& out);
  bool modem_kind_item(modem_descriptor& out, unsigned& seen);
  bool mode_word(std::optional<stream_mode>& out);
  bool service_word(std::optional<service_state>& out);
  bool property_item(list<property>& out, std::string_view word);
  // "=" and the value(s), or a relation and one.
  bool values(value_set& out);
  bool value_list(value_set& out, char closing);
  bool on_off(std::optional<bool>& out);

  // parse_events.cpp, parse_signals.cpp
  bool events(events_descriptor& out, bool embedded);
  bool event(requested_event& out, bool embedded);
  bool event_parameter(requested_event& out, bool embedded);
  bool embed(embedded_descriptors& out, bool embedded);
  bool behaviour(requested_event& out, token kind, bool embedded);
  bool event_digit_map(requested_event& out);
  bool event_buffer(event_buffer_descriptor& out);
  bool observed(observed_events_descriptor& out);
  bool plain_parameter(std::optional<stream_id>& stream, list<parameter>& out);
  bool named_parameter(list<parameter>& out, std::string_view name);
  bool stream(std::optional<stream_id>& out);
  bool request(request_id& out);
  bool signals(signals_descriptor& out);
  bool signal(signal_request& out);
  bool signal_parameter(signal_request& out);
  bool completion(signal_request& out);
  bool digit_map(digit_map_descriptor& out);
  bool digit_map_body(digit_map_value& out);
  bool digit_string();
  bool digit_map_letter();
  bool digit_range();

  // parse_audit.cpp, parse_services.cpp
  // What one Audit (or the audit items of one ServiceChange) has asked for so far.
  struct audit_scope {
    explicit audit_scope(arena& memory, bool capabilities_asked = false) noexcept : items(memory), capabilities(capabilities_asked) {}
    seen_items items;
    unsigned whole = 0;  // descriptors by their bare name: bits by audit_token
    bool capabilities;   // of AuditCapability
  };
  // Where an audited item stands; with the number of the stream, signal list or Events descriptor around it a key's place.
  enum class asked : std::uint8_t {
    state, state_word, control, control_word, statistics, session, events, event_buffer, signals, digit_map, packages,
  };
  bool audit(audit_descriptor& out, bool capabilities);
  bool audit_entry(list<audit_item>& out, token kind, audit_scope& scope);
  bool audit_media_body(audit_media& out, audit_scope& scope);
  bool audit_stream_part(audit_stream& out, token kind, audit_scope& scope, std::uint64_t stream_number);
  bool audit_control(audit_local_control& out, audit_scope& scope, std::uint64_t stream_number);
  bool audit_state(audit_termination_state& out, audit_scope& scope);
  bool audit_event_spec(event_spec& out, audit_scope& scope);
  bool audit_signal(signal_request& out, audit_scope& scope, std::uint64_t signal_list_number);
  bool selected(relation& out);
  bool audit_signal_entry(list<signal_entry>& out, audit_scope& scope);
  bool audited_property(list<property>& out, std::string_view word, audit_scope& scope, asked place, std::uint64_t stream_number);
  bool names(list<item_name>& out, audit_scope& scope, asked place, std::uint64_t around = no_number);
  // Notes an error at `where` if this has been asked for before.
  bool asked_once(audit_scope& scope, asked place, std::uint64_t around, seen_items::key item, std::size_t where);
  static constexpr std::uint64_t no_number = std::uint64_t{1} << 32;  // greater than any that may be there
  bool services(services_descriptor& out, bool reply);
  bool services_part(services_descriptor& out, bool reply, audit_scope& scope);
  bool method(services_descriptor& out);
  bool profile(services_descriptor& out);
  bool version(std::uint8_t& out);
  bool address(services_descriptor& out);

  // Adds one to `out`, in the arena.
  template <class T, class... Args>
  T& add(list<T>& out, Args&&... args) {
    return out.emplace_in(memory_, std::forward<Args>(args)...);
  }
  template <class D, class V>
  D& add_as(list<V>& out) {
    return std::get<D>(out.emplace_in(memory_, std::in_place_type<D>));
  }
  // ',' between items; also the place where memory is counted.
  bool comma() {
    if (!in_.comma()) return false;
    return memory_.used_bytes() <= limits_.max_memory_bytes || too_complex();
  }
  bool too_complex();
  // Notes an error, at the word that was read last, if what it begins is `already` there.
  bool once(bool already, error_code code, std::string_view what) { return !already || in_.fail(code, what, in_.last_word()); }

  reader in_;
  std::string_view text_;
  arena& memory_;
  list<parse_error>& errors_;
  list<parse_deviation>& deviations_;
  const parse_limits& limits_;
  std::uint8_t version_ = 1;  // of the message
  bool gave_up_ = false;  // too costly: read nothing more
  bool lost_ = false;     // the end of a transaction was not found: nothing behind it can be trusted
  box<error_descriptor> lost_command_{};  // of a command whose end was not found, until its action takes it
  // Where the last error was, so that counting lines goes on from there.
  std::size_t counted_to_ = 0;
  std::uint32_t line_ = 1;
  std::size_t line_start_ = 0;
};

}  // namespace agw::h248::text
