#include "gateways.hpp"

namespace agw::controller {

namespace {

// Whether `a` has fewer calls than `b` by weight.
bool less_loaded(const gateway_life& a, const gateway_life& b) {
  const auto left = std::uint64_t{a.calls.size()} * b.settings.weight;
  const auto right = std::uint64_t{b.calls.size()} * a.settings.weight;
  if (left != right) return left < right;
  return a.placed < b.placed;
}

}  // namespace

gateway_ptr gateway_pool::changed(h248::gateway_change what, const h248::registered_gateway& gateway) {
  const auto name = h248::to_text(h248::mid(gateway.mid));
  const auto at = lives_.find(name);
  const auto before = at == lives_.end() ? gateway_ptr() : at->second;
  switch (what) {
    case h248::gateway_change::gone:
    case h248::gateway_change::lost:
      if (before) lives_.erase(at);
      break;
    case h248::gateway_change::restarted: break;
    case h248::gateway_change::reconnected:
    case h248::gateway_change::draining:
    case h248::gateway_change::resumed:
    case h248::gateway_change::silent:
    case h248::gateway_change::heard:
      if (!before) break;
      before->registered = gateway;
      return nullptr;
  }
  if (before) before->over = true;
  if (what == h248::gateway_change::gone || what == h248::gateway_change::lost) return before;
  auto fresh = std::make_shared<gateway_life>();
  fresh->registered = gateway;
  fresh->name = name;
  const auto own = options_.by_mid.find(name);
  fresh->settings = own == options_.by_mid.end() ? options_.all : own->second;
  lives_.insert_or_assign(name, std::move(fresh));
  return before;
}

gateway_ptr gateway_pool::choose() const {
  gateway_ptr best;
  for (const auto& [name, life] : lives_) {
    if (life->takes_calls() && (!best || less_loaded(*life, *best))) best = life;
  }
  return best;
}

gateway_ptr gateway_pool::place(call_control& owner) {
  auto life = choose();
  if (!life) return life;
  life->calls.insert(&owner);
  life->placed = ++placed_;
  return life;
}

gateway_ptr gateway_pool::find(const h248::mid& id) const {
  const auto at = lives_.find(h248::to_text(id));
  return at == lives_.end() ? nullptr : at->second;
}

}  // namespace agw::controller
