#include "agw/transports/ice_agent.hpp"

#include <algorithm>

#include "agw/core/metrics.hpp"
#include "ice/stun_engine.hpp"

namespace agw::ice {

namespace {

// Peers that nominate every pair they check do so within their first round of checks; later a new nomination is a change of mind.
constexpr auto nomination_settles = std::chrono::seconds(3);

}  // namespace

datagram_kind kind_of(bytes_view datagram) noexcept {
  if (datagram.empty()) return datagram_kind::other;
  const auto first = std::to_integer<unsigned>(datagram[0]);
  if (first <= 3) return datagram_kind::stun;
  if (first >= 20 && first <= 63) return datagram_kind::dtls;
  return datagram_kind::other;
}

lite_agent::lite_agent(credentials local) : local_(std::move(local)) {}

void lite_agent::set_remote(credentials remote, std::vector<candidate> candidates) {
  const bool restart = !remote_.ufrag.empty() && remote_.ufrag != remote.ufrag;
  remote_ = std::move(remote);
  remote_candidates_ = std::move(candidates);
  if (restart) {
    // Data flows on the old pair until a new one is nominated (RFC 8445, 9).
    std::erase_if(peers_, [this](const peer& p) { return p.address != selected_; });
    first_nomination_.reset();
  }
  for (auto& p : peers_) {
    const auto known = std::find_if(remote_candidates_.begin(), remote_candidates_.end(),
                                    [&](const candidate& c) { return c.address == p.address; });
    if (known != remote_candidates_.end()) {
      p.priority = known->priority;
    } else {
      note_peer_reflexive(p.address);
    }
  }
}

verdict lite_agent::on_datagram(std::span<std::byte> datagram, const udp::endpoint& source, clock::time_point now) {
  switch (kind_of(datagram)) {
    case datagram_kind::stun: return on_stun(datagram, source, now);
    case datagram_kind::dtls:
      if (verified(source)) return verdict::application;
      count_drop("ice", "unverified");
      return verdict::dropped;
    case datagram_kind::other: break;
  }
  count_drop("ice", "unknown-protocol");
  return verdict::dropped;
}

verdict lite_agent::on_stun(std::span<std::byte> datagram, const udp::endpoint& source, clock::time_point now) {
  // USERNAME is "<our ufrag>:<the peer's>" (RFC 8445, 7.2.2).
  const std::function<bool(std::string_view)> accepts = [this](std::string_view username) {
    if (!username.starts_with(local_.ufrag)) return false;
    username.remove_prefix(local_.ufrag.size());
    if (username.size() < 2 || username.front() != ':') return false;
    return remote_.ufrag.empty() || username.substr(1) == remote_.ufrag;
  };
  const auto reading = stun_engine::of_this_thread().read(datagram, source, accepts, local_.pwd);
  answer_ = reading.answer;
  const auto drop = [this](const char* cause) {
    count_drop("ice", cause);
    return answer_.empty() ? verdict::dropped : verdict::answer;
  };
  switch (reading.kind) {
    case stun_kind::check: break;
    case stun_kind::indication: return verdict::handled;
    case stun_kind::role_conflict: return drop("role-conflict");
    case stun_kind::unknown_attribute: return drop("unknown-attribute");
    case stun_kind::no_credentials: return drop("credentials");
    case stun_kind::wrong_username: return drop("username");
    case stun_kind::wrong_integrity: return drop("integrity");
    case stun_kind::response: return drop("response");
    case stun_kind::wrong_method: return drop("method");
    case stun_kind::malformed: return drop("malformed");
  }
  on_valid_check(source, reading.priority, reading.use_candidate, now);
  return answer_.empty() ? verdict::handled : verdict::answer;
}

void lite_agent::on_valid_check(const udp::endpoint& source, std::uint32_t priority, bool nominated, clock::time_point now) {
  const auto& checked = remember(source, priority, now);
  last_check_ = now;
  if (!nominated) return;
  if (!selected_ || !first_nomination_) {
    selected_ = source;
    first_nomination_ = now;
    return;
  }
  if (source == *selected_) return;
  const auto* current = find(*selected_);
  const bool settled = now - *first_nomination_ >= nomination_settles;
  if (settled || current == nullptr || checked.priority >= current->priority) selected_ = source;
}

const lite_agent::peer* lite_agent::find(const udp::endpoint& source) const noexcept {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const peer& p) { return p.address == source; });
  return found == peers_.end() ? nullptr : &*found;
}

lite_agent::peer& lite_agent::remember(const udp::endpoint& source, std::uint32_t priority, clock::time_point now) {
  const auto found = std::find_if(peers_.begin(), peers_.end(), [&](const peer& p) { return p.address == source; });
  if (found != peers_.end()) {
    found->last_check = now;
    return *found;
  }
  if (peers_.size() == max_peers) {
    // Make room: the one that was silent longest, but not the one in use.
    const auto stalest = std::min_element(peers_.begin(), peers_.end(), [this](const peer& a, const peer& b) {
      if ((a.address == selected_) != (b.address == selected_)) return b.address == selected_;
      return a.last_check < b.last_check;
    });
    peers_.erase(stalest);
  }
  peer p;
  p.address = source;
  p.last_check = now;
  const auto known =
      std::find_if(remote_candidates_.begin(), remote_candidates_.end(), [&](const candidate& c) { return c.address == source; });
  p.priority = known == remote_candidates_.end() ? priority : known->priority;
  if (known == remote_candidates_.end() && !remote_.ufrag.empty()) note_peer_reflexive(source);
  return peers_.emplace_back(p);
}

void lite_agent::note_peer_reflexive(const udp::endpoint& source) {
  if (peer_reflexive_.size() == max_peers) return;
  const bool noted = std::find(peer_reflexive_.begin(), peer_reflexive_.end(), source) != peer_reflexive_.end();
  if (!noted) peer_reflexive_.push_back(source);
}

std::optional<udp::endpoint> lite_agent::take_peer_reflexive() {
  if (peer_reflexive_taken_ == peer_reflexive_.size()) return std::nullopt;
  return peer_reflexive_[peer_reflexive_taken_++];
}

}  // namespace agw::ice
