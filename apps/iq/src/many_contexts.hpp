// One thing done in many contexts of a shard at a time.
#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>

#include "agw/core/event.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "context_home.hpp"

namespace agw::iq {

/// Places in the queues of contexts, taken when the call arrives and left one by one.
struct place_in_context {
  h248::context_id context;
  std::unique_ptr<turn_queue::ticket> ticket;
};
using places = std::vector<place_in_context>;

/// A call for on(): `f(home, places)` runs on the home's shard, in no context's turn. Contexts that are not there have no ticket.
template <class F>
class many_contexts {
 public:
  using value = typename std::invoke_result_t<F&, context_home&, places&>::value_type;

  many_contexts(context_home& home, std::vector<h248::context_id> ids, F f) : home_(&home), ids_(std::move(ids)), f_(std::move(f)) {}

  void arrive() {
    for (const auto id : ids_) {
      auto& place = places_.emplace_back();
      place.context = id;
      auto* const owner = home_->find(id);
      if (owner) place.ticket = std::make_unique<turn_queue::ticket>(owner->turns());
    }
  }
  awaitable<value> operator()() {
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    co_return co_await f_(*home_, places_);
  }
  void depart() { places_.clear(); }

 private:
  context_home* home_;
  std::vector<h248::context_id> ids_;
  F f_;
  places places_;
};

/// `f(owner)` in the turn of each, at most `at_once` of them under way, until `enough()` says that it is of no use any more. The shard's other work
/// goes on in between. `f` returns awaitable<void>, and may end its context. Yields those that are not there (any more).
template <class F, class Enough>
awaitable<std::vector<h248::context_id>> in_each(context_home& home, places& all, std::size_t at_once, F& f, Enough& enough) {
  constexpr std::size_t in_one_turn = 16;  // of the shard's loop
  auto executor = home.where().executor();
  event freed;
  std::vector<h248::context_id> absent;
  std::size_t running = 0;
  std::exception_ptr failed;
  auto one = [&](auto& place) -> awaitable<void> {
    const scope_guard leave([&freed, &running, &place] {
      place.ticket.reset();
      --running;
      freed.set();
    });
    co_await place.ticket->turn();
    auto* const owner = home.find(place.context);
    if (!owner || owner->turns().get() != place.ticket->queue()) {
      absent.push_back(place.context);
      co_return;
    }
    // What fails in one context must not cut off the others.
    try {
      co_await f(*owner);
    } catch (...) {
      if (!failed) failed = std::current_exception();
    }
  };
  auto each = [&](task_group& tasks) -> awaitable<void> {
    for (std::size_t i = 0; i < all.size() && !enough(); ++i) {
      if (!all[i].ticket) {
        absent.push_back(all[i].context);
        continue;
      }
      while (running >= at_once) co_await freed.wait();
      ++running;
      tasks.spawn("context", [&one, place = &all[i]] { return one(*place); });
      if (i % in_one_turn == in_one_turn - 1) co_await asio::post(executor, use_awaitable);
    }
  };
  auto begin = [&each](task_group& tasks) {
    tasks.spawn("each", [&each, &tasks] { return each(tasks); });
  };
  co_await join_all("many contexts", std::move(begin));
  if (failed) std::rethrow_exception(failed);
  all.clear();
  co_return absent;
}

}  // namespace agw::iq
