// The order in which those who want something of a context get their turn: that of their arrival. Of one loop: no thread ever waits.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <utility>

#include "agw/core/awaitable.hpp"
#include "agw/core/event.hpp"

namespace agw::iq {

class turn_queue {
 public:
  /// A place in the queue: taken when it is made, left when it is destroyed, whether its turn had come or not.
  class ticket {
   public:
    explicit ticket(std::shared_ptr<turn_queue> queue) : queue_(std::move(queue)), place_(queue_->places_.emplace(queue_->places_.end())) {
      if (first()) place_->set();
    }
    ticket(const ticket&) = delete;
    ticket& operator=(const ticket&) = delete;
    ~ticket() {
      const bool mine = first();
      if (mine && queue_->on_left) queue_->on_left();
      queue_->places_.erase(place_);
      if (mine && !queue_->places_.empty()) queue_->places_.front().set();
    }
    /// Waits until everyone before it has left. Await it once.
    awaitable<void> turn() { return place_->wait(); }
    const turn_queue* queue() const noexcept { return queue_.get(); }

   private:
    bool first() const noexcept { return place_ == queue_->places_.begin(); }
    std::shared_ptr<turn_queue> queue_;
    std::list<event>::iterator place_;
  };

  bool idle() const noexcept { return places_.empty(); }
  /// Called whenever a turn is over, before the next one begins.
  std::function<void()> on_left;

 private:
  std::list<event> places_;
};

}  // namespace agw::iq
