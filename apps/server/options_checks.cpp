#include <algorithm>
#include <string>

#include "agw/transports/certificate.hpp"
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

}  // namespace

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
  for (const auto& one : o.iq.interfaces) {
    for (const auto& other : o.iq.interfaces) {
      if (&one != &other && one.realm == other.realm)
        return s.wrong({"interfaces." + one.name + ".realm", "interfaces." + other.name + ".realm"},
                       "a realm of one interface only");
    }
  }
  return check_keys(s, o);
}

}  // namespace agw::server
