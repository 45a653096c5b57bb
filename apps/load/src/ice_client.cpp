#include "ice_client.hpp"

#include <algorithm>

namespace agw::load {

ice_client::ice_client(ice_client_config config, clock::time_point now)
    : config_(std::move(config)), due_(now), repetition_(config_.first_repetition), last_answer_(now), random_(config_.tie_breaker | 1) {
  check_.username = config_.gateway.ufrag + ':' + config_.own.ufrag;
  check_.password = config_.gateway.pwd;
  check_.priority = ice::candidate_priority(ice::candidate_type::peer_reflexive, 65535);
  check_.tie_breaker = config_.tie_breaker;
}

std::optional<clock::time_point> ice_client::due() const noexcept {
  if (state_ == state::refused || state_ == state::lost) return std::nullopt;
  return due_;
}

// xorshift: an even spread is all that is asked for.
clock::duration ice_client::next_interval() noexcept {
  random_ ^= random_ << 13;
  random_ ^= random_ >> 7;
  random_ ^= random_ << 17;
  const auto share = 0.8 + 0.4 * static_cast<double>(random_ >> 11) / static_cast<double>(1ull << 53);
  return clock::duration(static_cast<std::int64_t>(static_cast<double>(config_.consent_interval.count()) * share));
}

bytes_view ice_client::on_time(clock::time_point now) {
  if (!due() || now < due_) return {};
  if (now - last_answer_ >= config_.consent_timeout) {
    state_ = state::lost;
    return {};
  }
  return next_check(now);
}

// The nominating check is repeated as it is; each consent check is a new one.
bytes_view ice_client::next_check(clock::time_point now) {
  if (state_ == state::nominated || request_.empty()) request_ = stun_messages::of_this_thread().compose(check_, id_);
  if (state_ == state::nominated) {
    due_ = now + next_interval();
  } else {
    due_ = now + repetition_;
    repetition_ = std::min(repetition_ * 2, config_.slowest_repetition);
  }
  ++sent_;
  return request_;
}

ice_client::verdict ice_client::on_datagram(bytes_view datagram, const udp::endpoint& source, clock::time_point now) {
  if (datagram.empty() || std::to_integer<unsigned>(datagram[0]) > 3) return verdict::application;  // RFC 7983, 7
  auto& messages = stun_messages::of_this_thread();
  const auto said = request_.empty() ? stun_answer::none : messages.read_answer(datagram, id_, check_.password);
  if (said == stun_answer::none) {
    answer_ = messages.answer(datagram, source, config_.own);
    return answer_.empty() ? verdict::handled : verdict::answer;
  }
  request_.clear();
  request_.shrink_to_fit();
  if (said == stun_answer::refused) {
    state_ = state::refused;
    return verdict::handled;
  }
  last_answer_ = now;
  if (state_ == state::checking) {
    state_ = state::nominated;
    due_ = now + next_interval();
  }
  return verdict::handled;
}

}  // namespace agw::load
