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

lite_agent::lite_agent(credentials local) { now_.local = std::move(local); }

void lite_agent::set_remote(credentials remote, std::vector<candidate> candidates) {
  remote_candidates_ = std::move(candidates);
  if (!now_.remote_ufrag.empty() && now_.remote_ufrag != remote.ufrag) begin_generation();
  now_.remote_ufrag = std::move(remote.ufrag);
  for (auto& p : peers_) {
    const auto known = std::ranges::find(remote_candidates_, p.from.address, &candidate::address);
    if (known != remote_candidates_.end()) {
      p.priority = known->priority;
    } else {
      note_peer_reflexive(p.from);
    }
  }
}

void lite_agent::restart(credentials local) {
  begin_generation();
  now_.local = std::move(local);
  now_.remote_ufrag.clear();
}

// Data flows on the selected route until another is nominated (RFC 8445, 9).
void lite_agent::begin_generation() {
  if (!before_) before_ = now_;
  ++number_;
  revoked_ = false;
  first_nomination_.reset();
}

void lite_agent::forget() {
  selected_.reset();
  last_sign_.reset();
  first_nomination_.reset();
}

void lite_agent::begin_anew() {
  forget();
  before_.reset();
  peers_.clear();
  ++changes_;
}

void lite_agent::revoke() {
  forget();
  before_.reset();
  revoked_ = true;
}

