#include "msrp_paths.hpp"

#include <openssl/rand.h>

#include "agw/msrp/uri.hpp"
#include "refuse.hpp"

namespace agw::gateway {

std::string make_msrp_path(const ip_address& address, std::uint16_t port, bool tls) {
  unsigned char random[12];
  RAND_bytes(random, sizeof random);
  static constexpr char digits[] = "0123456789abcdefghijklmnopqrstuv";
  std::string session;
  for (const unsigned char c : random) {
    session += digits[c & 31];
    session += digits[(c >> 3) & 31];
  }
  const std::string host = address.is_v6() ? "[" + address.to_string() + "]" : address.to_string();
  return (tls ? "msrps://" : "msrp://") + host + ":" + std::to_string(port) + "/" + session + ";tcp";
}

std::string joined_path(const std::vector<std::string>& path) {
  std::string out;
  for (const auto& uri : path) {
    if (!out.empty()) out += ' ';
    out += uri;
  }
  return out;
}

std::optional<refusal> check_paths(std::initializer_list<const std::vector<std::string>*> paths) {
  for (const auto* path : paths) {
    if (path == nullptr || path->empty()) continue;
    if (const auto uris = msrp::split_path(joined_path(*path)); !uris) {
      return refuse(refusal_reason::bad_value, "a=path: " + uris.error().message());
    }
  }
  return std::nullopt;
}

tls::peer_check tls_check(const bearer_remote& remote) {
  tls::peer_check check;
  for (const auto& line : remote.fingerprints) {
    if (auto one = dtls::fingerprint::parse(line)) check.fingerprints.push_back(std::move(*one));
  }
  check.named = !remote.fingerprints.empty();
  // Without a fingerprint the chain has to lead to a CA that the operator trusts.
  check.verify_ca = !check.named;
  return check;
}

}  // namespace agw::gateway
