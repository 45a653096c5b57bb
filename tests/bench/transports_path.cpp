// How fast is one channel over a path with a round trip, a bottleneck and a receiver that reads in its own time? All in virtual time: no sockets, no
// DTLS, and the same figures each time. A line for each path: what the channel carried, beside what the path or the peer's window allows.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <exception>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <boost/asio/co_spawn.hpp>

#include <sys/time.h>

#include "agw/core/event.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/testing/loop.hpp"
#include "agw/transports/sctp_association.hpp"
#include "agw/transports/sctp_stack.hpp"

// usrsctp reads this clock, too, for round trips and for the age of what it sends again.
extern "C" int gettimeofday(timeval* into, void*) noexcept {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(agw::clock::now().time_since_epoch()).count();
  into->tv_sec = now / 1'000'000;
  into->tv_usec = now % 1'000'000;
  return 0;
}

namespace {

using namespace agw;
using namespace std::chrono_literals;

constexpr auto tick = 1ms;
constexpr std::size_t around_bytes = 28 + 37;  // IP, UDP and DTLS

/// One way of a path: a queue of so many octets in front of so many bits a second, then the way, then the peer's socket.
struct way {
  double mbit = 1000;
  std::size_t queue_bytes = 1'000'000;
  clock::duration delay{0};
  double loss = 0;
  clock::duration jitter{0};        ///< up to so much more, in order
  double reader_mbit = 0;           ///< how fast the peer reads its socket; 0: at once
  std::size_t socket_bytes = 90 * 1200;
};

class path_end final : public datagram_pipe {
 public:
  path_end(const way& out, std::size_t mtu, unsigned seed) : way_(out), mtu_(mtu), random_(seed) {}

  awaitable<void> receive(datagram_batch& into) override {
    while (arrived_.empty() || arrived_.front().at > clock::now()) {
      const auto by = arrived_.empty() ? no_deadline : arrived_.front().at;
      (void)co_await within(by, ready_.wait());
    }
    for (int n = 0; n < 64 && !arrived_.empty() && arrived_.front().at <= clock::now(); ++n) {
      into.push(arrived_.front().bytes);
      arrived_.pop_front();
    }
  }
  void send(const datagram_batch& batch) override {
    const auto now = clock::now();
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ++sent;
      const auto size = batch[i].size() + around_bytes;
      if (way_.loss > 0 && std::uniform_real_distribution<>()(random_) < way_.loss) {
        ++lost;
        continue;
      }
      auto at = through(bottleneck_, now, way_.mbit, way_.queue_bytes, size);
      if (at && way_.reader_mbit > 0) at = through(reader_, *at, way_.reader_mbit, way_.socket_bytes, size);
      if (!at) {
        ++lost;
        continue;
      }
      *at += way_.delay;
      if (way_.jitter > clock::duration::zero()) *at += std::chrono::duration_cast<clock::duration>(way_.jitter * std::uniform_real_distribution<>()(random_));
      last_arrival_ = std::max(last_arrival_, *at);
      peer->arrived_.push_back({last_arrival_, std::vector<std::byte>(batch[i].begin(), batch[i].end())});
    }
    peer->ready_.set();
  }
  std::size_t max_datagram_bytes() const noexcept override { return mtu_; }

  path_end* peer = nullptr;
  std::size_t sent = 0;
  std::size_t lost = 0;

 private:
  struct datagram {
    clock::time_point at;
    std::vector<std::byte> bytes;
  };

  // When it has left the queue; nothing when there was no room in it.
  static std::optional<clock::time_point> through(clock::time_point& busy_until, clock::time_point now, double mbit, std::size_t queue_bytes,
                                                  std::size_t size) {
    const auto takes = [&](std::size_t bytes) {
      return std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(static_cast<double>(bytes) * 8 / (mbit * 1e6)));
    };
    const auto begins = std::max(now, busy_until);
    if (begins - now > takes(queue_bytes)) return std::nullopt;
    busy_until = begins + takes(size);
    return busy_until;
  }

  way way_;
  std::size_t mtu_;
  std::mt19937 random_;
  clock::time_point bottleneck_{}, reader_{}, last_arrival_{};
  std::deque<datagram> arrived_;
  event ready_;
};

