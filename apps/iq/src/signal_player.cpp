#include "signal_player.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace agw::iq {

namespace {

/// Signals count time in units of 10 ms.
constexpr std::chrono::milliseconds unit(10);

bool same(const playing_signal& a, const h248::signal_request& b) {
  return !a.list && a.what->name == b.name && a.what->stream == b.stream;
}

bool repeats(const h248::signals_descriptor& d, const playing_signal& playing) {
  return std::ranges::any_of(d.entries, [&](const h248::signal_entry& entry) {
    if (const auto* one = std::get_if<h248::signal_request>(&entry)) return one->keep_active && same(playing, *one);
    return playing.list == std::get<h248::signal_list>(entry).id;
  });
}

bool repeats(const h248::signals_descriptor& d, std::uint16_t list) {
  return std::ranges::any_of(d.entries, [&](const h248::signal_entry& entry) {
    const auto* several = std::get_if<h248::signal_list>(&entry);
    return several && several->id == list;
  });
}

}  // namespace

h248::signal_type type_of(const h248::signal_request& s) noexcept {
  if (s.type) return *s.type;
  return s.duration ? h248::signal_type::time_out : h248::signal_type::brief;
}

std::vector<playing_signal> signal_player::replace(std::shared_ptr<const void> keeps, const h248::signals_descriptor& by) {
  std::vector<playing_signal> ended, kept;
  for (auto& one : playing_) (repeats(by, one) ? kept : ended).push_back(std::move(one));
  playing_ = std::move(kept);
  erase_if(waiting_, [&](const playing_signal& one) { return !repeats(by, one); });
  std::erase_if(lists_, [&](const auto& entry) { return !repeats(by, entry.first); });
  for (const auto& entry : by.entries) {
    if (const auto* one = std::get_if<h248::signal_request>(&entry)) {
      if (one->keep_active) continue;  // it plays on; one that does not play is ignored
      auto& next = waiting_.emplace_back();
      next.keeps = keeps;
      next.what = one;
      continue;
    }
    const auto& list = std::get<h248::signal_list>(entry);
    if (list.signals.empty() || lists_.contains(list.id)) continue;
    auto& fresh = lists_[list.id];
    fresh.keeps = keeps;
    fresh.what = &list;
    fresh.at = list.signals.begin();
    fresh.starts = clock::time_point();  // at once
  }
  return ended;
}

std::vector<playing_signal> signal_player::stop() {
  waiting_.clear();
  lists_.clear();
  return std::exchange(playing_, {});
}

std::optional<playing_signal> signal_player::take_next(clock::time_point now) {
  if (!waiting_.empty()) {
    auto out = std::move(waiting_.front());
    waiting_.pop_front();
    return out;
  }
  for (auto& [id, list] : lists_) {
    if (list.starts > now) continue;
    list.starts = no_deadline;
    playing_signal out;
    out.keeps = list.keeps;
    out.what = &*list.at;
    out.list = id;
    return out;
  }
  return std::nullopt;
}

bool signal_player::started(playing_signal signal, clock::time_point now) {
  switch (type_of(*signal.what)) {
    case h248::signal_type::brief:
      if (signal.list) advance(signal, now);
      return true;
    case h248::signal_type::time_out: signal.ends = now + unit * signal.what->duration.value_or(0); break;
    case h248::signal_type::on_off: break;
  }
  playing_.push_back(std::move(signal));
  return false;
}

std::optional<playing_signal> signal_player::take_expired(clock::time_point now) {
  const auto found = std::ranges::find_if(playing_, [now](const playing_signal& s) { return s.ends <= now; });
  if (found == playing_.end()) return std::nullopt;
  auto out = std::move(*found);
  playing_.erase(found);
  if (out.list) advance(out, now);
  return out;
}

// One after the other: each waits for the end of the one before it, and for the pause behind that.
void signal_player::advance(const playing_signal& ended, clock::time_point now) {
  const auto list = lists_.find(*ended.list);
  if (list == lists_.end()) return;
  auto& at = list->second;
  if (++at.at == at.what->signals.end()) {
    lists_.erase(list);
    return;
  }
  at.starts = now + unit * ended.what->intersignal_delay.value_or(0);
}

deadline signal_player::next() const noexcept {
  if (!waiting_.empty()) return clock::time_point();
  auto out = no_deadline;
  for (const auto& one : playing_) out = std::min(out, one.ends);
  for (const auto& entry : lists_) out = std::min(out, entry.second.starts);
  return out;
}

}  // namespace agw::iq
