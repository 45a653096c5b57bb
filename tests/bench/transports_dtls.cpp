// What does DTLS cost: a record each way, a handshake, an established session's memory?
#include <benchmark/benchmark.h>

#include <malloc.h>

#include <cstdlib>

#include "agw/transports/dtls_machine.hpp"

using namespace agw;
using namespace agw::dtls;

namespace {

struct pair {
  pair() : client(config(role::active)), server(config(role::passive)) {
    const auto now = clock::time_point(std::chrono::hours(1));
    datagram_batch to_server, to_client, payload;
    client.start(now, to_server);
    server.start(now, to_client);
    while (!to_server.empty() || !to_client.empty()) {
      datagram_batch a, b;
      std::swap(a, to_server);
      std::swap(b, to_client);
      for (std::size_t i = 0; i < a.size(); ++i) server.receive(std::as_const(a)[i], now, to_client, payload);
      for (std::size_t i = 0; i < b.size(); ++i) client.receive(std::as_const(b)[i], now, to_server, payload);
    }
    if (client.state() != machine::status::established || server.state() != machine::status::established) std::abort();
  }

  static handshake_config config(role r) {
    static const auto ours = std::make_shared<context>(certificate::self_signed());
    return handshake_config(ours, r, {ours->own().fingerprint()});
  }

  machine client;
  machine server;
};

// A batch of 1150-byte records, encrypted by one side and decrypted by the other; range(1): buffers given back after each batch.
void records(benchmark::State& state) {
  pair p;
  const std::vector<std::byte> payload(1150, std::byte{7});
  const auto batch = static_cast<std::size_t>(state.range(0));
  datagram_batch out, in, nothing;
  for (auto _ : state) {
    out.clear();
    in.clear();
    for (std::size_t i = 0; i < batch; ++i) p.client.send(payload, out);
    if (state.range(1) != 0) p.client.release_buffers();
    for (std::size_t i = 0; i < batch; ++i) p.server.receive(std::as_const(out)[i], clock::time_point{}, nothing, in);
    if (state.range(1) != 0) p.server.release_buffers();
    if (in.size() != batch) std::abort();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.SetBytesProcessed(state.iterations() * state.range(0) * 1150);
}
BENCHMARK(records)->ArgNames({"batch", "release"})->Args({1, 0})->Args({1, 1})->Args({32, 0})->Args({32, 1});

// Both sides in one thread, ECDSA P-256, mutual certificates.
void handshakes(benchmark::State& state) {
  for (auto _ : state) pair p;
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(handshakes)->Unit(benchmark::kMicrosecond);

// Heap of one established machine: range(0) = buffers given back.
void session_memory(benchmark::State& state) {
  constexpr std::size_t count = 500;
  for (auto _ : state) {
    { pair warm; }
    std::vector<std::unique_ptr<pair>> pairs;
    pairs.reserve(count);
    const auto before = mallinfo2();
    for (std::size_t i = 0; i < count; ++i) {
      pairs.push_back(std::make_unique<pair>());
      if (state.range(0) != 0) {
        pairs.back()->client.release_buffers();
        pairs.back()->server.release_buffers();
      }
    }
    const auto after = mallinfo2();
    const auto used = [](const struct mallinfo2& m) { return static_cast<double>(m.uordblks + m.hblkhd); };
    state.counters["bytes_per_session"] = (used(after) - used(before)) / (2 * count);
  }
}
BENCHMARK(session_memory)->ArgName("release")->Arg(0)->Arg(1)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
