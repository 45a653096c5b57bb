// Lets one coroutine at a time through, in the order of arrival. Of one loop: no thread ever waits.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "agw/core/awaitable.hpp"
#include "agw/core/event.hpp"

namespace agw::iq {

class turnstile {
 public:
  /// Held by who is through; leaving is its destruction.
  class pass {
   public:
    pass() = default;
    explicit pass(std::shared_ptr<turnstile> of) noexcept : of_(std::move(of)) {}
    pass(pass&& other) noexcept = default;
    pass& operator=(pass&& other) noexcept {
      release();
      of_ = std::move(other.of_);
      return *this;
    }
    ~pass() { release(); }
    void release() {
      if (auto t = std::exchange(of_, nullptr)) t->leave();
    }
    explicit operator bool() const noexcept { return of_ != nullptr; }

   private:
    std::shared_ptr<turnstile> of_;
  };

  static awaitable<pass> enter(std::shared_ptr<turnstile> t) {
    if (t->busy_) {
      auto turn = std::make_shared<waiting>();
      t->queue_.push_back(turn);
      // Whoever leaves hands the turn over; a waiter that was cancelled has to hand it on.
      struct guard {
        guard(turnstile& at, std::shared_ptr<waiting> w) : t(at), mine(std::move(w)) {}
        guard(const guard&) = delete;
        ~guard() {
          if (through) return;
          mine->gone = true;
          if (mine->called) t.leave();
        }
        turnstile& t;
        std::shared_ptr<waiting> mine;
        bool through = false;
      };
      guard g(*t, turn);
      co_await turn->call.wait();
      g.through = true;
    }
    t->busy_ = true;
    co_return pass(t);
  }

 private:
  struct waiting {
    event call;
    bool called = false;
    bool gone = false;
  };

  void leave() {
    while (!queue_.empty()) {
      auto next = std::move(queue_.front());
      queue_.pop_front();
      if (next->gone) continue;
      next->called = true;
      next->call.set();
      return;  // still busy: the turn is handed over
    }
    busy_ = false;
  }

  bool busy_ = false;
  std::deque<std::shared_ptr<waiting>> queue_;
};

}  // namespace agw::iq
