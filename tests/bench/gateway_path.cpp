// What does a megabyte cost on its whole way through the gateway but for the kernel: DTLS, SCTP, the relay of MSRP? The WIC's own DTLS and SCTP
// run in the same thread and are in the figure, too.
#include <string>

#include <benchmark/benchmark.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "agw/core/event.hpp"
#include "agw/core/relay.hpp"
#include "agw/core/task_group.hpp"
#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/relay_translator.hpp"
#include "agw/transports/certificate.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/sctp_association.hpp"
#include "agw/transports/sctp_stack.hpp"

namespace {

using namespace agw;

// Copies, and nothing else.
class wire_end final : public datagram_pipe {
 public:
  awaitable<void> receive(datagram_batch& into) override {
    while (arrived_.empty()) co_await came_.wait();
    for (std::size_t i = 0; i < arrived_.size(); ++i) into.push(arrived_[i]);
    arrived_.clear();
  }
  void send(const datagram_batch& batch) override {
    for (std::size_t i = 0; i < batch.size(); ++i) peer->arrived_.push(batch[i]);
    peer->came_.set();
  }
  std::size_t max_datagram_bytes() const noexcept override { return 1200; }

  wire_end* peer = nullptr;

 private:
  datagram_batch arrived_;
  event came_;
};

// The core: takes everything, and gives `left` octets of whole chunks.
class core_peer final : public byte_stream {
 public:
  awaitable<std::size_t> read_some(std::span<std::byte> into) override {
    while (left == 0) co_await wanted.wait();
    const auto count = std::min({into.size(), left, chunk.size() - at_});
    std::memcpy(into.data(), chunk.data() + at_, count);
    at_ = (at_ + count) % chunk.size();
    left -= count;
    co_return count;
  }
  awaitable<void> write(std::span<const bytes_view> pieces) override {
    for (const auto& p : pieces) taken += p.size();
    arrived.set();
    co_return;
  }
  awaitable<void> close(deadline) override { co_return; }

  std::string chunk;
  std::size_t left = 0, taken = 0;
  event wanted, arrived;

 private:
  std::size_t at_ = 0;
};

std::string make_chunk(std::size_t body_bytes) {
  msrp::send_fields fields;
  fields.to_path = "msrps://bob.example.com:8888/9di4eae923wzd;dc";
  fields.from_path = "msrp://alice.example.com:7777/iau39soe2843z;tcp";
  fields.message_id = "12339sdqwer";
  fields.content_type = "application/octet-stream";
  msrp::byte_range range;
  range.end = body_bytes;
  range.total = body_bytes;
  fields.range = range;
  const std::string body(body_bytes, 'x');
  return msrp::make_send("d93kswow", fields, as_bytes(body), msrp::continuation::complete);
}

struct end {
  std::unique_ptr<dtls::session> session;
  std::unique_ptr<sctp::association> association;
  std::unique_ptr<sctp::data_channel> channel;

  awaitable<void> open(task_group& layers, datagram_pipe& path, dtls::role role) {
    static const auto identity = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
    dtls::handshake_config config(identity, role, {identity->own().fingerprint()});
    session = co_await dtls::handshake(path, std::move(config));
    sctp::config options;
    options.peer_max_message_bytes = 262144;
    options.dtls_client = role == dtls::role::active;
    association = co_await sctp::open(layers, *session, options);
    channel = co_await association->open_channel(0);
  }
};

constexpr std::size_t octets_each = 8 << 20;

awaitable<void> send_up(end& wic, core_peer& core, std::size_t count) {
  const auto wanted = core.taken + count * core.chunk.size();
  for (std::size_t i = 0; i < count; ++i) co_await wic.channel->send(as_bytes(core.chunk));
  while (core.taken < wanted) co_await core.arrived.wait();
}

awaitable<void> send_down(end& wic, core_peer& core, std::size_t count) {
  core.left = count * core.chunk.size();
  core.wanted.set();
  std::vector<message> got;
  for (std::size_t octets = 0; octets < count * core.chunk.size();) {
    got.clear();
    co_await wic.channel->receive(got);
    for (const auto& m : got) octets += m.bytes.size();
  }
}

void whole_path(benchmark::State& state, awaitable<void> (*carry)(end&, core_peer&, std::size_t)) {
  sctp::stack stack;
  asio::io_context loop(1);
  core_peer core;
  core.chunk = make_chunk(static_cast<std::size_t>(state.range(0)));
  const std::size_t count = octets_each / static_cast<std::size_t>(state.range(0));
  wire_end near, far;
  near.peer = &far;
  far.peer = &near;
  end wic, gateway;
  flow_gate gate(stream_mode::send_receive, stream_mode::send_receive);
  auto body = [&](task_group& tasks) -> awaitable<void> {
    event opened;
    tasks.spawn("gateway", [&]() -> awaitable<void> {
      co_await gateway.open(tasks, near, dtls::role::passive);
      opened.set();
    });
    co_await wic.open(tasks, far, dtls::role::active);
    while (!gateway.channel) co_await opened.wait();
    msrp::relay_translator translates(msrp::relay_options(), gateway.channel->max_message_bytes());
    relay between(relay_config(), translates, *gateway.channel, core, gate);
    task_group relaying(co_await asio::this_coro::executor, "relay");
    relaying.spawn("relay", [&]() -> awaitable<void> { (void)co_await between.run(); });
    for (auto _ : state) co_await carry(wic, core, count);
    co_await relaying.stop();
    wic.channel.reset();
    gateway.channel.reset();
    wic.association.reset();
    gateway.association.reset();
  };
  asio::co_spawn(loop, [&] { return with_tasks("bench", body); }, [](std::exception_ptr e) {
    if (e) std::rethrow_exception(e);
  });
  loop.run();
  const auto octets = state.iterations() * static_cast<std::int64_t>(octets_each);
  state.SetBytesProcessed(octets);
  state.counters["ms_per_MB"] = benchmark::Counter(static_cast<double>(octets) / 1e9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace

BENCHMARK_CAPTURE(whole_path, to_core, send_up)->Arg(200)->Arg(1000)->Arg(16 << 10)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole_path, to_wic, send_down)->Arg(200)->Arg(1000)->Arg(16 << 10)->Unit(benchmark::kMillisecond);

BENCHMARK_MAIN();