struct scenario {
  std::string name;
  way forth;
  std::size_t window_bytes = 1 << 20;  ///< of the peer
  unsigned seconds = 10;
};

struct outcome {
  double mbit = 0;       // of payload, from the second second on
  double all_mbit = 0;   // from the first octet on
  std::size_t lost = 0;
  std::uint64_t again = 0;
  std::string failure;
};

outcome run(const scenario& s) {
  asio::io_context context{1};
  testing::manual_clock time{context};
  sctp::stack_config how;
  how.own_thread = false;
  sctp::stack stack(how);
  way back = s.forth;
  back.loss = 0;
  back.reader_mbit = 0;
  path_end left(s.forth, 1363, 1), right(back, 1363, 2);
  left.peer = &right;
  right.peer = &left;
  outcome out;
  bool ended = false;
  auto inside = [&](task_group& tasks) -> awaitable<void> {
    sctp::config ours;
    ours.peer_max_message_bytes = 262144;
    auto theirs = ours;
    theirs.fit_window = false;  // as browsers
    theirs.receive_buffer_bytes = s.window_bytes;
    theirs.channel_buffer_bytes = s.window_bytes;
    std::unique_ptr<sctp::association> a, b;
    event opened;
    tasks.spawn("right", [&]() -> awaitable<void> {
      b = co_await sctp::open(tasks, right, theirs);
      opened.set();
    });
    a = co_await sctp::open(tasks, left, ours);
    while (!b) co_await opened.wait();
    auto from = co_await a->open_channel(0);
    auto to = co_await b->open_channel(0);
    const auto begun = clock::now();
    const auto by = begun + std::chrono::seconds(s.seconds);
    std::size_t total = 0, after_start = 0;
    auto transfer = [&](task_group& sending) -> awaitable<void> {
      sending.spawn("sender", [&]() -> awaitable<void> {
        const std::vector<std::byte> message(16384, std::byte{'x'});
        for (;;) co_await from->send(message);
      });
      std::vector<message> got;
      for (;;) {
        got.clear();
        co_await to->receive(got);
        for (const auto& m : got) {
          total += m.bytes.size();
          if (clock::now() - begun > 2s) after_start += m.bytes.size();
        }
      }
    };
    (void)co_await within(by, with_tasks("transfer", transfer));
    out.mbit = static_cast<double>(after_start) * 8 / (s.seconds - 2) / 1e6;
    out.all_mbit = static_cast<double>(total) * 8 / s.seconds / 1e6;
    out.again = a->statistics().retransmitted_chunks;
    out.lost = left.lost;
  };
  asio::co_spawn(context, [&] { return with_tasks("bench", inside); }, [&](std::exception_ptr e) {
    out.failure = testing::failure_of(e);
    ended = true;
  });
  for (time.settle(); !ended;) {
    time.advance(tick);
    stack.advance(tick);
    time.settle();
  }
  return out;
}

way link(double mbit, std::chrono::milliseconds round_trip, std::size_t queue_bytes, double loss = 0, double reader_mbit = 0) {
  way out;
  out.mbit = mbit;
  out.queue_bytes = queue_bytes;
  out.delay = round_trip / 2;
  out.loss = loss;
  out.reader_mbit = reader_mbit;
  return out;
}

}  // namespace

