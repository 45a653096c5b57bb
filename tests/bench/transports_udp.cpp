// What does one datagram of 1200 bytes cost, sent and received on loopback: one per call, or in batches?
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>

#include <benchmark/benchmark.h>

#include "agw/core/sockets.hpp"
#include "agw/transports/udp.hpp"

using namespace agw;

namespace {

constexpr std::size_t datagram_bytes = 1200;

struct fixture {
  fixture() : from(open()), to(open()) {}
  udp::socket open() { return *udp::socket::open(context.get_executor(), asio::ip::address_v4::loopback(), ports); }
  std::size_t receive_all() {
    std::size_t count = 0;
    for (auto arrivals = to.receive(); !arrivals.empty(); arrivals = to.receive()) count += arrivals.size();
    return count;
  }
  asio::io_context context{1};
  port_pool ports{0, 0};
  udp::socket from;
  udp::socket to;
};

void report(benchmark::State& state, std::size_t received, std::size_t sent) {
  if (received != sent) return state.SkipWithError("datagrams were lost");
  using benchmark::Counter;
  state.counters["per_datagram"] = Counter(static_cast<double>(received), Counter::kIsRate | Counter::kInvert);
}

// The plain way: sendto and recvfrom.
void one_per_call(benchmark::State& state) {
  asio::io_context context(1);
  using socket = udp_socket;
  const udp::endpoint any(asio::ip::address_v4::loopback(), 0);
  socket from(context, any);
  socket to(context, any);
  const auto where = to.local_endpoint();
  std::vector<std::byte> data(datagram_bytes);
  std::vector<std::byte> buffer(65536);
  std::size_t count = 0;
  std::size_t sent = 0;
  for (auto _ : state) {
    ++sent;
    from.send_to(asio::buffer(data), where);
    udp::endpoint source;
    if (to.receive_from(asio::buffer(buffer), source) == data.size()) ++count;
  }
  report(state, count, sent);
}

// The batches of udp::socket. `equal`: one size, a train for UDP_SEGMENT and UDP_GRO; else sendmmsg and recvmmsg alone.
void batched(benchmark::State& state, bool equal) {
  fixture f;
  datagram_batch batch;
  const std::vector<std::byte> data(datagram_bytes);
  const auto size = static_cast<std::size_t>(state.range(0));
  // Growing sizes never form a train.
  for (std::size_t i = 0; i < size; ++i) batch.push(bytes_view(data).first(equal ? datagram_bytes : datagram_bytes - size + i));
  std::size_t count = 0;
  std::size_t sent = 0;
  for (auto _ : state) {
    sent += size;
    f.from.send(batch, f.to.local());
    count += f.receive_all();
  }
  report(state, count, sent);
}

BENCHMARK(one_per_call);
BENCHMARK_CAPTURE(batched, sizes_differ, false)->Arg(1)->Arg(8)->Arg(32);
BENCHMARK_CAPTURE(batched, sizes_equal, true)->Arg(8)->Arg(32)->Arg(64);

}  // namespace

BENCHMARK_MAIN();
