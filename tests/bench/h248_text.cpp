// How long does one message take, in and out? The Add of a data-channel call (about 1 KB) and a compact Notify.
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

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

// --texts FOLDER writes the messages there, for decoders of others (h248_beside_megaco.escript).
int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--texts") {
    const std::filesystem::path folder(argv[2]);
    std::ofstream(folder / "add.txt") << h248_examples::add;
    std::ofstream(folder / "notify.txt") << h248_examples::notify;
    return std::filesystem::exists(folder / "notify.txt") ? 0 : 1;
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
