// What does a relay cost per megabyte, with pipes that cost a copy and nothing else?
#include <string>

#include <benchmark/benchmark.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "agw/core/relay.hpp"
#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/relay_translator.hpp"

using namespace agw;
using namespace agw::msrp;

namespace {

constexpr std::size_t total_bytes = 8 * 1024 * 1024;

std::vector<std::string> make_chunks(std::size_t chunk_bytes) {
  id_source ids;
  std::vector<std::string> out;
  const std::string body(chunk_bytes, 'x');
  send_fields fields;
  fields.to_path = "msrps://bob.example.com:8888/9di4eae923wzd;dc";
  fields.from_path = "msrp://alice.example.com:7777/iau39soe2843z;tcp";
  fields.message_id = "12339sdqwer";
  fields.content_type = "application/octet-stream";
  for (std::uint64_t at = 0; at < total_bytes; at += chunk_bytes) {
    byte_range range;
    range.start = at + 1;
    range.total = total_bytes;
    fields.range = range;
    out.push_back(make_send(ids.make(), fields, as_bytes(body), continuation::more));
  }
  return out;
}

// Yields its chunks in batches, as an association does that has received several packets, and takes a copy of what is sent.
class channel final : public message_pipe {
 public:
  explicit channel(const std::vector<std::string>* chunks) : chunks_(chunks) {}
  awaitable<bool> receive(std::vector<message>& into) override {
    if (!chunks_) co_await silence_.wait();
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    for (int i = 0; i < 16 && at_ < chunks_->size(); ++i) {
      const auto bytes = as_bytes((*chunks_)[at_++]);
      into.emplace_back(message_kind::binary, std::vector<std::byte>(bytes.begin(), bytes.end()));
    }
    co_return !into.empty();
  }
  bool try_send(bytes_view message, message_kind) override {
    sink_.assign(message.begin(), message.end());
    return true;
  }
  awaitable<void> send_ready() override { co_return; }
  std::size_t max_message_bytes() const noexcept override { return 65536; }
  awaitable<void> close(deadline) override { co_return; }

 private:
  const std::vector<std::string>* chunks_;
  std::size_t at_ = 0;
  std::vector<std::byte> sink_;
  event silence_;
};

class stream final : public byte_stream {
 public:
  explicit stream(std::string_view octets) : octets_(octets) {}
  awaitable<std::size_t> read_some(std::span<std::byte> into) override {
    if (octets_.empty()) co_await silence_.wait();
    co_await asio::post(co_await asio::this_coro::executor, use_awaitable);
    const auto count = std::min(into.size(), octets_.size());
    std::copy_n(as_bytes(octets_).begin(), count, into.begin());
    octets_.remove_prefix(count);
    co_return count;
  }
  awaitable<void> write(std::span<const bytes_view> pieces) override {
    sink_.clear();
    for (const auto& piece : pieces) sink_.insert(sink_.end(), piece.begin(), piece.end());
    co_return;
  }
  awaitable<void> close(deadline) override { co_return; }

 private:
  std::string_view octets_;
  std::vector<std::byte> sink_;
  event silence_;
};

void run(benchmark::State& state, const std::vector<std::string>* from_channel, std::string_view from_stream) {
  for (auto _ : state) {
    asio::io_context loop(1);
    channel c(from_channel);
    stream s(from_stream);
    flow_gate gate(stream_mode::send_receive, stream_mode::send_receive);
    relay_translator translates(relay_options(), c.max_message_bytes());
    relay r(relay_config(), translates, c, s, gate);
    auto body = [&r]() -> awaitable<void> { (void)co_await r.run(); };
    asio::cancellation_signal stop;
    asio::co_spawn(loop, body, asio::bind_cancellation_slot(stop.slot(), [](std::exception_ptr) {}));
    const auto whole = [&] {
      return from_channel ? r.counters().messages_from_wic == from_channel->size()
                          : r.counters().octets_to_wic >= from_stream.size();
    };
    while (!whole()) loop.run_one();
    stop.emit(asio::cancellation_type::terminal);
    loop.run();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * total_bytes));
  state.counters["ms_per_MB"] = benchmark::Counter(static_cast<double>(state.iterations() * total_bytes) / 1e9,
                                                   benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void to_core(benchmark::State& state) {
  const auto chunks = make_chunks(static_cast<std::size_t>(state.range(0)));
  run(state, &chunks, {});
}

void to_wic(benchmark::State& state) {
  std::string all;
  for (const auto& chunk : make_chunks(static_cast<std::size_t>(state.range(0)))) all += chunk;
  run(state, nullptr, all);
}

}  // namespace

BENCHMARK(to_core)->Arg(100)->Arg(1000)->Arg(16 << 10);
BENCHMARK(to_wic)->Arg(100)->Arg(1000)->Arg(16 << 10)->Arg(256 << 10);

BENCHMARK_MAIN();
