#include <agw/h248/registration_machine.hpp>

#include <algorithm>

namespace agw::h248 {
namespace {

constexpr std::uint16_t number(change_reason reason) { return static_cast<std::uint16_t>(reason); }

}  // namespace

clock::duration registration_machine::jitter() {
  const auto most = std::max(config_.max_waiting_delay, clock::duration{});
  return clock::duration(std::uniform_int_distribution<clock::rep>(0, most.count())(random_));
}

// A round: every MGC once. The one we came from learns that it is the same gateway (Disconnected), the others that it is not
// their own doing (Failover); a gateway that never had an MGC restarts.
void registration_machine::fill(bool previous_last) {
  targets_.clear();
  for (const auto& mgc : config_.mgcs) {
    if (!previous_) {
      targets_.push_back({mgc, change_method::restart, config_.first_reason});
    } else if (mgc != *previous_) {
      targets_.push_back({mgc, change_method::failover, number(change_reason::mgc_impending_failure)});
    } else if (!previous_last) {
      targets_.push_back({mgc, change_method::disconnected, number(change_reason::service_restored)});
    }
  }
  if (!previous_ || left_) return;
  const bool listed = std::ranges::find(config_.mgcs, *previous_) != config_.mgcs.end();
  if (previous_last || !listed) {
    targets_.push_back({*previous_, change_method::disconnected, number(change_reason::service_restored)});
  }
}

registration_machine::step registration_machine::next(clock::time_point now) {
  if (registered_) return stay{};
  if (!started_) {
    started_ = true;
    wait_until_ = now + jitter();
  }
  if (now < wait_until_) return wait{wait_until_};
  if (targets_.empty()) fill(false);
  if (targets_.empty()) return wait{no_deadline};
  const auto& t = targets_.front();
  if (!offered_) offered_ = config_.version;
  return attempt{t.to, t.method, t.reason, *offered_};
}

bool registration_machine::is_current(const attempt& a) const {
  return !registered_ && !targets_.empty() && targets_.front().to == a.to && targets_.front().method == a.method;
}

void registration_machine::accepted(const attempt& a, clock::time_point now) {
  if (!is_current(a)) return;
  previous_ = targets_.front().to;
  left_ = false;
  targets_.clear();
  offered_.reset();
  rounds_ = 0;
  redirections_ = 0;
  since_ = now;
  registered_ = true;
}

void registration_machine::give_up_target(clock::time_point now) {
  offered_.reset();
  if (!targets_.empty()) targets_.pop_front();
  if (!targets_.empty()) return;
  redirections_ = 0;
  const auto doubled = config_.min_retry_delay * (1u << std::min(rounds_, 16u));
  wait_until_ = now + std::min<clock::duration>(doubled, config_.max_retry_delay) + jitter();
  ++rounds_;
}

void registration_machine::redirected(const attempt& a, const peer_name& to, clock::time_point now) {
  if (!is_current(a)) return;
  if (redirections_ == most_redirections) return give_up_target(now);
  ++redirections_;
  offered_.reset();
  targets_.front().to = to;
}

void registration_machine::failed(const attempt& a, std::optional<error_code> why, clock::time_point now) {
  if (!is_current(a)) return;
  const bool lower = why == error_code::version_not_supported && offered_ && *offered_ > config_.min_version;
  if (!lower) return give_up_target(now);
  --*offered_;
}

void registration_machine::lost(clock::time_point now) {
  if (!registered_) return;
  registered_ = false;
  // An MGC that takes us and is gone at once must not be asked again at once.
  if (just_taken(now)) wait_until_ = now + config_.min_retry_delay + jitter();
  fill(true);
}

void registration_machine::disconnected(clock::time_point now) {
  if (!registered_) return;
  lost(now);
  if (targets_.size() > 1) {
    targets_.push_front(std::move(targets_.back()));
    targets_.pop_back();
  }
}

clock::time_point registration_machine::question_due(std::optional<clock::time_point> heard) const {
  if (!registered_ || config_.silence <= clock::duration{}) return no_deadline;
  return std::max({since_, asked_, heard.value_or(since_)}) + config_.silence;
}

bool registration_machine::disowned(error_code error, clock::time_point now) {
  const bool unknown = error == error_code::unauthorized_entity || error == error_code::before_service_change_reply;
  if (!registered_ || !unknown || just_taken(now)) return false;
  disconnected(now);
  return true;
}

void registration_machine::mgcs_changed(bool left, clock::time_point now) {
  left_ = left_ || left;
  if (left) lost(now);
  // A round that has begun goes on with what is configured now; an attempt that is under way is no longer the current one.
  if (!registered_) fill(true);
  offered_.reset();
}

void registration_machine::hand_off(const peer_name& to) {
  // What is left of the round is where we go if the MGC that was named does not answer.
  if (registered_ || targets_.empty()) fill(true);
  registered_ = false;
  offered_.reset();
  wait_until_ = {};
  targets_.push_front({to, change_method::hand_off, number(change_reason::mgc_directed_change)});
}

}  // namespace agw::h248
