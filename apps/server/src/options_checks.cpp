#include <algorithm>
#include <fstream>
#include <string>

#include "agw/h248/packages.hpp"
#include "agw/transports/certificate.hpp"
#include "limits.hpp"
#include "options_parts.hpp"

namespace agw::server {

namespace {

// Certificates are opened, so that a file that does not fit is found before anything starts.
std::optional<config_error> check_keys(const settings& s, const server_options& o) {
  const auto pair = [&](const char* certificate_key, const std::string& certificate, const char* key_key,
                        const std::string& key) -> std::optional<config_error> {
    if (certificate.empty() && key.empty()) return std::nullopt;
    if (certificate.empty() != key.empty()) {
      return s.wrong({key.empty() ? certificate_key : key_key},
                     std::string("only together with ") + (key.empty() ? key_key : certificate_key));
    }
    const auto loaded = dtls::certificate::load(certificate, key);
    if (loaded) return std::nullopt;
    return s.wrong({certificate_key}, "a PEM file with a certificate that belongs to " + std::string(key_key) + " (" +
                                          loaded.error().message() + ")");
  };
  if (auto error = pair("dtls.certificate", o.dtls_certificate, "dtls.key", o.dtls_key)) return error;
  if (auto error = pair("tls.certificate", o.tls.certificate_file, "tls.key", o.tls.private_key_file)) return error;
  if (!o.tls.ca_file.empty()) {
    if (const auto made = tls::context::make(o.tls); !made) {
      return s.wrong({"tls.ca"}, "a PEM file with certificates of authorities (" + made.error().message() + ")");
    }
  }
  return std::nullopt;
}

std::optional<std::string> first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  if (!std::getline(in, line)) return std::nullopt;
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
  if (line.empty() || line.size() > 255) return std::nullopt;
  return line;
}

std::optional<config_error> check_interfaces(const settings& s, const server_options& o) {
  for (const auto& one : o.iq.interfaces) {
    const auto key = "interfaces." + one.name;
    const auto& [bound, advertised] = one.addresses;
    const auto unusable = [](const auto& a) { return a.is_unspecified() || a.is_multicast(); };
    const auto same_family = [](const auto& all) { return all.size() == 2 && all[0].is_v6() == all[1].is_v6(); };
    if (std::ranges::any_of(bound, unusable) || same_family(bound)) {
      return s.wrong({key + ".address"}, "an IPv4 or IPv6 address of this machine, not a wildcard, or a list of one of each");
    }
    if (std::ranges::any_of(advertised, unusable) || same_family(advertised)) {
      return s.wrong({key + ".advertised"}, "an IPv4 or IPv6 address, not a wildcard or a group, or a list of one of each, or []");
    }
    for (const auto& a : advertised) {
      const auto fits = [&a](const auto& b) { return b.is_v6() == a.is_v6(); };
      if (std::ranges::none_of(bound, fits)) {
        return s.wrong({key + ".advertised"}, "an address of the same family as one of " + key + ".address");
      }
    }
    for (const auto& other : o.iq.interfaces) {
      if (&one != &other && one.realm == other.realm)
        return s.wrong({"interfaces." + one.name + ".realm", "interfaces." + other.name + ".realm"},
                       "a realm of one interface only");
    }
  }
  return std::nullopt;
}

std::optional<config_error> check_ice(const settings& s, const server_options& o) {
  const bool full = o.gateway.ice_mode == ice::agent_mode::full;
  if (o.shared_port && full) return s.wrong({"ports.shared", "ice.mode"}, "ports.shared together with ice.mode = \"lite\"");
  for (const auto& [name, floats] : o.floating) {
    // It is bound at the start.
    if (o.shared_port && floats && faces_wics(name)) return s.wrong({"ports.shared", "interfaces." + name + ".floating"}, "one of the two");
  }
  if (o.gateway.stun && !full) return s.wrong({"ice.stun"}, "\"\", or a server together with ice.mode = \"full\"");
  if (o.gateway.turn && !full) return s.wrong({"ice.turn"}, "\"\", or a server together with ice.mode = \"full\"");
  const bool credentials = !o.turn_user.empty() || !o.turn_password.empty() || !o.turn_password_file.empty();
  if (credentials && !o.gateway.turn) {
    return s.wrong({"ice.turn_user", "ice.turn_password", "ice.turn_password_file"}, "\"\", or a value together with ice.turn");
  }
  if (!o.gateway.turn) return std::nullopt;
  if (o.turn_user.empty()) return s.wrong({"ice.turn_user", "ice.turn"}, "ice.turn together with ice.turn_user");
  if (o.turn_password.empty() == o.turn_password_file.empty()) {
    return s.wrong({"ice.turn_password", "ice.turn_password_file", "ice.turn"}, "ice.turn with one of ice.turn_password and ice.turn_password_file");
  }
  if (!o.turn_password_file.empty() && !first_line(o.turn_password_file)) {
    return s.wrong({"ice.turn_password_file"}, "a file whose first line is a password of 1 to 255 bytes");
  }
  return std::nullopt;
}

// Two TCP listeners, or a listener in the midst of the ports that calls take: one of them would fail, sooner or later.
std::optional<config_error> check_http(const settings& s, const server_options& o) {
  const auto port = o.http.port();
  if (port == 0) return std::nullopt;
  const auto same_host = [&](const boost::asio::ip::address& a) { return a == o.http.address() || a.is_unspecified() || o.http.address().is_unspecified(); };
  if (port == o.h248.port && same_host(o.h248.host)) return s.wrong({"http.listen", "h248.listen"}, "another port than that of h248.listen");
  const bool inside = port >= o.ports.low && port <= o.ports.high;
  const auto is_ours = [&](const auto& i) { return std::ranges::any_of(i.addresses.bound, same_host); };
  if (inside && std::ranges::any_of(o.iq.interfaces, is_ours)) {
    return s.wrong({"http.listen", "ports.low", "ports.high"}, "a port outside of [ports], which are those of calls");
  }
  return std::nullopt;
}

}  // namespace

