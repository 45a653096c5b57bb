// A context's turn, held for an operation that concerns several contexts.
#pragma once

#include <memory>
#include <type_traits>
#include <utility>

#include <boost/asio/post.hpp>

#include "context_home.hpp"

namespace agw::iq {

/// Of the control loop; what lies behind it is touched on the home's shard alone. Loans that are asked for in one go, before anything is awaited, come in
/// the same order for all contexts that two operations share: no two wait for each other.
class loan {
 public:
  /// Takes a place in the context's queue, at once.
  static std::shared_ptr<loan> ask(context_home& home, h248::context_id id, bool makes = false) {
    auto out = std::make_shared<loan>(home, id);
    asio::post(home.where().executor(), [out, makes] {
      auto* const owner = makes ? &out->home_.make(out->id_) : out->home_.find(out->id_);
      if (owner) out->ticket_ = std::make_unique<turn_queue::ticket>(owner->turns());
    });
    return out;
  }
  loan(context_home& home, h248::context_id id) : home_(home), id_(id) {}

  context_home& home() noexcept { return home_; }
  h248::context_id id() const noexcept { return id_; }
  std::uint64_t relocations = 0;  ///< of the context, when the loan was asked for

  /// The turn has come. False: the context is not there (any more).
  static awaitable<bool> granted(std::shared_ptr<loan> self) {
    auto wait = [self]() -> awaitable<bool> {
      if (!self->ticket_) co_return false;
      co_await self->ticket_->turn();
      co_return self->owner() != nullptr;
    };
    return on(self->home_.where(), std::move(wait));
  }
  /// `f(owner)`, which returns awaitable<T>, on the owner's shard. The turn has come and the context is there.
  template <class F>
  static auto in(std::shared_ptr<loan> self, F f) {
    auto run = [self, f = std::move(f)]() mutable { return f(*self->owner()); };
    return on(self->home_.where(), std::move(run));
  }
  /// The next in the queue has its turn. What the directory has to know of this one has been said.
  static void end(std::shared_ptr<loan> self) {
    auto& at = self->home_.where();
    asio::post(at.executor(), [held = std::move(self)] { held->ticket_.reset(); });
  }

 private:
  context_owner* owner() noexcept {
    auto* const found = home_.find(id_);
    return found && found->turns().get() == ticket_->queue() ? found : nullptr;
  }

  context_home& home_;
  h248::context_id id_;
  std::unique_ptr<turn_queue::ticket> ticket_;  ///< of the shard
};

}  // namespace agw::iq
