// Channels that come and go in an established call. What fails leaves the call with the channels that it had.
#include <algorithm>

#include "agw/core/log.hpp"
#include "call.hpp"
#include "call_failure.hpp"

namespace agw::controller {

awaitable<void> call::add_legs(task_group& tasks, const std::vector<leg*>& fresh) {
  for (auto* l : fresh) {
    co_await reserve_core(*l, nullptr);
    auto answer = answer_of_core_peer(*l, tasks);
    co_await configure_core(*l, std::move(answer));
    l->wic_to_path = options_.aware ? own_wic_path() : l->bot_path;
  }
}

awaitable<void> call::modify(task_group& tasks, std::vector<channel> channels) {
  std::vector<asked_channel> asked;
  std::vector<leg*> fresh;
  std::vector<leg*> leaving;
  for (const auto& l : legs_) leaving.push_back(l.get());
  const auto before = leaving;
  for (auto& c : channels) {
    if (auto* l = find_leg(c); l && std::ranges::find(before, l) != before.end()) {
      std::erase(leaving, l);
      auto& entry = asked.emplace_back();
      entry.asked = std::move(c);
      entry.taken = l;
      continue;
    }
    std::vector<channel> one;
    one.push_back(std::move(c));
    auto taken = take_channels(std::move(one), true);
    if (taken.front().taken) fresh.push_back(taken.front().taken);
    asked.push_back(std::move(taken.front()));
  }
  std::optional<call_failure> why;
  try {
    co_await add_legs(tasks, fresh);
    for (auto* l : leaving) closed_legs_.push_back(remove_leg(*l));
    if (!fresh.empty() || !leaving.empty()) co_await configure_access(nullptr, "passive");
  } catch (const call_failure& e) {
    why = e;
  }
  if (why) {
    const auto comes_back = [&](const std::unique_ptr<leg>& l) { return std::ranges::find(leaving, l.get()) != leaving.end(); };
    for (auto& l : closed_legs_) {
      if (comes_back(l)) legs_.push_back(std::move(l));
    }
    std::erase(closed_legs_, nullptr);
    co_await take_back(std::move(fresh));
    // Without a reply nobody knows which group the gateway has now.
    if (!why->h248()) {
      try {
        co_await configure_access(nullptr, "passive");
      } catch (const call_failure& e) {
        log::warn("call {}: the channels are not as they were: {}", name_, e.what());
      }
    }
    throw *why;
  }
  std::vector<std::uint16_t> streams;
  for (auto* l : leaving) streams.push_back(l->stream);
  if (!streams.empty()) co_await release_core(std::move(streams));
  for (auto* l : leaving) l->dropped.set();
  for (auto* l : fresh) started("channel", l->stream);
  json::object answer;
  answer["type"] = "answer";
  answer["call"] = name_;
  answer["channels"] = channels_json(asked);
  answer["gateway"] = place_.gateway().name;
  env_.send(std::move(answer));
}

// The WIC offers again: an ICE restart, or a new association (RFC 8842), for which it changes its certificate or a=tls-id together with the
// credentials. The roles of the handshake stay what they are, unless the WIC now insists on ours.
awaitable<void> call::renegotiate(std::string offer) {
  tell_step(0, "WIC", "eP-CSCF", "SDP offer", offer);
  auto read = read_wic(offer);
  if (!read) throw call_failure("bad-sdp", read.error().text);
  const bool restart = read->ufrag != wic_.ufrag;
  const auto setup = read->setup == own_setup_ ? std::string(opposite_setup(read->setup)) : own_setup_;
  const bool other = read->fingerprints != wic_.fingerprints || (!wic_.tls_id.empty() && read->tls_id != wic_.tls_id) || setup != own_setup_;
  const bool anew = restart && other;
  const auto before = stages_;
  if (anew) expect_another_association();
  try {
    auto local = association_local_again(access_local_, restart, setup);
    auto remote = with_setup(read->remote, opposite_setup(setup));
    co_await update_association(std::move(local), std::move(remote), anew);
  } catch (const call_failure&) {
    ending_.clear();
    stages_ = before;
    throw;
  }
  wic_ = std::move(*read);
  own_setup_ = setup;
  if (anew) started("ice", 1);
  std::vector<std::string> lines;
  std::vector<asked_channel> all;
  for (const auto& l : legs_) {
    auto& entry = all.emplace_back();
    entry.asked = l->wic;
    entry.taken = l.get();
    if (!l->wic.id) continue;
    for (auto& line : channel_lines(toward_wic(l->wic), l->wic_to_path, "passive", !options_.aware)) lines.push_back(std::move(line));
  }
  json::object answer;
  answer["type"] = "answer";
  answer["call"] = name_;
  auto sdp = description_for_wic(access_local_, wic_.mid, wic_.bundle, own_setup_, lines, next_session());
  tell_step(0, "eP-CSCF", "WIC", "SDP answer", sdp);
  answer["sdp"] = std::move(sdp);
  answer["channels"] = channels_json(all);
  answer["gateway"] = place_.gateway().name;
  env_.send(std::move(answer));
}

// The legs of a modify that failed go again, on the core side as far as they came.
awaitable<void> call::take_back(std::vector<leg*> fresh) {
  std::vector<std::uint16_t> streams;
  for (auto* l : fresh) {
    if (!l->core_local.empty()) streams.push_back(l->stream);
    close_leg(remove_leg(*l));
  }
  if (!streams.empty()) co_await release_core(std::move(streams));
}

}  // namespace agw::controller