void complete(server_options& o) {
  o.registration.version = o.control.version;
  o.registration.inactivity_event = h248::package_names(o.names).wire_name(h248::item_name::of("it/ito"));
  if (o.iq.max_contexts == 0) o.iq.max_contexts = fitting_contexts(o, descriptor_limit().at_most);
  if (!o.gateway.turn) return;
  o.gateway.turn->user = o.turn_user;
  o.gateway.turn->password = o.turn_password_file.empty() ? o.turn_password : first_line(o.turn_password_file).value_or("");
}

std::optional<config_error> check_together(const settings& s, const server_options& o) {
  const auto& t = o.control.transactions;
  const auto& r = o.registration;
  if (o.ports.low > o.ports.high) return s.wrong({"ports.high", "ports.low"}, "ports.low not above ports.high");
  if (o.h248.host.is_unspecified() && o.control.mid.empty())
    return s.wrong({"h248.listen"}, "an address of this machine, or a wildcard together with h248.mid");
  const auto differs = [&](const auto& mgc) { return mgc.via != o.h248.via; };
  if (o.h248.via != h248::transport::udp && std::ranges::any_of(r.mgcs, differs))
    return s.wrong({"h248.listen", "h248.mgc"}, "a transport that all of h248.mgc have, or none, which stands for each of theirs");
  if (o.h248.port == 0 && o.control.mid.empty() &&
      std::ranges::none_of(r.mgcs, [](const auto& mgc) { return mgc.via == h248::transport::udp; }))
    return s.wrong({"h248.listen"}, "a port from 1 to 65535, which is our name without UDP, or 0 together with h248.mid");
  for (const auto& mgc : r.mgcs) {
    const auto at = h248::numeric(mgc);
    if (!at) continue;
    const bool ours = mgc.via == h248::transport::udp && at->host == o.h248.host && at->port == o.h248.port && at->port != 0;
    if (at->host.is_unspecified() || at->host.is_multicast() || ours) return s.wrong({"h248.mgc"}, "addresses of controllers, not ours or everybody's");
  }
  if (r.min_version > o.control.version)
    return s.wrong({"h248.version", "h248.min_version"}, "h248.version not below h248.min_version");
  if (t.min_timeout > t.first_timeout)
    return s.wrong({"h248.first_timeout", "h248.min_timeout"}, "h248.first_timeout not below h248.min_timeout");
  if (t.first_timeout > t.max_timeout)
    return s.wrong({"h248.max_timeout", "h248.first_timeout"}, "h248.max_timeout not below h248.first_timeout");
  if (t.t_max > t.long_timer) return s.wrong({"h248.long_timer", "h248.t_max"}, "h248.long_timer not below h248.t_max");
  if (r.min_retry_delay > r.max_retry_delay) {
    return s.wrong({"h248.max_retry_delay", "h248.min_retry_delay"}, "h248.max_retry_delay not below h248.min_retry_delay");
  }
  if (r.silence > clock::duration{} && r.silence < std::chrono::seconds(1))
    return s.wrong({"h248.silence"}, "\"0s\", or a duration of at least 1s");
  if (o.iq.orphaned_after > clock::duration{} && o.iq.orphaned_after < std::chrono::seconds(10))
    return s.wrong({"limits.orphaned_after"}, "\"0s\", or a duration of at least 10s");
  if (auto error = check_interfaces(s, o)) return error;
  if (auto error = check_http(s, o)) return error;
  if (auto error = check_ice(s, o)) return error;
  if (o.dtls_certificate_lifetime > clock::duration{} && o.dtls_certificate_lifetime < std::chrono::minutes(1))
    return s.wrong({"dtls.certificate_lifetime"}, "\"0s\", or a duration of at least 1min");
  if (o.dtls_certificate_lifetime > clock::duration{} && !o.dtls_certificate.empty())
    return s.wrong({"dtls.certificate_lifetime"}, "\"0s\" with dtls.certificate, which SIGHUP reads again");
  return check_keys(s, o);
}

}  // namespace agw::server
