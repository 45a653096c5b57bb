#include <agw/h248/transaction_segments.hpp>

#include <utility>

namespace agw::h248 {

reply_cutter::reply_cutter(const transaction_reply& whole, std::size_t room_bytes, reply_measure size_of)
    : whole_(whole), room_bytes_(room_bytes), size_of_(std::move(size_of)) {
  for (const auto& a : whole.actions) {
    const bool bare = a.commands.empty() && !a.error;
    if (bare || !a.properties.empty()) parts_.push_back({&a, nullptr, false});
    for (const auto& c : a.commands) parts_.push_back({&a, &c, false});
    if (a.error) parts_.push_back({&a, nullptr, true});
  }
}

void reply_cutter::add(const part& p, action& to) {
  if (p.answer) to.commands.push_back(*p.answer);
  else if (p.error) to.error = p.of->error;
  else to.properties = p.of->properties;
}

std::optional<transaction_reply> reply_cutter::next() {
  if (pieces_ > 0 && taken_ == parts_.size()) return std::nullopt;
  transaction_reply piece;
  piece.id = whole_.id;
  const action* from = nullptr;  // what the piece's last action is a part of
  // A piece is as long as its parts would be alone, at most.
  for (std::size_t used = 0; taken_ < parts_.size(); ++taken_) {
    const auto& p = parts_[taken_];
    transaction_reply alone;
    alone.id = whole_.id;
    alone.segment = reply_segment{0xFFFF, true};
    auto& only = alone.actions.emplace_back();
    only.context = p.of->context;
    add(p, only);
    const auto size = size_of_(alone);
    if (from && used + size > room_bytes_) break;
    used += size;
    if (from != p.of) piece.actions.emplace_back().context = p.of->context;
    from = p.of;
    add(p, piece.actions.back());
  }
  const bool last = taken_ == parts_.size();
  ++pieces_;
  if (last && pieces_ == 1) return whole_;
  piece.segment = reply_segment{pieces_, last};
  if (last) piece.immediate_ack = whole_.immediate_ack;
  return piece;
}

std::vector<transaction_reply> cut(const transaction_reply& whole, std::size_t room_bytes, reply_measure size_of) {
  std::vector<transaction_reply> out;
  reply_cutter pieces(whole, room_bytes, std::move(size_of));
  while (auto piece = pieces.next()) out.push_back(std::move(*piece));
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
