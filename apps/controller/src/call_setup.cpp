// How a call is set up: by the WIC's offer, or by ours.
#include "call.hpp"
#include "call_failure.hpp"

namespace agw::controller {

void call::place() {
  if (!env_.control.place(place_, *this)) throw call_failure("no-gateway", "no gateway takes calls");
}

awaitable<void> call::originate(task_group& tasks, std::string offer, std::vector<channel> channels) {
  tell_step(1, "WIC", "eP-CSCF", "SDP offer", offer);
  auto read = read_wic(offer);
  if (!read) throw call_failure("bad-sdp", read.error().text);
  wic_ = std::move(*read);
  if (channels.empty()) channels = wic_.channels;
  if (channels.empty()) throw call_failure("bad-message", "no channels");
  const auto asked = take_channels(std::move(channels), true);
  if (legs_.empty()) throw call_failure("bad-message", "no channel can be taken: " + asked.front().refused);
  place();
  for (const auto& l : legs_) {
    co_await reserve_core(*l, nullptr);                         // 2 to 4
    tell_step(6, "eP-CSCF", "IMS peer", "SDP offer", l->core_local);
    auto answer = answer_of_core_peer(*l, tasks);
    tell_step(7, "IMS peer", "eP-CSCF", "SDP answer", answer);
    co_await configure_core(*l, std::move(answer));             // 8 to 10
    l->wic_to_path = options_.aware ? own_wic_path() : l->bot_path;
  }
  const std::string_view setup = opposite_setup(wic_.setup);
  own_setup_ = setup;
  co_await configure_access(&wic_.remote, setup);               // 11 to 13
  std::vector<std::string> lines;
  for (const auto& l : legs_) {
    for (auto& line : channel_lines(toward_wic(l->wic), l->wic_to_path, "passive", !options_.aware)) {
      if (l->wic.id) lines.push_back(std::move(line));
    }
  }
  json::object answer;
  answer["type"] = "answer";
  answer["call"] = name_;
  auto sdp = description_for_wic(access_local_, wic_.mid, wic_.bundle, setup, lines, next_session());
  tell_step(14, "eP-CSCF", "WIC", "SDP answer", sdp);           // 14, 15
  answer["sdp"] = std::move(sdp);
  answer["channels"] = channels_json(asked);
  answer["gateway"] = place_.gateway().name;
  env_.send(std::move(answer));
}

awaitable<void> call::terminate(task_group& tasks, std::vector<channel> channels) {
  if (channels.empty()) channels.emplace_back().label = "chat";
  const auto asked = take_channels(std::move(channels), false);
  if (legs_.empty()) throw call_failure("bad-message", "no channel can be taken: " + asked.front().refused);
  place();
  for (const auto& l : legs_) {
    auto offer = answer_of_core_peer(*l, tasks);
    tell_step(1, "IMS peer", "eP-CSCF", "SDP offer", offer);
    co_await reserve_core(*l, &offer);
    started("tcp", l->stream);
    l->wic_to_path = options_.aware ? own_wic_path() : l->bot_path;
  }
  co_await configure_access(nullptr, "actpass");
  std::vector<std::string> lines;
  for (const auto& l : legs_) {
    for (auto& line : channel_lines(toward_wic(l->wic), l->wic_to_path, "actpass", !options_.aware)) lines.push_back(std::move(line));
  }
  json::object incoming;
  incoming["type"] = "incoming";
  incoming["call"] = name_;
  auto sdp = description_for_wic(access_local_, "0", true, "actpass", lines, next_session());
  tell_step(6, "eP-CSCF", "WIC", "SDP offer", sdp);
  incoming["sdp"] = std::move(sdp);
  incoming["channels"] = channels_json(asked);
  incoming["gateway"] = place_.gateway().name;
  env_.send(std::move(incoming));
  auto m = co_await answer_of_wic();
  doing_ = "answer";
  tell_step(7, "WIC", "eP-CSCF", "SDP answer", m.sdp);
  auto read = read_wic(m.sdp);
  if (!read) throw call_failure("bad-sdp", read.error().text);
  wic_ = std::move(*read);
  own_setup_ = opposite_setup(wic_.setup);
  auto channels_answered = std::move(m.channels).value_or(std::vector<channel>());
  if (channels_answered.empty()) channels_answered = wic_.channels;
  co_await take_answer(std::move(channels_answered));
}

// Meanwhile the gateway may notify a failure of the core side, or leave.
awaitable<call_message> call::answer_of_wic() {
  for (;;) {
    if (end_cause_) throw ended_early();
    if (inbox_.empty()) {
      co_await inbox_changed_.wait();
      continue;
    }
    auto m = std::move(inbox_.front());
    inbox_.pop_front();
    if (m.type == "answer") co_return m;
    doing_ = m.type;
    if (m.type == "audit") co_await audit();
    if (m.type == "verify") co_await verify();
    if (m.type == "modify" || m.type == "mode") fail(call_failure("bad-message", "the call has no answer yet"));
  }
}

// Channels that the WIC left out, or gave no path to, are refused: they go on both sides.
awaitable<void> call::take_answer(std::vector<channel> answered) {
  for (auto& c : answered) {
    auto* l = find_leg(c);
    if (l == nullptr || c.path.empty()) continue;
    l->wic.path = std::move(c.path);
    l->wic.setup = std::move(c.setup);
    l->wic.accept_types = std::move(c.accept_types);
    l->wic.max_size = c.max_size;
    l->wic_known.set();
  }
  std::vector<std::uint16_t> refused;
  std::vector<std::unique_ptr<leg>> gone;
  for (std::size_t i = 0; i < legs_.size();) {
    if (!legs_[i]->wic.path.empty()) {
      ++i;
      continue;
    }
    refused.push_back(legs_[i]->stream);
    gone.push_back(remove_leg(*legs_[i]));
  }
  for (auto& l : gone) close_leg(std::move(l));
  if (legs_.empty()) throw call_failure("bad-message", "the answer takes no channel");
  co_await configure_access(&wic_.remote, "actpass");
  if (!refused.empty()) co_await release_core(std::move(refused));
}

}  // namespace agw::controller
