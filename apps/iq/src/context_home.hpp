// The contexts of one shard, and how others reach them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agw/core/shard.hpp"
#include "context_owner.hpp"

namespace agw::iq {

/// Lives as long as the gateway. Its members are called on its shard; others use owner_call.
class context_home {
 public:
  /// `send` takes notices to the control loop; it is called on the shard.
  context_home(shard& where, const gateway_facts& facts, std::function<void(notice)> send)
      : where_(where), facts_(facts), send_(std::move(send)) {}

  shard& where() noexcept { return where_; }
  const gateway_facts& facts() const noexcept { return facts_; }
  void send(notice n) { send_(std::move(n)); }
  /// Of notices; different on every shard.
  std::uint64_t next_serial() noexcept { return (++last_serial_ << 8) + where_.index() + 1; }

  /// Null when there is no such context here (any more).
  context_owner* find(h248::context_id id) noexcept {
    const auto found = owners_.find(id.value);
    return found == owners_.end() ? nullptr : found->second.get();
  }
  context_owner& make(h248::context_id id) { return *(owners_[id.value] = std::make_unique<context_owner>(*this, id)); }
  /// After its close().
  void forget(h248::context_id id) { owners_.erase(id.value); }

  /// An interface's address has left the machine, or is back.
  void interface_changed(const std::string& interface, bool here) {
    if (here) lost_.erase(interface);
    else lost_.insert(interface);
    for (const auto& entry : owners_) entry.second->interface_changed(interface, here);
  }
  /// By lower-case name.
  bool lost(const std::string& interface) const { return lost_.contains(interface); }

 private:
  shard& where_;
  const gateway_facts& facts_;
  std::function<void(notice)> send_;
  std::uint64_t last_serial_ = 0;
  std::set<std::string> lost_;  ///< interfaces
  std::unordered_map<std::uint32_t, std::unique_ptr<context_owner>> owners_;
};

/// A call for on(): `f(owner)`, a callable that returns awaitable<T>, runs on the home's shard when it is the context's turn, with null when the
/// context is not there (any more). Calls that one loop makes for one context run in that order. A call that is cancelled while it waits does not
/// run; one that runs is not disturbed: nothing is left half done.
template <class F>
class owner_call {
 public:
  using value = typename std::invoke_result_t<F&, context_owner*>::value_type;

  owner_call(context_home& home, h248::context_id id, F f) : home_(&home), id_(id), f_(std::move(f)) {}
  /// The same for a context that the call makes.
  static owner_call making(context_home& home, h248::context_id id, F f) {
    owner_call out(home, id, std::move(f));
    out.makes_ = true;
    return out;
  }

  void arrive() {
    auto* const owner = makes_ ? &home_->make(id_) : home_->find(id_);
    if (owner) ticket_ = std::make_unique<turn_queue::ticket>(owner->turns());
  }
  awaitable<value> operator()() {
    if (ticket_) co_await ticket_->turn();
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    auto* owner = ticket_ ? home_->find(id_) : nullptr;
    if (owner && owner->turns().get() != ticket_->queue()) owner = nullptr;  // the number is another context's by now
    co_return co_await f_(owner);
  }
  void depart() { ticket_.reset(); }

 private:
  context_home* home_;
  h248::context_id id_;
  F f_;
  bool makes_ = false;
  std::unique_ptr<turn_queue::ticket> ticket_;
};

}  // namespace agw::iq
