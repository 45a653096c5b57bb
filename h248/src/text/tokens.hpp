// The words of the text encoding, long and short (H.248.1 Annex B.2). Which of them mean something depends on the place: the
// parser asks at the places where words are expected, so that a termination may well be called Add.
#pragma once

#include <cstdint>
#include <string_view>

namespace agw::h248::text {

enum class token : std::uint8_t {
  none,
  add, and_logic, audit, audit_capability, audit_value, authentication, both, bothway, brief, buffer, context, context_attr,
  context_audit, context_list, delay, digit_map, disconnected, duration, embed, emergency, emergency_off, emergency_value,
  end, error, event_buffer, events, external, failover, forced, graceful, h221, h223, h226, hand_off, ieps_call,
  imm_ack_required, immediate_notify, in_service, inactive, int_by_event, int_by_signals, internal, intersignal, isolate,
  iteration, keep_active, local, local_control, lock_step, loopback, media, megaco, method, mgc_id_to_try, mode, modem,
  modify, move, mtp, mux, never_notify, notify, notify_completion, nx64k, observed_events, off, on, on_off, oneway,
  oneway_both, oneway_external, or_logic, other_reason, out_of_service, packages, pending, priority, profile, reason,
  receive_only, regulated_notify, remote, reply, reserved_group, reserved_value, reset_events, restart, segment, send_only,
  send_receive, service_change, service_change_address, service_change_inc, service_states, services, signal_list,
  signal_type, signals, spa_direction, spa_request_id, statistics, stream, subtract, synch_isdn, termination_state, test,
  time_out, topology, transaction, transaction_ack, v18, v22, v22bis, v32, v32bis, v34, v76, v90, v91, version,
};

// token::none if `word` is none of them; without regard to case.
token find_token(std::string_view word) noexcept;

// Whether `word` is that one.
bool is_token(std::string_view word, token t) noexcept;

std::string_view long_name(token t) noexcept;
// The long name where there is no short one.
std::string_view short_name(token t) noexcept;

}  // namespace agw::h248::text
