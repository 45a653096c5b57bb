// What does the way of a chunk through parser, rechunker and checker cost, per megabyte of body?
#include <string>

#include <benchmark/benchmark.h>

#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/message_checker.hpp"
#include "agw/msrp/rechunker.hpp"

using namespace agw::msrp;

namespace {

constexpr std::size_t stream_bytes = 8 * 1024 * 1024;

// Pseudo-random bodies: every octet value occurs, CR as often as any.
std::string make_stream(std::size_t chunk_bytes, id_source& ids) {
  std::string out;
  std::string body(chunk_bytes, '\0');
  std::uint64_t state = 88172645463325252;
  send_fields fields;
  fields.to_path = "msrps://bob.example.com:8888/9di4eae923wzd;dc";
  fields.from_path = "msrp://alice.example.com:7777/iau39soe2843z;tcp";
  fields.message_id = "12339sdqwer";
  fields.content_type = "application/octet-stream";
  for (std::uint64_t at = 0; at < stream_bytes; at += chunk_bytes) {
    for (auto& c : body) {
      state ^= state << 13, state ^= state >> 7, state ^= state << 17;
      c = static_cast<char>(state);
    }
    byte_range range;
    range.start = at + 1;
    range.total = stream_bytes;
    fields.range = range;
    out += make_send(ids.make(), fields, as_bytes(body), continuation::more);
  }
  return out;
}

void report(benchmark::State& state, std::size_t bytes) {
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * bytes));
  state.counters["cpu_per_MB"] = benchmark::Counter(static_cast<double>(state.iterations() * bytes) / 1e6,
                                                    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void parse(benchmark::State& state) {
  id_source ids;
  const auto stream = make_stream(static_cast<std::size_t>(state.range(0)), ids);
  const auto read = static_cast<std::size_t>(state.range(1));
  for (auto _ : state) {
    chunk_parser parser;
    std::size_t body = 0;
    for (std::size_t at = 0; at < stream.size(); at += read) {
      bytes_view in = as_bytes(std::string_view(stream).substr(at, read));
      for (;;) {
        const auto event = parser.next(in);
        if (std::holds_alternative<need_more>(*event)) break;
        if (const auto* piece = std::get_if<body_piece>(&*event)) body += piece->bytes.size();
      }
    }
    if (body != stream_bytes) state.SkipWithError("octets are missing");
  }
  report(state, stream_bytes);
}

// arguments: chunk body, one read from TCP, the peer's max-message-size
void rechunk(benchmark::State& state) {
  id_source ids;
  const auto stream = make_stream(static_cast<std::size_t>(state.range(0)), ids);
  const auto read = static_cast<std::size_t>(state.range(1));
  rechunker_config config;
  config.max_message_bytes = static_cast<std::size_t>(state.range(2));
  const relay_paths paths;
  for (auto _ : state) {
    split_transactions splits(ids);
    direction_counters counters;
    rechunker chunker(config, paths, splits, counters);
    for (std::size_t at = 0; at < stream.size(); at += read) {
      bytes_view in = as_bytes(std::string_view(stream).substr(at, read));
      while (const auto out = chunker.next(in).value()) benchmark::DoNotOptimize(out->head.data());
    }
    if (counters.bytes < stream_bytes) state.SkipWithError("octets are missing");
  }
  report(state, stream_bytes);
}

void check(benchmark::State& state) {
  id_source ids;
  const auto size = static_cast<std::size_t>(state.range(0));
  const auto stream = make_stream(size, ids);
  const auto message = std::string_view(stream).substr(0, stream.find("\r\nMSRP ", size) + 2);
  const relay_paths paths;
  split_transactions splits(ids);
  direction_counters counters;
  message_checker checker(parser_limits{}, paths, splits, counters, 262144);
  for (auto _ : state) benchmark::DoNotOptimize(checker.check(as_bytes(message)).value()->head.data());
  report(state, message.size());
}

}  // namespace

BENCHMARK(parse)->Args({16 << 10, 64 << 10})->Args({64 << 10, 64 << 10})->Args({1 << 20, 64 << 10});
BENCHMARK(rechunk)
    ->Args({16 << 10, 64 << 10, 256 << 10})
    ->Args({64 << 10, 64 << 10, 256 << 10})
    ->Args({64 << 10, 64 << 10, 64 << 10})
    ->Args({1 << 20, 64 << 10, 64 << 10})
    ->Args({2 << 10, 64 << 10, 64 << 10});
BENCHMARK(check)->Arg(16 << 10)->Arg(64 << 10);

BENCHMARK_MAIN();
