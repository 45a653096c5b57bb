// Transactions in flight at the same time: whatever order the loops run in, an order of the transactions explains every reply, and nothing
// is lost, left behind or touched after its end. A failure shows seed and round.
#include <cstdio>
#include <cstdlib>

#include <catch2/catch.hpp>

#include "unit/iq/overlap/play.hpp"

using namespace agw;
using namespace agw::iq::overlap;

namespace {

std::uint64_t running = 0;  // seed

}  // namespace

// A sanitizer that ends the program says at which seed.
extern "C" void __asan_on_error() { std::fprintf(stderr, "at seed %llu\n", static_cast<unsigned long long>(running)); }
extern "C" void __tsan_on_report(void*) { std::fprintf(stderr, "at seed %llu\n", static_cast<unsigned long long>(running)); }

namespace {

/// More of them by hand: AGW_OVERLAP_SEEDS=from:to.
std::pair<std::uint64_t, std::uint64_t> seeds(std::uint64_t from, std::uint64_t to) {
  const char* wanted = std::getenv("AGW_OVERLAP_SEEDS");
  if (!wanted) return {from, to};
  char* end = nullptr;
  from = std::strtoull(wanted, &end, 10);
  return {from, *end == ':' ? std::strtoull(end + 1, nullptr, 10) : from + 1};
}

void play_seeds(const play_config& config, std::uint64_t first, std::uint64_t last) {
  const auto [from, to] = seeds(first, last);
  std::size_t transactions = 0, dropped = 0, undecided = 0, failures = 0;
  for (auto seed = from; seed < to && failures < 5; ++seed) {
    CAPTURE(seed);
    running = seed;
    agw::test::choices choose(seed);
    try {
      const auto result = play(choose, config);
      transactions += result.transactions;
      dropped += result.dropped;
      undecided += result.undecided;
    } catch (const failure& f) {
      ++failures;
      FAIL_CHECK(f.what());
    }
  }
  CHECK(transactions > 0);
  CHECK((dropped > 0) == config.beside.cancel);
  CHECK(dropped * 2 <= transactions);
  CHECK(undecided * 20 <= transactions);  // otherwise the test says little
}

action in(std::uint32_t context, h248::command_kind kind, std::string name) {
  action out;
  out.context = {context};
  auto& c = out.commands.emplace_back();
  c.kind = kind;
  c.termination = std::move(name);
  return out;
}

transaction new_context(std::initializer_list<side> all) {
  action out;
  out.context = h248::context_id::choose();
  for (const auto of : all) {
    auto& c = out.commands.emplace_back();
    c.kind = h248::command_kind::add;
    c.of = of;
    c.termination = of == side::core ? "ip/1/core/$" : "ip/1/access/$";
  }
  return {out};
}

/// Carries out `made` one after the other and `met` at the same time, in many orders.
void meet(const std::vector<transaction>& made, const std::vector<transaction>& met, std::size_t shards = 2) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    CAPTURE(seed);
    running = seed;
    agw::test::choices choose(seed);
    play_config config;
    config.world.shards = shards;
    config.world.seed = seed;
    try {
      world w(config.world);
      play_result result;
      state known;
      for (const auto& t : made) known = overlap_round(w, choose, known, {t}, config, result);
      overlap_round(w, choose, known, met, config, result);
      w.close();
    } catch (const failure& f) {
      FAIL(f.what());
    }
  }
}

const auto everything = [] {
  action out;
  out.context = h248::context_id::all();
  auto& c = out.commands.emplace_back();
  c.kind = h248::command_kind::audit_value;
  c.termination = "*";
  c.audit = audit_kind::statistics;
  return out;
}();

}  // namespace

TEST_CASE("a termination that two contexts want and a third subtracts", "[iq][overlap]") {
  using enum h248::command_kind;
  meet({new_context({side::core, side::core}), new_context({side::core}), new_context({side::core})},
       {{in(3, move, "ip/1/core/1")}, {in(2, move, "ip/1/core/1")}, {in(3, subtract, "ip/1/core/1")}});
}

TEST_CASE("an association brings its new context to its thread while all contexts are audited", "[iq][overlap]") {
  using enum h248::command_kind;
  meet({new_context({side::core}), new_context({side::access})}, {{in(1, move, "ip/1/access/2")}, {everything}});
}

TEST_CASE("two contexts exchange terminations", "[iq][overlap]") {
  using enum h248::command_kind;
  meet({new_context({side::core, side::core}), new_context({side::core, side::core})},
       {{in(2, move, "ip/1/core/1")}, {in(1, move, "ip/1/core/3")}, {in(2, move, "ip/1/core/2")}, {everything}});
}

TEST_CASE("a termination moves on while it is moved", "[iq][overlap]") {
  using enum h248::command_kind;
  meet({new_context({side::core}), new_context({side::core}), new_context({side::core})},
       {{in(2, move, "ip/1/core/1")}, {in(3, move, "ip/1/core/2")}, {in(1, move, "ip/1/core/3")}, {in(3, move, "ip/1/core/1")}, {everything}});
}

TEST_CASE("transactions that do not overlap are answered as the model says", "[iq][overlap]") {
  play_config config;
  config.one_by_one = true;
  play_seeds(config, 5001, 5021);
}

TEST_CASE("transactions that overlap are explained by an order of them", "[iq][overlap]") {
  play_seeds({}, 1, 41);
}

TEST_CASE("the same with peers that come and go, and time that passes", "[iq][overlap]") {
  play_config config;
  config.world.shards = 3;
  config.beside.peers = config.beside.time = true;
  play_seeds(config, 1001, 1031);
}

TEST_CASE("the same with threads", "[iq][overlap][threads]") {
  play_config config;
  config.world.threads = true;
  config.beside.peers = true;
  play_seeds(config, 2001, 2016);
}

TEST_CASE("transactions that were given up leave the gateway whole", "[iq][overlap]") {
  play_config config;
  config.beside.peers = config.beside.time = config.beside.give_up = true;
  play_seeds(config, 3001, 3021);
}

TEST_CASE("a gateway that ends while transactions run answers them and leaves nothing", "[iq][overlap]") {
  play_config config;
  config.rounds = 2;
  config.beside.peers = config.beside.time = config.beside.close = true;
  play_seeds(config, 4001, 4031);
}

TEST_CASE("transactions whose caller ends are answered or dropped, and leave the gateway whole", "[iq][overlap]") {
  play_config config;
  config.beside.peers = config.beside.time = config.beside.cancel = true;
  play_seeds(config, 6001, 6031);
}

TEST_CASE("the same while the gateway ends", "[iq][overlap]") {
  play_config config;
  config.rounds = 2;
  config.beside.peers = config.beside.time = config.beside.cancel = config.beside.close = true;
  play_seeds(config, 7001, 7031);
}

TEST_CASE("the same with threads whose caller ends", "[iq][overlap][threads]") {
  play_config config;
  config.world.threads = true;
  config.beside.peers = config.beside.cancel = true;
  play_seeds(config, 8001, 8011);
}
