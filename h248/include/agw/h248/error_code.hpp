// H.248.8: the error codes that stand in error descriptors, and the ServiceChange reasons, each with its text. A code that is
// not in the table is kept as a number: static_cast<error_code>(n).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace agw::h248 {

enum class error_code : std::uint16_t {
  syntax_error_in_message = 400,
  protocol_error = 401,
  unauthorized = 402,
  syntax_error_in_transaction = 403,
  version_not_supported = 406,
  incorrect_identifier = 410,
  unknown_context = 411,
  no_contexts_available = 412,
  too_many_transactions = 413,
  unknown_action = 421,
  syntax_error_in_action = 422,
  unknown_termination = 430,
  no_termination_matched = 431,
  no_terminations_available = 432,
  termination_in_context = 433,
  too_many_terminations = 434,
  termination_not_in_context = 435,
  unknown_package = 440,
  missing_local_or_remote = 441,
  syntax_error_in_command = 442,
  unknown_command = 443,
  unknown_descriptor = 444,
  unknown_property = 445,
  unknown_parameter = 446,
  descriptor_not_legal = 447,
  descriptor_twice = 448,
  unknown_value = 449,
  no_such_property = 450,
  no_such_event = 451,
  no_such_signal = 452,
  no_such_statistic = 453,
  no_such_parameter_value = 454,
  property_illegal_here = 455,
  property_twice = 456,
  missing_parameter = 457,
  unexpected_request_id = 458,
  invalid_metering_combination = 459,
  statistic_not_settable_on_stream = 460,
  unsupported_profile = 461,
  implied_add_failed = 471,
  required_information_missing = 472,
  conflicting_values = 473,
  invalid_sdp = 474,
  cannot_pause_playout = 475,
  cannot_adjust_speed = 476,
  cannot_adjust_scale = 477,
  contradicts_resource_rule = 478,
  incorrect_interlinkage = 488,
  invalid_aggregation = 489,
  internal_software_failure = 500,
  not_implemented = 501,
  not_ready = 502,
  service_unavailable = 503,
  unauthorized_entity = 504,
  before_service_change_reply = 505,
  too_many_pendings = 506,
  insufficient_resources = 510,
  temporarily_busy = 511,
  cannot_detect_event = 512,
  cannot_generate_signals = 513,
  cannot_send_announcement = 514,
  unsupported_media_type = 515,
  unsupported_mode = 517,
  event_buffer_full = 518,
  no_space_for_digit_map = 519,
  digit_map_undefined = 520,
  termination_changing_service = 521,
  topology_not_supported = 522,
  insufficient_bandwidth = 526,
  internal_hardware_failure = 529,
  temporary_network_failure = 530,
  permanent_network_failure = 531,
  audited_item_missing = 532,
  response_too_long = 533,
  read_only_property = 534,
  unexpected_hook_state = 540,
  unexpected_spare_bits = 541,
  command_not_allowed_here = 542,
  event_time_not_supported = 543,
  does_not_exist = 581,
};

enum class change_reason : std::uint16_t {
  service_restored = 900,
  cold_boot = 901,
  warm_boot = 902,
  mgc_directed_change = 903,
  termination_malfunctioning = 904,
  taken_out_of_service = 905,
  lower_layer_lost = 906,
  transmission_failure = 907,
  mg_impending_failure = 908,
  mgc_impending_failure = 909,
  media_capability_failure = 910,
  modem_capability_failure = 911,
  mux_capability_failure = 912,
  signal_capability_failure = 913,
  event_capability_failure = 914,
  state_loss = 915,
  packages_change = 916,
  capability_change = 917,
  cancel_graceful = 918,
  warm_failover = 919,
  cold_failover = 920,
};

// Which part of agw gives an error code; bits.
namespace giver {
inline constexpr std::uint8_t parser = 1;
inline constexpr std::uint8_t profile = 2;
inline constexpr std::uint8_t endpoint = 4;
inline constexpr std::uint8_t gateway = 8;
inline constexpr std::uint8_t controller = 16;
}  // namespace giver

struct coded_text {
  std::uint16_t code;
  std::string_view text;
  std::uint8_t given_by = 0;  // error codes only
};

// In ascending order.
std::span<const coded_text> error_code_table() noexcept;
std::span<const coded_text> change_reason_table() noexcept;

// The short text of a code; empty if it is not in the table.
std::string_view to_text(error_code code) noexcept;
// The whole value of a Reason: "901 Cold Boot"; empty if it is not in the table.
std::string_view to_text(change_reason reason) noexcept;

}  // namespace agw::h248