int main(int count, char** words) {
  std::vector<scenario> all;
  for (const int rtt : {2, 20, 50, 100, 200, 300}) {
    all.push_back({"1 Gbit/s, 1 MB queue, window 1 MB, " + std::to_string(rtt) + " ms", link(1000, std::chrono::milliseconds(rtt), 1'000'000)});
  }
  for (const int rtt : {20, 50, 100, 200, 300}) {
    all.push_back({"1 Gbit/s, 1 MB queue, window 8 MB, " + std::to_string(rtt) + " ms", link(1000, std::chrono::milliseconds(rtt), 1'000'000), 8 << 20});
  }
  for (const int rtt : {2, 50, 300}) {
    all.push_back({"the same, peer reads 400 Mbit/s from a small socket, " + std::to_string(rtt) + " ms",
                   link(1000, std::chrono::milliseconds(rtt), 1'000'000, 0, 400)});
  }
  for (const int rtt : {20, 100}) {
    all.push_back({"1 Gbit/s, 600 KB queue, window 5 MB, " + std::to_string(rtt) + " ms", link(1000, std::chrono::milliseconds(rtt), 600'000), 5 << 20});
  }
  all.push_back({"50 Mbit/s, 250 KB queue, 40 ms", link(50, 40ms, 250'000)});
  all.push_back({"20 Mbit/s, 250 KB queue, 100 ms", link(20, 100ms, 250'000)});
  all.push_back({"50 Mbit/s, 250 KB queue, window 5 MB, 40 ms", link(50, 40ms, 250'000), 5 << 20});
  all.push_back({"20 Mbit/s, 250 KB queue, window 5 MB, 100 ms", link(20, 100ms, 250'000), 5 << 20});
  all.push_back({"10 Mbit/s, 50 KB queue, 30 ms", link(10, 30ms, 50'000)});
  all.push_back({"1 Gbit/s, 50 ms, 1 % lost", link(1000, 50ms, 1'000'000, 0.01), 1 << 20, 30});
  all.push_back({"1 Gbit/s, 50 ms, 0.1 % lost", link(1000, 50ms, 1'000'000, 0.001), 1 << 20, 30});
  all.push_back({"1 Gbit/s, window 5 MB, 50 ms, 1 % lost", link(1000, 50ms, 1'000'000, 0.01), 5 << 20, 30});
  all.push_back({"1 Gbit/s, window 5 MB, 50 ms, 0.1 % lost", link(1000, 50ms, 1'000'000, 0.001), 5 << 20, 30});
  all.push_back({"50 Mbit/s, 40 ms, 5 % lost", link(50, 40ms, 250'000, 0.05), 5 << 20, 30});
  all.push_back({"50 Mbit/s, 100 KB queue, window 5 MB, 40 ms", link(50, 40ms, 100'000), 5 << 20});
  all.push_back({"50 Mbit/s, 25 KB queue, window 5 MB, 40 ms", link(50, 40ms, 25'000), 5 << 20});
  auto shaky = link(20, 150ms, 250'000);
  shaky.jitter = 50ms;
  all.push_back({"20 Mbit/s, 250 KB queue, window 5 MB, 150 ms and up to 100 more", shaky, 5 << 20, 20});
  shaky.mbit = 1000;
  all.push_back({"1 Gbit/s, window 1 MB, 150 ms and up to 100 more", shaky, 1 << 20, 20});
  const std::string chosen = count > 1 ? words[1] : "";
  std::printf("%-66s %8s %8s %8s %7s %7s\n", "path", "Mbit/s", "from 0 s", "allowed", "lost", "again");
  for (const auto& s : all) {
    if (s.name.find(chosen) == std::string::npos) continue;
    const auto o = run(s);
    const double rtt = std::chrono::duration<double>(s.forth.delay).count() * 2;
    const double of_window = static_cast<double>(s.window_bytes) * 8 / rtt / 1e6;
    const double allowed = std::min(of_window, s.forth.reader_mbit > 0 ? std::min(s.forth.mbit, s.forth.reader_mbit) : s.forth.mbit);
    std::printf("%-66s %8.1f %8.1f %8.1f %7zu %7llu %s\n", s.name.c_str(), o.mbit, o.all_mbit, allowed, o.lost,
                static_cast<unsigned long long>(o.again), o.failure.c_str());
    std::fflush(stdout);
  }
}
