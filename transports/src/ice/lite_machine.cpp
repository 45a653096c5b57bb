#include "agw/transports/ice_machine.hpp"

#include <algorithm>

#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"
#include "ice/endpoints.hpp"

namespace agw::ice {

namespace {

// Record header of RFC 6347 and RFC 9147: a stranger's datagram has to look like that much before DTLS sees it.
bool looks_like_record(bytes_view d) noexcept {
  constexpr std::size_t header_bytes = 13;
  return d.size() > header_bytes && d[1] == std::byte{0xFE} && (d[2] == std::byte{0xFF} || d[2] == std::byte{0xFD});
}

}  // namespace

lite_machine::lite_machine(std::optional<credentials> local, clock::duration consent_timeout)
    : agent_(local.value_or(credentials())), with_ice_(local.has_value()), consent_timeout_(consent_timeout) {}

error_code lite_machine::set_remote(const remote_parameters& remote, clock::time_point now) {
  if (with_ice_ && !remote.credentials.ufrag.empty()) {
    if (!valid(remote.credentials)) return transport_error::bad_credentials;
    auto candidates = usable_candidates(remote);
    if (remote.lite) {
      // Neither side checks: the peer's best candidate is taken as it stands (RFC 8445, 6.1.1 and 8.1.1).
      const auto best = std::ranges::max_element(candidates, {}, &candidate::priority);
      if (best == candidates.end()) return transport_error::no_remote_address;
      become_fixed();
      fixed_ = best->address;
    } else {
      if (peer_ == peer_kind::fixed && fixed_) checks_since_ = now;
      answered_.reset();
      peer_ = peer_kind::checking;
    }
    agent_.set_remote(remote.credentials, std::move(candidates));
    return {};
  }
  if (!remote.address && !remote.latching) return transport_error::no_remote_address;
  become_fixed();
  if (remote.latching) latching_ = latching::anywhere;  // latch() may have come before
  fixed_ = remote.latching ? std::nullopt : remote.address;
  return {};
}

void lite_machine::become_fixed() {
  if (peer_ == peer_kind::checking) agent_.forget();
  peer_ = peer_kind::fixed;
  checks_since_.reset();
  lost_ = false;
}

void lite_machine::begin_anew() {
  agent_.begin_anew();
  peer_ = peer_kind::unknown;
  lost_ = authenticated_ = false;
  fixed_.reset();
  checks_since_.reset();
  answered_.reset();
}

verdict lite_machine::receive(std::span<std::byte> datagram, const route& source, clock::time_point now) {
  if (peer_ == peer_kind::fixed) return receive_plain(datagram, source);
  const bool before = agent_.nominated();
  const bool of_fixed = checks_since_ && fixed_ == source.address && source.connection == 0;
  if (of_fixed && kind_of(datagram) == datagram_kind::dtls) return verdict::application;
  const auto out = agent_.on_datagram(datagram, source, now);
  if (agent_.nominated() && !before) {  // the first time, or after a restart
    lost_ = false;
    checks_since_.reset();
  }
  return out;
}

verdict lite_machine::receive_plain(bytes_view datagram, const route& source) {
  if (kind_of(datagram) != datagram_kind::dtls) {
    count_drop("ice", "unknown-protocol");
    return verdict::dropped;
  }
  const bool known = fixed_ == source.address;
  const bool learns = latching_ == latching::anywhere || (latching_ == latching::elsewhere && !known);
  if (learns && looks_like_record(datagram)) {
    if (!authenticated_) answered_ = source.address;
    return verdict::application;
  }
  if (known) return verdict::application;
  count_drop("ice", "unverified");
  return verdict::dropped;
}

void lite_machine::heard(const route& source, clock::time_point now) {
  if (peer_ != peer_kind::fixed) return agent_.heard(source, now);
  authenticated_ = true;
  answered_.reset();
  const bool known = fixed_ == source.address;
  if (latching_ == latching::off || (latching_ == latching::elsewhere && known)) return;
  latching_ = latching::off;
  if (known) return;
  fixed_ = latched_ = source.address;
}

path_state lite_machine::state() const noexcept {
  if (lost_) return path_state::lost;
  switch (peer_) {
    case peer_kind::unknown: return path_state::idle;
    case peer_kind::checking: return agent_.selected() || checks_since_ ? path_state::open : path_state::waiting;
    case peer_kind::fixed: return fixed_ || answered_ ? path_state::open : path_state::waiting;
  }
  return path_state::idle;
}

std::optional<route> lite_machine::destination() const {
  if (lost_) return std::nullopt;
  if (peer_ == peer_kind::checking && !checks_since_) return agent_.selected();
  if (answered_) return route(*answered_);
  if (fixed_) return route(*fixed_);
  return std::nullopt;
}

std::optional<udp::endpoint> lite_machine::remote_address() const {
  if (peer_ == peer_kind::checking && !checks_since_) return agent_.selected() ? std::optional(agent_.selected()->address) : std::nullopt;
  return answered_ ? answered_ : fixed_;
}

std::optional<clock::time_point> lite_machine::deadline() const {
  if (lost_ || peer_ != peer_kind::checking) return std::nullopt;
  const auto& since = checks_since_ ? checks_since_ : agent_.last_sign();
  return since ? std::optional(*since + consent_timeout_) : std::nullopt;
}

void lite_machine::timeout(clock::time_point now) {
  const auto by = deadline();
  if (!by || now < *by) return;
  lost_ = true;
  checks_since_.reset();
  agent_.revoke();
}

}  // namespace agw::ice
