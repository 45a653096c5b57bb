// Two SCTP peers in one process: a datagram link that loses, delays and reorders by a seed, and a world whose time the test moves.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <stdexcept>

#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/sctp_association.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "support/loop.hpp"

namespace agw::sctp_test {

using test::manual_clock;

struct link_quality {
  unsigned seed = 1;
  double loss = 0;
  double reorder = 0;              ///< of so many datagrams, delivered after those behind it
  clock::duration delay{0};
  std::size_t mtu = 1200;
};

/// One direction's sender and the other's receiver.
class link_end final : public datagram_pipe {
 public:
  explicit link_end(const link_quality& quality) : quality_(quality), random_(quality.seed) {}
  void join(link_end& peer) { peer_ = &peer; }

  awaitable<void> receive(datagram_batch& into) override {
    while (arrived_.empty() || arrived_.front().at > clock::now()) {
      const auto by = arrived_.empty() ? no_deadline : arrived_.front().at;
      try {
        co_await until(by, ready_.wait());
      } catch (const system_error& e) {
        if (e.code() != core_error::timed_out) throw;
      }
      if (broken_) throw stage_error("dtls", "alert");
    }
    for (int n = 0; n < 64 && !arrived_.empty() && arrived_.front().at <= clock::now(); ++n) {
      into.push(arrived_.front().bytes);
      arrived_.pop_front();
    }
  }

  void send(const datagram_batch& batch) override {
    ++batches;
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ++datagrams;
      largest = std::max(largest, batch[i].size());
      if (tap) tap(batch[i]);
      if (down || !peer_ || chance(quality_.loss)) continue;
      peer_->put(batch[i], chance(quality_.reorder));
    }
  }
  std::size_t max_datagram_bytes() const noexcept override { return quality_.mtu; }

  void inject(bytes_view bytes) { put(bytes, false); }
  void fail() {
    broken_ = true;
    ready_.set();
  }

  bool down = false;
  std::function<void(bytes_view)> tap;  ///< sees what is sent
  std::size_t largest = 0;
  std::size_t datagrams = 0;
  std::size_t batches = 0;

 private:
  struct datagram {
    clock::time_point at;
    std::vector<std::byte> bytes;
  };

  bool chance(double p) { return p > 0 && std::uniform_real_distribution<>()(random_) < p; }
  void put(bytes_view bytes, bool late) {
    datagram d{clock::now() + quality_.delay, std::vector<std::byte>(bytes.begin(), bytes.end())};
    if (late && arrived_.size() > 1) {
      arrived_.insert(arrived_.end() - static_cast<std::ptrdiff_t>(std::min<std::size_t>(arrived_.size() - 1, 5)), std::move(d));
    } else {
      arrived_.push_back(std::move(d));
    }
    ready_.set();
  }

  link_quality quality_;
  std::mt19937 random_;
  link_end* peer_ = nullptr;
  std::deque<datagram> arrived_;
  event ready_;
  bool broken_ = false;
};

struct sctp_link {
  explicit sctp_link(link_quality quality = {}) : left(quality), right(with_seed(quality)) {
    left.join(right);
    right.join(left);
  }
  static link_quality with_seed(link_quality q) {
    q.seed += 7919;
    return q;
  }
  link_end left;
  link_end right;
};

inline sctp::stack_config manual_stack() {
  sctp::stack_config c;
  c.own_thread = false;
  c.hash_buckets = 256;
  return c;
}

/// A loop, a clock that only the test moves, and SCTP's time moved along with it.
class sctp_world {
 public:
  /// Runs `f()` to its end, letting time pass 10 ms at a time whenever nothing is ready.
  template <class F>
  void run(F f, clock::duration most = std::chrono::minutes(10)) {
    const testing::started work(context, std::move(f));
    run(work, most);
  }
  void run(const testing::started& work, clock::duration most) {
    const auto by = clock::now() + most;
    time.settle();
    while (!work.ended()) {
      if (clock::now() > by) throw std::logic_error("the coroutine under test never ended");
      pass(std::chrono::milliseconds(10));
    }
    time.settle();
    work.check();
  }

  void pass(std::chrono::milliseconds by) {
    time.advance(by);
    stack.advance(by);
    time.settle();
  }

  asio::io_context context{1};
  manual_clock time{context};
  sctp::stack stack{manual_stack()};
};

/// Both ends of an established association, and the group that their pumps run in: children that refer to the body's frame
/// belong into a group of the body's.
struct sctp_pair {
  task_group* tasks = nullptr;
  std::unique_ptr<sctp::association> left;
  std::unique_ptr<sctp::association> right;
};

inline awaitable<void> with_opened_pair(sctp_link& wire, sctp::config left, sctp::config right, std::function<awaitable<void>(sctp_pair&)> body) {
  sctp_pair pair;
  auto inside = [&](task_group& tasks) -> awaitable<void> {
    pair.tasks = &tasks;
    event other;
    tasks.spawn("open right", [&]() -> awaitable<void> {
      pair.right = co_await sctp::open(tasks, wire.right, right);
      other.set();
    });
    pair.left = co_await sctp::open(tasks, wire.left, left);
    while (!pair.right) co_await other.wait();
    co_await body(pair);
  };
  co_await with_tasks("pair", inside);
}

/// Opens both at once and runs `body(pair)`, an awaitable<void>.
template <class F>
awaitable<void> with_pair(sctp_link& wire, sctp::config left, sctp::config right, F body) {
  return with_opened_pair(wire, std::move(left), std::move(right), std::move(body));
}

inline std::vector<std::byte> pattern(std::size_t size, unsigned seed = 1) {
  std::vector<std::byte> out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>((i * 31 + i / 256 + seed) & 0xff);
  return out;
}

/// The next `count` messages; false in `open` when the channel was closed before.
inline awaitable<std::vector<message>> take(sctp::data_channel& from, std::size_t count) {
  std::vector<message> out;
  while (out.size() < count) {
    if (!co_await from.receive(out)) break;
  }
  co_return out;
}

}  // namespace agw::sctp_test
