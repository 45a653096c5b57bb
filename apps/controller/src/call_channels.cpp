// The channels of a call: which are taken, and how they are told.
#include <algorithm>

#include "call.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t most_closed_legs = 32;  // whose bots still run

}  // namespace

call::leg* call::leg_of(unsigned stream) const {
  const auto at = std::ranges::find_if(legs_, [&](const auto& l) { return l->stream == stream; });
  return at == legs_.end() ? nullptr : at->get();
}

// A channel is known by its id; one that the WIC opens in-band by its label, as long as it has none.
call::leg* call::find_leg(const channel& c) const {
  const auto same = [&](const auto& l) { return c.id ? l->wic.id == c.id : !l->wic.id && l->wic.label == c.label; };
  const auto at = std::ranges::find_if(legs_, same);
  return at == legs_.end() ? nullptr : at->get();
}

call::leg& call::add_leg(channel c) {
  auto l = std::make_unique<leg>();
  const auto used = [&](std::uint16_t n) {
    const auto has = [n](const auto& other) { return other->stream == n; };
    return std::ranges::any_of(legs_, has) || std::ranges::any_of(closed_legs_, has);
  };
  l->stream = 2;
  while (used(l->stream)) ++l->stream;
  if (!c.id && !c.dcep) {  // the next free even id: we are the DTLS server as a rule
    std::uint16_t id = 0;
    while (std::ranges::any_of(legs_, [&](const auto& other) { return other->wic.id == id; })) id += 2;
    c.id = id;
  }
  if (c.dcep) c.id.reset();
  std::erase_if(stages_, [&](const auto& entry) { return entry.first.second == l->stream; });  // of who had the number before
  l->wic = std::move(c);
  return *legs_.emplace_back(std::move(l));
}

std::unique_ptr<call::leg> call::remove_leg(const leg& l) {
  const auto at = std::ranges::find_if(legs_, [&](const auto& other) { return other.get() == &l; });
  auto out = std::move(*at);
  legs_.erase(at);
  return out;
}

// The leg stays where its bot can see it until that has ended.
void call::close_leg(std::unique_ptr<leg> l) {
  if (!l->bot_runs) return;
  l->dropped.set();
  closed_legs_.push_back(std::move(l));
}

// A leg for each channel that can be taken, in order. In an offer each has the WIC's path; in a call that we offer, it comes later.
std::vector<call::asked_channel> call::take_channels(std::vector<channel> channels, bool offered) {
  std::erase_if(closed_legs_, [](const auto& l) { return !l->bot_runs; });
  std::vector<asked_channel> out;
  for (auto& c : channels) {
    auto& entry = out.emplace_back();
    entry.asked = c;
    const auto same_label = [&](const auto& l) { return l->wic.label == c.label; };
    if (c.id && find_leg(c)) {
      entry.refused = "the id is in use";
    } else if (c.dcep && std::ranges::any_of(legs_, same_label)) {
      entry.refused = "the label is in use";
    } else if (!options_.peer && c.subprotocol != "msrp") {
      entry.refused = "the bot speaks msrp only";
    } else if (offered && c.path.empty()) {
      entry.refused = "no path";
    } else if (closed_legs_.size() >= most_closed_legs) {
      entry.refused = "too many channels were closed just now";
    } else {
      entry.taken = &add_leg(std::move(c));
    }
  }
  return out;
}

json::array call::channels_json(const std::vector<asked_channel>& asked) const {
  json::array out;
  const auto max = transport_of(access_local_).max_message_size;
  for (const auto& entry : asked) {
    const auto& wic = entry.taken ? entry.taken->wic : entry.asked;
    json::object one;
    if (wic.id) one["id"] = *wic.id;
    one["label"] = wic.label;
    one["subprotocol"] = wic.subprotocol;
    if (wic.dcep) one["dcep"] = true;
    if (entry.taken) {
      one["setup"] = wic.setup == "active" ? "passive" : wic.setup == "passive" ? "active" : "actpass";
      one["path"] = entry.taken->wic_to_path;
      one["acceptTypes"] = json::array{"*"};
      one["max"] = max;
    } else {
      one["refused"] = entry.refused;
    }
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace agw::controller
