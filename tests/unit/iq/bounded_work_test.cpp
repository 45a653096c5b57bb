// Work is bounded by what it is about. What is measured: handlers of the loops, memory of replies, the test clock; for what one handler does, how its
// processor time grows.
#include <ctime>

#include <catch2/catch.hpp>

#include "unit/iq/overlap/world.hpp"

using namespace agw;
using namespace agw::iq::overlap;

namespace {

command of(h248::command_kind kind, std::string name) {
  command out;
  out.kind = kind;
  out.termination = std::move(name);
  return out;
}

transaction in(h248::context_id id, command c) {
  action out;
  out.context = id;
  out.commands.push_back(std::move(c));
  return {out};
}

std::vector<carried_out> ask(world& w, std::vector<transaction> all) {
  agw::test::choices calm(std::uint64_t{1});
  return w.run(all, calm);
}

/// `n` contexts of two bearers.
void make_calls(world& w, std::size_t n, const std::string& more_local = {}, bool with_peers = false) {
  auto core = of(h248::command_kind::add, "ip/1/core/$");
  core.more_local = more_local;
  if (with_peers) core.port = w.refusing();
  auto call = in(h248::context_id::choose(), core);
  call.front().commands.push_back(core);
  ask(w, std::vector<transaction>(n, call));
  w.pass({});
  if (!with_peers) return;
  w.connect_all();
  for (int i = 0; i < 5; ++i) w.pass(std::chrono::milliseconds(10));
}

transaction audit_of_all(audit_kind kind) {
  auto c = of(h248::command_kind::audit_value, "*");
  c.audit = kind;
  return in(h248::context_id::all(), std::move(c));
}

transaction subtract_all() {
  auto c = of(h248::command_kind::subtract, "*");
  c.audit = audit_kind::nothing;
  c.wildcard_response = true;
  return in(h248::context_id::all(), std::move(c));
}

double processor_time() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

/// The least of several tries: what else runs on the machine only adds.
double topology_time(std::size_t triples) {
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    world w(world_config{});
    make_calls(w, 1);
    action topology;
    topology.context = {1};
    for (std::size_t n = 1; n <= triples; ++n) {
      topology_rule rule;
      rule.a = "ip/1/core/1";
      rule.b = "ip/1/core/2";
      rule.stream = static_cast<std::uint16_t>(n);
      topology.topology.push_back(std::move(rule));
    }
    const auto before = processor_time();
    ask(w, {{topology}});
    least = std::min(least, processor_time() - before);
    w.close();
  }
  return least;
}

}  // namespace

TEST_CASE("topology triples cost what they are, not their square", "[iq][bounded]") {
  CHECK(topology_time(1000) < 12 * topology_time(200));  // linear: 5; quadratic: 25
}

TEST_CASE("a reply that becomes too long stops the work for it", "[iq][bounded]") {
  const auto handlers = [](std::size_t contexts) {
    world_config config;
    config.max_reply_bytes = 100'000;
    world w(config);
    make_calls(w, contexts, "a=note:" + std::string(8000, 'x') + "\r\n");
    const auto before = w.handlers();
    ask(w, {audit_of_all(audit_kind::all)});
    const auto out = w.handlers() - before;
    CHECK(w.too_long());
    w.close();
    return out;
  };
  const auto some = handlers(50), many = handlers(200);
  INFO(some << " handlers for 50 contexts, " << many << " for 200");
  CHECK(many <= some + 20);
}

TEST_CASE("an audit of all contexts goes to their shards, not to each context", "[iq][bounded]") {
  const auto handlers = [](std::size_t contexts) {
    world w(world_config{});
    make_calls(w, contexts);
    const auto before = w.handlers();
    ask(w, {audit_of_all(audit_kind::nothing)});
    const auto out = w.handlers() - before;
    w.close();
    return out;
  };
  const auto few = handlers(20), many = handlers(200);
  INFO(few << " handlers for 20 contexts, " << many << " for 200");
  CHECK(many - few <= 180 * 3);
}

TEST_CASE("the list of contexts comes from the control loop, whatever their number", "[iq][bounded]") {
  const auto handlers = [](std::size_t contexts) {
    world w(world_config{});
    make_calls(w, contexts);
    auto list = of(h248::command_kind::audit_value, "ROOT");
    list.audit = audit_kind::nothing;
    const auto before = w.handlers();
    const auto answered = ask(w, {in(h248::context_id::all(), std::move(list))});
    const auto out = w.handlers() - before;
    CHECK(answered.front().said->actions.size() == contexts);
    w.close();
    return out;
  };
  const auto few = handlers(20), many = handlers(200);
  INFO(few << " handlers for 20 contexts, " << many << " for 200");
  CHECK(many <= few + 5);
  // A turn of the loop lists 512 at most.
  const auto turns = handlers(1200);
  INFO(turns << " for 1200");
  CHECK(turns > many);
  CHECK(turns <= few + 10);
}

TEST_CASE("calls whose peers are silent end together", "[iq][bounded]") {
  const auto time_for = [](std::size_t calls, bool at_the_end) {
    world_config config;
    config.flush_time = std::chrono::milliseconds(500);
    config.shutdown_time = std::chrono::milliseconds(200);
    world w(config);
    make_calls(w, calls, {}, true);
    const auto before = w.now();
    if (!at_the_end) ask(w, {subtract_all()});
    w.close();
    return w.ended_at() - before;
  };
  for (const bool at_the_end : {false, true}) {
    const auto one = time_for(1, at_the_end), many = time_for(100, at_the_end);
    using ms = std::chrono::milliseconds;
    INFO(std::chrono::duration_cast<ms>(one).count() << " ms for one call, " << std::chrono::duration_cast<ms>(many).count() << " ms for 100");
    CHECK(many <= 2 * one + std::chrono::seconds(1));
  }
}

TEST_CASE("a signal that was replaced leaves nothing that wakes up later", "[iq][bounded]") {
  const auto handlers = [](std::size_t times) {
    world w(world_config{});
    make_calls(w, 1);
    for (std::size_t i = 0; i < times; ++i) {
      auto c = of(h248::command_kind::modify, "ip/1/core/1");
      signal s;
      s.name = "tcpbcc/EstBNC";
      s.type = h248::signal_type::time_out;
      s.duration = 60'000;
      c.signals.emplace().single.push_back(std::move(s));
      ask(w, {in({1}, std::move(c))});
    }
    const auto before = w.handlers();
    w.pass(std::chrono::seconds(700));
    const auto out = w.handlers() - before;
    w.close();
    return out;
  };
  const auto once = handlers(1), often = handlers(300);
  INFO(once << " handlers after one signal, " << often << " after 300");
  CHECK(often <= once + 100);
}

TEST_CASE("watched flows cost each shard a sweep a second", "[iq][bounded]") {
  const auto handlers = [](std::size_t calls) {
    world w(world_config{});
    make_calls(w, calls);
    auto c = of(h248::command_kind::modify, "*");
    event e;
    e.text = "adid/ipstop{dt=600}";
    auto& wanted = c.events.emplace();
    wanted.id = 1;
    wanted.wanted.push_back(e);
    ask(w, {in(h248::context_id::all(), std::move(c))});
    w.pass(std::chrono::seconds(3));
    const auto before = w.handlers();
    for (int i = 0; i < 10; ++i) w.pass(std::chrono::seconds(1));
    const auto out = w.handlers() - before;
    w.close();
    return out;
  };
  const auto few = handlers(5), many = handlers(100);
  INFO(few << " handlers in ten seconds for 5 calls, " << many << " for 100");
  CHECK(many <= few + 50);
}
