#include "agw/core/sweep.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include <boost/asio/execution/context.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/query.hpp>
#include <boost/intrusive/list.hpp>

#include "agw/core/clock.hpp"

namespace agw {

namespace {

constexpr auto step = std::chrono::milliseconds(100);
constexpr std::size_t turns_a_second = 10;
constexpr std::chrono::seconds shortest{1}, longest{15};
constexpr std::size_t slots = (longest.count() + 1) * turns_a_second;

}  // namespace

/// One a loop. Its timer runs while there are entries.
class sweep final : public asio::execution_context::service {
 public:
  using key_type = sweep;
  static inline asio::execution_context::id id;

  explicit sweep(asio::execution_context& context) : asio::execution_context::service(context) {}
  void shutdown() override { timer_.reset(); }

  void add(sweep_entry& entry, const loop_executor& executor) {
    if (!timer_) timer_.emplace(executor);
    put(entry, shortest);
    if (count_++ != 0) return;
    last_ = clock::now();
    wait();
  }
  void soon(sweep_entry& entry) {
    if (!entry.is_linked() || entry.due_ <= turn_ + turns_a_second) return;
    entry.unlink();
    put(entry, shortest);
  }
  void remove() {
    if (--count_ == 0 && timer_) timer_->cancel();
  }

 private:
  using list = boost::intrusive::list<sweep_entry, boost::intrusive::constant_time_size<false>>;

  void wait() {
    timer_->expires_at(last_ + step);
    timer_->async_wait([this](error_code error) {
      if (error || count_ == 0) return;
      // After a loop that was late, or a clock that a test has moved, those that were missed.
      const auto missed = std::min<std::size_t>(static_cast<std::size_t>((clock::now() - last_) / step), slots);
      for (std::size_t i = 0; i < missed; ++i) take_turn();
      last_ = clock::now();
      if (count_ != 0) wait();
    });
  }

  void put(sweep_entry& entry, std::chrono::seconds in) {
    entry.due_ = turn_ + static_cast<std::uint64_t>(in.count()) * turns_a_second;
    slots_[entry.due_ % slots].push_back(entry);
  }

  void take_turn() {
    list now;
    now.swap(slots_[++turn_ % slots]);
    while (!now.empty()) {
      auto& entry = now.front();
      now.pop_front();
      put(entry, std::clamp(entry.look_(), shortest, longest));
    }
  }

  std::array<list, slots> slots_;
  std::uint64_t turn_ = 0;
  std::size_t count_ = 0;
  clock::time_point last_{};
  std::optional<timer> timer_;
};

sweep_entry::sweep_entry(const loop_executor& executor, std::function<std::chrono::seconds()> look)
    : look_(std::move(look)), of_(asio::use_service<sweep>(asio::query(executor, asio::execution::context))) {
  of_.add(*this, executor);
}

void sweep_entry::soon() { of_.soon(*this); }

sweep_entry::~sweep_entry() {
  unlink();
  of_.remove();
}

}  // namespace agw
