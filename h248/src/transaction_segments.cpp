#include <agw/h248/transaction_segments.hpp>

namespace agw::h248 {

std::vector<transaction_reply> cut(const transaction_reply& whole, std::size_t room_bytes, const reply_measure& size_of) {
  std::vector<transaction_reply> out;
  std::size_t used = 0;
  const action* from = nullptr;  // what the last piece's last action is a part of
  // A piece is as long as its parts would be alone, at most.
  const auto put = [&](const action& a, const auto& fill) {
    transaction_reply alone;
    alone.id = whole.id;
    alone.segment = reply_segment{0xFFFF, true};
    auto& only = alone.actions.emplace_back();
    only.context = a.context;
    fill(only);
    const auto size = size_of(alone);
    if (out.empty() || used + size > room_bytes) {
      out.emplace_back().id = whole.id;
      used = 0;
      from = nullptr;
    }
    auto& actions = out.back().actions;
    if (from != &a) actions.emplace_back().context = a.context;
    from = &a;
    fill(actions.back());
    used += size;
  };
  for (const auto& a : whole.actions) {
    const bool bare = a.commands.empty() && !a.error;
    if (bare || !a.properties.empty()) put(a, [&](action& part) { part.properties = a.properties; });
    for (const auto& c : a.commands) put(a, [&](action& part) { part.commands.push_back(c); });
    if (a.error) put(a, [&](action& part) { part.error = a.error; });
  }
  if (out.size() < 2) {
    out.assign(1, whole);
    return out;
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].segment = reply_segment{static_cast<std::uint16_t>(i + 1), i + 1 == out.size()};
  }
  out.back().immediate_ack = whole.immediate_ack;
  return out;
}

void join(transaction_reply& whole, const transaction_reply& next) {
  whole.segment.reset();
  whole.immediate_ack = whole.immediate_ack || next.immediate_ack;
  if (next.error) whole.error = next.error;
  for (auto a = next.actions.begin(); a != next.actions.end(); ++a) {
    const bool goes_on = a == next.actions.begin() && !whole.actions.empty() && whole.actions.back().context == a->context;
    if (!goes_on) {
      whole.actions.push_back(*a);
      continue;
    }
    auto& before = whole.actions.back();
    if (!a->properties.empty()) before.properties = a->properties;
    for (const auto& c : a->commands) before.commands.push_back(c);
    if (a->error) before.error = a->error;
  }
}

}  // namespace agw::h248
