// How long does one message take, in and out? The Add of a data-channel call (about 1 KB) and a compact Notify.
#include <string>

#include <benchmark/benchmark.h>

#include <agw/h248/text.hpp>

#include "../unit/h248/examples.hpp"

using namespace agw::h248;

namespace {

void parse_one(benchmark::State& state, const char* text) {
  const std::string message_text = text;
  for (auto _ : state) {
    const parsed_message m = parse_view(message_text);
    if (!m.ok()) state.SkipWithError("the message must parse");
    benchmark::DoNotOptimize(m->transactions.size());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message_text.size()));
}

void write_one(benchmark::State& state, const char* text, layout style) {
  const parsed_message m = parse(text);
  std::string out;
  for (auto _ : state) {
    out.clear();
    write(out, *m, style);
    benchmark::DoNotOptimize(out.data());
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}

}  // namespace

BENCHMARK_CAPTURE(parse_one, add, h248_examples::add);
BENCHMARK_CAPTURE(parse_one, notify, h248_examples::notify);
BENCHMARK_CAPTURE(write_one, add_compact, h248_examples::add, layout::compact);
BENCHMARK_CAPTURE(write_one, add_pretty, h248_examples::add, layout::pretty);
BENCHMARK_CAPTURE(write_one, notify_compact, h248_examples::notify, layout::compact);

BENCHMARK_MAIN();
