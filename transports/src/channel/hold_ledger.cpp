#include "channel/hold_ledger.hpp"

#include <algorithm>

namespace agw::sctp {

namespace {

// A reader that takes something as often as this is slow, not stopped: the window follows it and does not grow beyond it.
constexpr auto slow_reader = std::chrono::seconds(1);

}  // namespace

hold_account* hold_ledger::fullest() const {
  const auto found = std::ranges::max_element(accounts_, {}, [](const hold_account* a) { return a->bytes_; });
  return found == accounts_.end() ? nullptr : *found;
}

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

deadline hold_ledger::limit_of(const hold_account& account, const hold_account* fullest) const {
  auto since = clock::time_point::max();
  if (account.bytes_ > config_.share_bytes) since = account.over_since_;
  if (&account == fullest && tight_since_) since = std::min(since, *tight_since_);
  if (since == clock::time_point::max()) return no_deadline;
  return std::max(since, account.last_taken_) + config_.limit;
}

hold_account* hold_ledger::overdue(clock::time_point now) const {
  auto* const most = fullest();
  if (beyond_all_bounds()) return most;
  for (auto* account : accounts_) {
    if (limit_of(*account, most) <= now) return account;
  }
  return nullptr;
}

deadline hold_ledger::next_deadline() const {
  const auto* const most = fullest();
  auto next = no_deadline;
  for (const auto* account : accounts_) next = std::min(next, limit_of(*account, most));
  return next;
}

void hold_account::add(std::size_t bytes) {
  if (bytes == 0) return;
  const auto now = clock::now();
  ledger_->grow(now);
  if (bytes_ == 0) ledger_->accounts_.push_back(this);
  const auto share = ledger_->config_.share_bytes;
  if (bytes_ <= share && bytes_ + bytes > share) over_since_ = now;
  bytes_ += bytes;
  ledger_->held_ += bytes;
  ledger_->changed(now);
}

void hold_account::remove(std::size_t bytes, bool by_reader) {
  bytes = std::min(bytes, bytes_);
  if (bytes == 0) return;
  const auto now = clock::now();
  ledger_->grow(now);
  if (by_reader) last_taken_ = now;
  bytes_ -= bytes;
  ledger_->held_ -= bytes;
  if (bytes_ == 0) std::erase(ledger_->accounts_, this);
  ledger_->changed(now);
}

}  // namespace agw::sctp
