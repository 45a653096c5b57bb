// How much CPU does a megabyte, or a small message, through an SCTP association cost? Both ends in one thread, joined by pipes that
// only copy: no DTLS, no sockets. "cpu_ms_per_MB" is for sender and receiver together. Then: what does an idle association cost?
#include <malloc.h>

#include <ctime>
#include <optional>

#include <benchmark/benchmark.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agw/core/event.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/sctp_association.hpp"
#include "agw/transports/sctp_stack.hpp"

namespace {

using namespace agw;

class copying_pipe final : public datagram_pipe {
 public:
  awaitable<void> receive(datagram_batch& into) override {
    while (arrived_.empty()) co_await ready_.wait();
    if (into.empty()) {
      std::swap(into, arrived_);
    } else {
      for (std::size_t i = 0; i < arrived_.size(); ++i) into.push(arrived_[i]);
    }
    arrived_.clear();
  }
  void send(const datagram_batch& batch) override {
    for (std::size_t i = 0; i < batch.size(); ++i) peer->arrived_.push(batch[i]);
    ++sends;
    datagrams += batch.size();
    peer->ready_.set();
  }
  std::size_t max_datagram_bytes() const noexcept override { return 1200; }

  copying_pipe* peer = nullptr;
  std::size_t sends = 0;
  std::size_t datagrams = 0;

 private:
  datagram_batch arrived_;
  event ready_;
};

struct wire {
  wire() {
    left.peer = &right;
    right.peer = &left;
  }
  copying_pipe left, right;
};

double cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// Opens `count` pairs, runs `body(first left channel, first right channel)`.
template <class F>
void with_pairs(std::size_t count, F body) {
  sctp::stack stack;
  asio::io_context context(1);
  std::vector<std::unique_ptr<wire>> wires;
  std::vector<std::unique_ptr<sctp::association>> associations;
  auto inside = [&](task_group& tasks) -> awaitable<void> {
    for (std::size_t i = 0; i < count; ++i) {
      wires.push_back(std::make_unique<wire>());
      auto& w = *wires.back();
      sctp::config options;
      options.peer_max_message_bytes = 262144;
      options.local_port = options.remote_port = static_cast<std::uint16_t>(5000 + i % 1000);
      std::unique_ptr<sctp::association> other;
      event opened;
      tasks.spawn("right", [&]() -> awaitable<void> {
        other = co_await sctp::open(tasks, w.right, options);
        opened.set();
      });
      auto one = co_await sctp::open(tasks, w.left, options);
      while (!other) co_await opened.wait();
      associations.push_back(std::move(one));
      associations.push_back(std::move(other));
    }
    auto a = co_await associations[0]->open_channel(0);
    auto b = co_await associations[1]->open_channel(0);
    co_await body(*a, *b);
  };
  asio::co_spawn(context, [&] { return with_tasks("bench", inside); }, [](std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
  });
  context.run();
  associations.clear();
}

void messages(benchmark::State& state) {
  const auto size = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> payload(size, std::byte{'x'});
  const std::size_t per_iteration = std::max<std::size_t>(2000, (32 << 20) / size);
  std::size_t total = 0;
  double cpu = 0;
  with_pairs(1, [&](sctp::data_channel& a, sctp::data_channel& b) -> awaitable<void> {
    const double before = cpu_seconds();
    for (auto _ : state) {
      task_group sender(co_await asio::this_coro::executor);
      sender.spawn("sender", [&]() -> awaitable<void> {
        for (std::size_t i = 0; i < per_iteration; ++i) co_await a.send(payload);
      });
      std::vector<message> got;
      for (std::size_t n = 0; n < per_iteration; n += got.size()) {
        got.clear();
        co_await b.receive(got);
      }
      co_await sender.join();
      total += per_iteration;
    }
    cpu = cpu_seconds() - before;
  });
  const double megabytes = static_cast<double>(total * size) / 1e6;
  state.SetItemsProcessed(static_cast<std::int64_t>(total));
  state.SetBytesProcessed(static_cast<std::int64_t>(total * size));
  state.counters["cpu_ms_per_MB"] = cpu * 1e3 / megabytes;
}
BENCHMARK(messages)->Arg(64)->Arg(1000)->Arg(16384)->Arg(65536)->Unit(benchmark::kMillisecond)->UseRealTime();

// Set-up (both ends, INITs crossing) and the heap of an idle association with one channel.
void idle_pairs(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  double heap = 0;
  for (auto _ : state) {
    const auto before = mallinfo2();
    with_pairs(count, [&](sctp::data_channel&, sctp::data_channel&) -> awaitable<void> {
      const auto after = mallinfo2();
      heap = static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / static_cast<double>(2 * count);
      co_return;
    });
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * count));
  state.counters["heap_KB_per_association"] = heap / 1e3;
}
BENCHMARK(idle_pairs)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond)->Iterations(1)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
