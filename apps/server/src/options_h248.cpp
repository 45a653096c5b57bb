// The H.248 part of agw-server's settings, and the kinds of value that only H.248 has.
#include <algorithm>
#include <stdexcept>
#include <utility>

#include "agw/control/addresses.hpp"
#include "agw/h248/packages.hpp"
#include "agw/h248/text.hpp"
#include "options_parts.hpp"

namespace agw::server {

namespace {

using namespace std::chrono_literals;

/// Whether the name can stand in the header of every message: any peer reads it, and it means one gateway.
bool names_one_gateway(const h248::mid_name& name) {
  h248::message m;
  m.version = 3;
  m.from = name;
  bool wild = m.from.type == h248::mid::form::device && m.from.text.find_first_of("*$") != std::string_view::npos;
  if (m.from.type == h248::mid::form::ip4 || m.from.type == h248::mid::form::ip6) {
    boost::system::error_code ec;
    const auto address = boost::asio::ip::make_address(m.from.text, ec);
    wild = ec || address.is_unspecified() || address.is_multicast();
  }
  const auto read = h248::parse(h248::to_text(m) + "K{1}");
  return !wild && read.ok() && read.deviations().empty() && read->from == m.from;
}

value_kind<h248::mid_name> mid() {
  auto read = [](const config_value& v) -> std::optional<h248::mid_name> {
    const auto* text = std::get_if<std::string>(&v.data);
    if (!text) return std::nullopt;
    if (text->empty()) return h248::mid_name{};
    const auto value = h248::mid_name::parse(*text);
    return value && names_one_gateway(*value) ? std::optional(*value) : std::nullopt;
  };
  return {
      "\"\" (the address H.248 is listened on) or an mId such as \"[192.0.2.1]:2944\", \"<mg.example.org>:2944\" or \"agw/1\"",
      read, [](const h248::mid_name& m) { return m.empty() ? std::string("\"\"") : "\"" + h248::to_text(h248::mid(m)) + "\""; }};
}

void declare_names(settings& s, server_options& o) {
  const auto allowed = "the name of a package, an item, a parameter or a word that agw has, such as \"mgroup/sem\"";
  s.each("h248.names", allowed, [&s, &o](const std::string& path) {
    if (o.names.contains(path)) return true;
    try {
      // The table's own word about the path; the new name stays out of it.
      const auto last = path.substr(path.rfind('/') == std::string::npos ? 0 : path.rfind('/') + 1);
      h248::package_names{{{path, last}}};
    } catch (const std::invalid_argument&) {
      return false;
    }
    s.add("h248.names." + path, o.names[path],
          kind::text_that("a name of 1 to 64 letters, digits and underscores that begins with a letter",
                          [](std::string_view n) { return is_name(n, 64); }),
          "");
    return true;
  });
  s.rule([&s, &o]() -> std::optional<config_error> {
    for (const auto& [path, name] : o.names) {
      // Taken together two names may become one: the culprit is the first that cannot join those before it.
      std::map<std::string, std::string> so_far(o.names.begin(), o.names.upper_bound(path));
      try {
        h248::package_names{so_far};
      } catch (const std::invalid_argument& e) {
        return s.wrong({"h248.names." + path}, std::string("a name that nothing else has (") + e.what() + ")");
      }
    }
    return std::nullopt;
  });
}

}  // namespace

bool is_name(std::string_view text, std::size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }) && !(text.front() >= '0' && text.front() <= '9');
}

void declare_h248(settings& s, server_options& o) {
  auto& t = o.control.transactions;
  auto& r = o.registration;
  s.add("h248.listen", o.h248, control::listen_address(), "where H.248 is spoken; the transport is the controller's").option("--h248", "ADDR:PORT");
  s.add("h248.mgc", r.mgcs, kind::list(control::mgc_name(), 1, 16), "controllers, the primary one first; tcp:ADDR:PORT for TCP")
      .option("--mgc", "ADDR:PORT");
  s.add("h248.mid", o.control.mid, mid(), "");
  s.add("h248.version", o.control.version, kind::integer<std::uint8_t>(1, 3), "");
  s.add("h248.min_version", r.min_version, kind::integer<std::uint8_t>(1, 3), "");
  s.add("h248.profile", r.profile,
        kind::text_that("a name of up to 64 letters, digits and underscores, or \"\" for none",
                        [](std::string_view n) { return n.empty() || is_name(n, 64); }),
        "");
  s.add("h248.profile_version", r.profile_version, kind::integer<std::uint8_t>(1, 99), "");
  s.add("h248.style", o.control.style,
        kind::choice<h248::layout>({{"compact", h248::layout::compact}, {"pretty", h248::layout::pretty}}), "");
  s.add("h248.trust", o.control.trusted,
        kind::choice<h248::trust>({{"address", h248::trust::address}, {"host", h248::trust::host}}), "");
  s.add("h248.handoff", r.handoff,
        kind::choice<h248::handoff_targets>({{"configured", h248::handoff_targets::configured}, {"any", h248::handoff_targets::any}}), "");
  s.add("h248.maximum_waiting_delay", r.max_waiting_delay, kind::duration(0ms, 1h), "");
  s.add("h248.attempt_timeout", r.attempt_timeout, kind::duration(1s, 5min), "");
  s.add("h248.min_retry_delay", r.min_retry_delay, kind::duration(100ms, 1h), "");
  s.add("h248.max_retry_delay", r.max_retry_delay, kind::duration(100ms, 24h), "");
  s.add("h248.silence", r.silence, kind::duration(0s, 24h), "");
  s.add("h248.first_timeout", t.first_timeout, kind::duration(10ms, 10s), "");
  s.add("h248.min_timeout", t.min_timeout, kind::duration(10ms, 10s), "");
  s.add("h248.max_timeout", t.max_timeout, kind::duration(10ms, 1min), "");
  s.add("h248.t_max", t.t_max, kind::duration(1s, 5min), "");
  s.add("h248.long_timer", t.long_timer, kind::duration(1s, 10min), "");
  s.add("h248.normal_execution_time", t.normal_execution_time, kind::duration(50ms, 29s), "");
  s.add("h248.provisional_timeout", t.provisional_timeout, kind::duration(100ms, 1min), "");
  s.add("h248.provisional_response_time", t.provisional_response_time, kind::duration(0ms, 29s), "");
  s.add("h248.mgc_execution_time", t.peer_execution_time, kind::duration(0ms, 29s), "");
  s.add("h248.sent_pending_limit", t.sent_pending_limit, kind::integer<std::uint32_t>(1, 1000), "");
  s.add("h248.received_pending_limit", t.received_pending_limit, kind::integer<std::uint32_t>(1, 1000), "");
  s.add("h248.regulated_notify_percent", o.iq.regulated_notify_percent, kind::integer<unsigned>(0, 100), "");
  s.add("h248.segmentation_timeout", t.segmentation_timeout, kind::duration(100ms, 1min), "");
  s.add("h248.compare_requests", t.compare_requests, kind::truth(), "");
  s.add("h248.segment_replies", t.segment_replies, kind::truth(), "");
  s.add("h248.max_reply", t.max_reply_bytes, kind::integer<std::size_t>(1024, 64u << 20), "");
  s.add("h248.datagram_bytes", t.datagram_bytes, kind::integer<std::size_t>(512, 65507), "");
  declare_names(s, o);
}

}  // namespace agw::server
