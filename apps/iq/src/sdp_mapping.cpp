#include "sdp_mapping.hpp"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

#include "agw/h248/ascii.hpp"

namespace agw::iq {

using namespace gateway;

namespace {

/// The ICE agent takes fewer, and passes over those that it cannot use.
constexpr std::size_t max_candidate_lines = 200;

command_error missing(std::string_view what) {
  return command_error(h248::error_code::required_information_missing, std::string(what));
}

command_error bad(std::string_view line) { return command_error(h248::error_code::unknown_value, std::string(line)); }

checked<std::optional<ip_address>> address_of(const h248::sdp& d) {
  const auto c = d.connection();
  if (!c || c->choose()) return std::optional<ip_address>();
  boost::system::error_code ec;
  const auto address = boost::asio::ip::make_address(c->address, ec);
  if (ec) return bad("c=" + c->to_text());
  return std::optional<ip_address>(address);
}

/// Of the address that the gateway is asked to choose; nothing: of either, or the address is given.
std::optional<ip_family> family_asked(const h248::sdp& d) {
  const auto c = d.connection();
  if (!c || !c->choose() || c->any_family) return std::nullopt;
  return c->ip6 ? ip_family::ip6 : ip_family::ip4;
}

checked<std::optional<gateway::setup_role>> setup_of(const h248::sdp& d) {
  const auto setup = d.setup();
  if (!setup) return std::optional<gateway::setup_role>();
  switch (*setup) {
    case h248::setup_role::active: return std::optional(gateway::setup_role::active);
    case h248::setup_role::passive: return std::optional(gateway::setup_role::passive);
    case h248::setup_role::actpass: return std::optional(gateway::setup_role::actpass);
    case h248::setup_role::holdconn: break;
  }
  return bad("a=setup:holdconn");
}

std::vector<std::string> fingerprints_of(const h248::sdp& d) {
  std::vector<std::string> out;
  for (const auto& f : d.fingerprints()) {
    if (!f.choose()) out.push_back(f.to_text());
  }
  return out;
}

std::vector<std::string> path_of(const h248::sdp& d) {
  std::vector<std::string> out;
  const auto path = d.path();
  if (!path || *path == "$") return out;
  for (std::size_t at = 0; at < path->size();) {
    const auto space = path->find(' ', at);
    const auto end = space == std::string_view::npos ? path->size() : space;
    if (end > at) out.emplace_back(path->substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::uint32_t message_limit(const h248::sdp& d, std::uint32_t otherwise) {
  const auto size = d.max_message_size();
  if (!size) return otherwise;
  // RFC 8841: 0 is "any size"; what we ever send in one message is bounded anyway.
  return *size == 0 || *size > 0x40000000u ? 0x40000000u : static_cast<std::uint32_t>(*size);
}

std::optional<std::string> given(std::optional<std::string_view> value) {
  if (!value || *value == "$") return std::nullopt;
  return std::string(*value);
}

// RFC 8842, 4: 20*255 of these. A peer's may be shorter: it is only compared.
bool is_tls_id(std::string_view text) {
  const auto allowed = [](char c) { return h248::ascii_alpha(c) || h248::ascii_digit(c) || c == '+' || c == '/' || c == '-' || c == '_'; };
  return text.size() <= 255 && std::ranges::all_of(text, allowed);
}

void fill_fingerprint(h248::sdp& d, const std::string& own) {
  if (const auto space = own.find(' '); space != std::string::npos) d.fill_fingerprint(own.substr(0, space), own.substr(space + 1));
}

bool over_tls(const h248::sdp_media& m) { return m.is_protocol("TCP/TLS/MSRP") || m.is_protocol("TCP/TLS"); }
bool names_msrp(const h248::sdp_media& m) { return m.is_protocol("TCP/MSRP") || m.is_protocol("TCP/TLS/MSRP"); }

checked<stream_local> association(const h248::sdp& d, const h248::sdp_media& m) {
  association_local out;
  auto address = address_of(d);
  if (!address) return address.error();
  out.address = *address;
  out.family = family_asked(d);
  if (!m.port.choose && m.port.value != 9) out.port = static_cast<std::uint16_t>(m.port.value);
  auto setup = setup_of(d);
  if (!setup) return setup.error();
  out.setup = *setup;
  out.ice = d.has_attribute("candidate");
  out.ice_ufrag = given(d.ice_ufrag());
  out.ice_pwd = given(d.ice_pwd());
  out.choose_tls_id = d.attribute("tls-id") == "$";
  out.tls_id = given(d.attribute("tls-id"));
  if (out.tls_id && !is_tls_id(*out.tls_id)) return bad("a=tls-id:" + *out.tls_id);
  out.new_ice_credentials = d.ice_ufrag() == "$" && d.ice_pwd() == "$";
  const auto port = d.sctp_port();
  if (!port) return missing("a=sctp-port");
  if (!port->choose) out.sctp_port = static_cast<std::uint16_t>(port->value);
  out.max_message_bytes = std::min<std::uint32_t>(message_limit(d, out.max_message_bytes), 262144);
  return stream_local(std::move(out));
}

checked<stream_local> channel(const h248::sdp& d) {
  const auto maps = d.dcmaps();
  if (maps.empty()) return missing("a=dcmap");
  const auto& map = maps.front();
  channel_local out;
  if (!map.id.choose) out.sid = static_cast<std::uint16_t>(map.id.value);
  out.subprotocol = map.subprotocol;
  if (map.has_label) out.label = map.label;
  out.ordered = map.ordered;
  out.max_retransmits = map.max_retransmits;
  out.max_lifetime_ms = map.max_time_ms;
  out.priority = map.priority;
  if (auto path = d.dcsa(map.id, "path")) out.path = {*path};
  return stream_local(std::move(out));
}

checked<stream_local> bearer(const h248::sdp& d, const h248::sdp_media& m) {
  bearer_local out;
  auto address = address_of(d);
  if (!address) return address.error();
  out.address = *address;
  out.family = family_asked(d);
  if (!m.port.choose && m.port.value != 9) out.port = static_cast<std::uint16_t>(m.port.value);
  auto setup = setup_of(d);
  if (!setup) return setup.error();
  out.setup = setup->value_or(gateway::setup_role::actpass);
  out.tls = over_tls(m);
  out.msrp_aware = names_msrp(m);
  out.path = path_of(d);
  out.choose_path = d.path() == "$";
  return stream_local(std::move(out));
}

}  // namespace

checked<stream_kind> kind_of(const h248::sdp& d) {
  const auto m = d.media();
  if (!m) return command_error(h248::error_code::invalid_sdp, "no m= line");
  if (m->is_protocol("UDP/DTLS/SCTP")) {
    const bool own_transport = m->port.choose || (m->port.value != 9 && m->port.value != 0) || d.has_attribute("sctp-port") ||
                               d.has_attribute("candidate") || d.has_attribute("fingerprint");
    return own_transport ? stream_kind::association : stream_kind::channel;
  }
  if (m->is_protocol("TCP") || m->is_protocol("TCP/MSRP") || m->is_protocol("TCP/TLS/MSRP") || m->is_protocol("TCP/TLS")) {
    return stream_kind::bearer;
  }
  return command_error(h248::error_code::unsupported_media_type, "m=" + m->to_text());
}

checked<stream_local> local_of(const h248::sdp& d) {
  const auto kind = kind_of(d);
  if (!kind) return kind.error();
  const auto m = d.media();
  switch (*kind) {
    case stream_kind::association: return association(d, *m);
    case stream_kind::channel: return channel(d);
    case stream_kind::bearer: return bearer(d, *m);
  }
  return missing("m=");
}

checked<stream_remote> remote_of(const h248::sdp& d, stream_kind known) {
  const auto m = d.media();
  if (!m) return command_error(h248::error_code::invalid_sdp, "no m= line");
  auto address = address_of(d);
  if (!address) return address.error();
  auto setup = setup_of(d);
  if (!setup) return setup.error();
  switch (known) {
    case stream_kind::association: {
      association_remote out;
      out.address = *address;
      out.port = static_cast<std::uint16_t>(m->port.value);
      out.ice_ufrag = given(d.ice_ufrag()).value_or("");
      out.ice_pwd = given(d.ice_pwd()).value_or("");
      out.ice_lite = d.ice_lite();
      for (const auto value : d.attributes("candidate")) {
        if (out.candidates.size() == max_candidate_lines) break;
        if (value != "$") out.candidates.emplace_back(value);
      }
      out.fingerprints = fingerprints_of(d);
      out.tls_id = given(d.attribute("tls-id")).value_or("");
      if (!out.tls_id.empty() && !is_tls_id(out.tls_id)) return bad("a=tls-id:" + out.tls_id);
      out.setup = *setup;
      const auto port = d.sctp_port();
      if (!port || port->choose) return missing("a=sctp-port");
      out.sctp_port = static_cast<std::uint16_t>(port->value);
      out.max_message_bytes = message_limit(d, out.max_message_bytes);
      return stream_remote(std::move(out));
    }
    case stream_kind::channel: {
      channel_remote out;
      const auto maps = d.dcmaps();
      if (!maps.empty()) {
        if (auto path = d.dcsa(maps.front().id, "path")) out.path = {*path};
      } else {
        for (const auto& line : d.dcsas()) {
          if (line.attribute == "path") out.path = {line.value};
        }
      }
      return stream_remote(std::move(out));
    }
    case stream_kind::bearer: {
      bearer_remote out;
      if (!*address) return missing("c=");
      out.address = **address;
      out.port = static_cast<std::uint16_t>(m->port.value);
      out.setup = *setup;
      out.path = path_of(d);
      out.fingerprints = fingerprints_of(d);
      out.tls = over_tls(*m);
      out.msrp_aware = names_msrp(*m);
      return stream_remote(std::move(out));
    }
  }
  return missing("m=");
}

h248::sdp filled(h248::sdp d, const stream_answer& answer) {
  if (const auto* a = std::get_if<association_answer>(&answer)) {
    d.fill_address(a->address.to_string());
    d.fill_port(a->port);
    d.fill_attribute("ice-ufrag", a->ice_ufrag);
    d.fill_attribute("ice-pwd", a->ice_pwd);
    fill_fingerprint(d, a->fingerprint);
    if (!a->tls_id.empty()) d.fill_attribute("tls-id", a->tls_id);
    std::vector<h248::sdp_candidate> candidates;
    for (const auto& line : a->candidates) {
      if (auto c = h248::sdp_candidate::parse(line)) candidates.push_back(std::move(*c));
    }
    if (d.fill_candidates(candidates) && a->ice_lite && !d.ice_lite()) d.add_attribute("ice-lite");
    d.fill_attribute("sctp-port", std::to_string(a->sctp_port));
  }
  if (const auto* b = std::get_if<bearer_answer>(&answer)) {
    d.fill_address(b->address.to_string());
    d.fill_port(b->port);
    fill_fingerprint(d, b->fingerprint);
    if (!b->path.empty()) d.fill_attribute("path", b->path.front());
  }
  return d;
}

std::string restarted(const std::string& local, const stream_answer& answer) {
  auto all = h248::sdp::parse(local);
  const auto* now = std::get_if<association_answer>(&answer);
  if (!all || !now) return local;
  for (auto& one : *all) {
    if (!now->ice_ufrag.empty()) one.set_attribute("ice-ufrag", now->ice_ufrag).set_attribute("ice-pwd", now->ice_pwd);
    if (one.has_attribute("tls-id")) one.set_attribute("tls-id", now->tls_id);
  }
  return h248::to_text(*all);
}

std::string with_channel(const std::string& local, std::uint16_t sid) {
  auto all = h248::sdp::parse(local);
  bool asked = false;
  if (all) {
    for (auto& one : *all) asked = one.fill_dcmap_id(sid) || asked;
  }
  return asked ? h248::to_text(*all) : local;
}

command_error error_of(const refusal& refused) {
  switch (refused.reason) {
    case refusal_reason::missing: return command_error(h248::error_code::required_information_missing, refused.text);
    case refusal_reason::bad_value: return command_error(h248::error_code::unknown_value, refused.text);
    case refusal_reason::conflict: return command_error(h248::error_code::conflicting_values, refused.text);
    case refusal_reason::interlinkage: return command_error(h248::error_code::incorrect_interlinkage, refused.text);
    case refusal_reason::grouping: return command_error(h248::error_code::invalid_aggregation, refused.text);
    case refusal_reason::no_resources: return command_error(h248::error_code::insufficient_resources, refused.text);
    case refusal_reason::busy: return command_error(h248::error_code::temporarily_busy, refused.text);
    case refusal_reason::unknown: return command_error(h248::error_code::unknown_termination, refused.text);
  }
  return command_error(h248::error_code::internal_software_failure, refused.text);
}

}  // namespace agw::iq
