#include "channel/hold_ledger.hpp"

#include <algorithm>
#include <utility>

namespace agw::sctp {

namespace {

// A reader that takes something as often as this is slow, not stopped: the window follows it and does not grow beyond it.
constexpr auto slow_reader = std::chrono::seconds(1);

}  // namespace

void hold_ledger::grow(clock::time_point now) {
  if (!tight()) return;
  const auto* slowest = fullest();
  const auto from = slowest ? std::max(grown_at_, slowest->last_taken_ + clock::duration(slow_reader)) : grown_at_;
  grown_at_ = std::max(grown_at_, now);
  if (now <= from) return;
  const auto part = std::chrono::duration<double>(now - from) / std::chrono::duration<double>(config_.limit);
  const auto more = static_cast<std::size_t>(std::min(part, 1.0) * static_cast<double>(config_.window_bytes));
  grown_ = std::min(grown_ + more, config_.window_bytes - margin());
}

void hold_ledger::changed(clock::time_point now) {
  if (tight()) {
    if (!tight_since_) tight_since_ = grown_at_ = now;
  } else {
    tight_since_.reset();
    grown_ = 0;
  }
}

std::size_t hold_ledger::window(std::size_t room, clock::time_point now) {
  grow(now);
  const auto most = room + grown_;
  return most <= held_ ? 0 : std::min(room, most - held_);
}

deadline hold_ledger::limit_of(const hold_account& account) const {
  auto since = clock::time_point::max();
  if (account.bytes_ > config_.share_bytes) since = account.over_since_;
  if (tight_since_ && &account == fullest()) since = std::min(since, *tight_since_);
  if (since == clock::time_point::max()) return no_deadline;
  return std::max({since, account.last_taken_, account.last_used_}) + config_.limit;
}

// Those beyond their share are the last ones.
template <class F>
void hold_ledger::each_limited(F f) const {
  const auto* const most = tight_since_ ? fullest() : nullptr;
  for (auto at = accounts_.rbegin(); at != accounts_.rend(); ++at) {
    if ((*at)->bytes_ <= config_.share_bytes && *at != most) return;
    f(**at);
  }
}

hold_account* hold_ledger::overdue(clock::time_point now) const {
  if (beyond_all_bounds()) return fullest();
  hold_account* found = nullptr;
  each_limited([&](hold_account& account) {
    if (!found && limit_of(account) <= now) found = &account;
  });
  return found;
}

deadline hold_ledger::next_deadline() const {
  auto next = no_deadline;
  each_limited([&](const hold_account& account) { next = std::min(next, limit_of(account)); });
  return next;
}

void hold_ledger::resize(hold_account& account, std::size_t bytes) {
  if (account.bytes_ == 0) accounts_.insert(&account);  // only this can throw
  auto place = accounts_.extract(&account);
  held_ = held_ - account.bytes_ + bytes;
  account.bytes_ = bytes;
  if (bytes != 0) accounts_.insert(std::move(place));
}

void hold_account::add(std::size_t bytes) {
  if (bytes == 0) return;
  const auto now = clock::now();
  ledger_->grow(now);
  const auto share = ledger_->config_.share_bytes;
  if (bytes_ <= share && bytes_ + bytes > share) over_since_ = now;
  ledger_->resize(*this, bytes_ + bytes);
  ledger_->changed(now);
}

void hold_account::remove(std::size_t bytes, bool by_reader) {
  bytes = std::min(bytes, bytes_);
  if (bytes == 0) return;
  const auto now = clock::now();
  ledger_->grow(now);
  if (by_reader) last_taken_ = now;
  ledger_->resize(*this, bytes_ - bytes);
  ledger_->changed(now);
}

}  // namespace agw::sctp