verdict lite_agent::on_datagram(std::span<std::byte> datagram, const route& source, clock::time_point now) {
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

// USERNAME is "<our ufrag>:<the peer's>" (RFC 8445, 7.2.2). During a restart the ufrags of both generations are known. A peer that was not
// told of our new ones names its new ufrag and our old one: such a check belongs to the new generation.
const std::string* lite_agent::password_of(std::string_view username, bool& old) const {
  const auto colon = username.find(':');
  if (colon == std::string_view::npos || colon + 1 == username.size()) return nullptr;
  const auto ours = username.substr(0, colon);
  const auto theirs = username.substr(colon + 1);
  const auto names = [&](const generation& g) { return g.remote_ufrag.empty() || theirs == g.remote_ufrag; };
  old = false;
  if (ours == now_.local.ufrag && names(now_)) return &now_.local.pwd;
  if (!before_ || ours != before_->local.ufrag) return nullptr;
  old = theirs != now_.remote_ufrag;
  return !old || names(*before_) ? &before_->local.pwd : nullptr;
}

verdict lite_agent::on_stun(std::span<std::byte> datagram, const route& source, clock::time_point now) {
  valid_check check;
  stun_judge judge;
  judge.password_of = [&](std::string_view username) { return password_of(username, check.old); };
  judge.may_refuse = [&] {
    if (limiter_.allow(source.address.address(), now)) return true;
    count_drop("ice", "answer-limit");
    return false;
  };
  const auto reading = stun_engine::of_this_thread().read(datagram, source.address, judge);
  answer_ = reading.answer;
  const auto drop = [this](const char* cause) {
    count_drop("ice", cause);
    return answer_.empty() ? verdict::dropped : verdict::answer;
  };
  const auto refuse = [&](const char* cause) {
    ++checks_.refused;
    checks_.last = source;
    return drop(cause);
  };
  switch (reading.kind) {
    case stun_kind::check: break;
    case stun_kind::indication: return verdict::handled;
    case stun_kind::role_conflict: return drop("role-conflict");
    case stun_kind::unknown_attribute: return drop("unknown-attribute");
    case stun_kind::no_credentials: return refuse("credentials");
    case stun_kind::wrong_username: return refuse("username");
    case stun_kind::wrong_integrity: return refuse("integrity");
    case stun_kind::response: return drop("response");
    case stun_kind::wrong_method: return drop("method");
    case stun_kind::malformed: return drop("malformed");
  }
  ++checks_.valid;
  checks_.last = source;
  check.priority = reading.priority;
  check.nominated = reading.use_candidate;
  on_valid_check(source, check, now);
  return answer_.empty() ? verdict::handled : verdict::answer;
}

void lite_agent::on_valid_check(const route& source, const valid_check& check, clock::time_point now) {
  auto& checked = remember(source, check.priority, now);
  if (!check.old) checked.generation = number_;
  if (source == selected_) last_sign_ = now;
  const bool may_select = !check.old && !revoked_;
  // A check shows that the peer reaches us and knows our password: DTLS can begin a round trip before a peer that nominates in a second check.
  if (may_select && !selected_ && !check.nominated) return select(checked);
  if (!may_select || !check.nominated) return follow(checked, now);
  if (!selected_ || !first_nomination_) {
    first_nomination_ = now;
    before_.reset();
    return select(checked);
  }
  if (source == *selected_) return;
  const auto* current = find(*selected_);
  const bool settled = now - *first_nomination_ >= nomination_settles;
  if (settled || current == nullptr || checked.priority >= current->priority) select(checked);
}

void lite_agent::heard(const route& source, clock::time_point now) {
  const auto found = std::ranges::find(peers_, source, &peer::from);
  if (found == peers_.end()) return;
  found->last_heard = now;
  if (source == selected_) last_sign_ = now;
  else follow(*found, now);
}

void lite_agent::follow(const peer& p, clock::time_point now) {
  if (!selected_ || p.from == *selected_ || (p.generation != number_ && !before_)) return;
  const auto* current = find(*selected_);
  const auto silence = current ? now - *last_sign_ : clock::duration::max();
  const bool carries = p.last_heard && (!current || *p.last_heard > *last_sign_);
  const bool checked = !current || p.last_check > *last_sign_;
  if ((carries && silence >= silent_after) || (checked && silence >= silent_long_after)) select(p);
}

void lite_agent::select(const peer& p) {
  selected_ = p.from;
  last_sign_ = p.last_sign();
}

void lite_agent::gone(const route& source) {
  std::erase_if(peers_, [&](const peer& p) { return p.from == source; });
}

const lite_agent::peer* lite_agent::find(const route& source) const noexcept {
  const auto found = std::ranges::find(peers_, source, &peer::from);
  return found == peers_.end() ? nullptr : &*found;
}

lite_agent::peer& lite_agent::remember(const route& source, std::uint32_t priority, clock::time_point now) {
  const auto found = std::ranges::find(peers_, source, &peer::from);
  if (found != peers_.end()) {
    found->last_check = now;
    return *found;
  }
  if (peers_.size() == max_peers) {
    // Make room: the one that was silent longest, but not the one in use.
    const auto stalest = std::ranges::min_element(peers_, [this](const peer& a, const peer& b) {
      if ((a.from == selected_) != (b.from == selected_)) return b.from == selected_;
      return a.last_check < b.last_check;
    });
    peers_.erase(stalest);
  }
  ++changes_;
  peer p;
  p.from = source;
  p.last_check = now;
  const auto known = std::ranges::find(remote_candidates_, source.address, &candidate::address);
  p.priority = known == remote_candidates_.end() ? priority : known->priority;
  if (known == remote_candidates_.end() && !now_.remote_ufrag.empty()) note_peer_reflexive(source);
  return peers_.emplace_back(p);
}

std::vector<udp::endpoint> lite_agent::verified_addresses() const {
  std::vector<udp::endpoint> out;
  for (const auto& p : peers_) {
    if (p.from.connection == 0) out.push_back(p.from.address);
  }
  return out;
}

void lite_agent::note_peer_reflexive(const route& source) {
  if (peer_reflexive_.size() == max_peers || source.connection != 0) return;
  if (std::ranges::find(peer_reflexive_, source.address) == peer_reflexive_.end()) peer_reflexive_.push_back(source.address);
}

std::optional<udp::endpoint> lite_agent::take_peer_reflexive() {
  if (peer_reflexive_taken_ == peer_reflexive_.size()) return std::nullopt;
  return peer_reflexive_[peer_reflexive_taken_++];
}

}  // namespace agw::ice
