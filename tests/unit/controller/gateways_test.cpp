#include "gateways.hpp"

#include <catch2/catch.hpp>

#include "mgc.hpp"

using namespace agw;
using namespace agw::controller;
using h248::gateway_change;

namespace {

struct some_call final : call_control {
  void on_notify(const h248::command&) override {}
  void on_traced(const traced_message&) override {}
  void on_gateway_over() override {}
  void on_gateway_back() override {}
};

h248::registered_gateway known(const char* mid) {
  h248::registered_gateway out;
  out.mid = h248::mid_name::parse(mid).value();
  return out;
}

// Places `count` calls and says how many each gateway got, by name.
std::map<std::string, std::size_t> placed(gateway_pool& pool, std::vector<std::unique_ptr<some_call>>& calls, std::size_t count) {
  std::map<std::string, std::size_t> out;
  for (std::size_t i = 0; i < count; ++i) {
    calls.push_back(std::make_unique<some_call>());
    if (const auto life = pool.place(*calls.back())) ++out[life->name];
  }
  return out;
}

}  // namespace

TEST_CASE("calls are spread by number, whatever the gateways' names") {
  gateway_pool pool(gateway_options{});
  for (const auto mid : {"b", "a", "c"}) pool.changed(gateway_change::restarted, known(mid));
  std::vector<std::unique_ptr<some_call>> calls;
  CHECK(placed(pool, calls, 30) == std::map<std::string, std::size_t>{{"a", 10}, {"b", 10}, {"c", 10}});
  // A gateway whose calls have ended gets the next ones.
  const auto b = pool.find(h248::mid_name::parse("b").value());
  b->calls.clear();
  CHECK(placed(pool, calls, 10) == std::map<std::string, std::size_t>{{"b", 10}});
}

TEST_CASE("weights divide calls, and weight 0 keeps them away") {
  gateway_options options;
  options.by_mid["a"].weight = 3;
  options.by_mid["z"].weight = 0;
  gateway_pool pool(options);
  for (const auto mid : {"a", "b", "z"}) pool.changed(gateway_change::restarted, known(mid));
  std::vector<std::unique_ptr<some_call>> calls;
  CHECK(placed(pool, calls, 40) == std::map<std::string, std::size_t>{{"a", 30}, {"b", 10}});
}

TEST_CASE("no call goes to a gateway that drains or is silent, until that is over") {
  gateway_pool pool(gateway_options{});
  auto a = known("a"), b = known("b");
  pool.changed(gateway_change::restarted, a);
  pool.changed(gateway_change::restarted, b);
  std::vector<std::unique_ptr<some_call>> calls;
  a.draining = true;
  CHECK(pool.changed(gateway_change::draining, a) == nullptr);
  CHECK(placed(pool, calls, 4) == std::map<std::string, std::size_t>{{"b", 4}});
  b.silent = true;
  CHECK(pool.changed(gateway_change::silent, b) == nullptr);
  CHECK(placed(pool, calls, 1).empty());
  a.draining = false;
  pool.changed(gateway_change::resumed, a);
  CHECK(placed(pool, calls, 2) == std::map<std::string, std::size_t>{{"a", 2}});
  b.silent = false;
  pool.changed(gateway_change::heard, b);
  CHECK(placed(pool, calls, 4) == std::map<std::string, std::size_t>{{"a", 3}, {"b", 1}});
}

TEST_CASE("a restart, a farewell and a loss end a life, and a reconnection does not") {
  gateway_pool pool(gateway_options{});
  pool.changed(gateway_change::restarted, known("a"));
  const auto first = pool.find(known("a").mid);
  auto moved = known("a");
  moved.address.port = 4000;
  CHECK(pool.changed(gateway_change::reconnected, moved) == nullptr);
  CHECK(pool.find(known("a").mid) == first);
  CHECK(first->registered.address.port == 4000);
  CHECK(pool.changed(gateway_change::restarted, known("a")) == first);
  CHECK(first->over);
  const auto second = pool.find(known("a").mid);
  CHECK(second != first);
  CHECK(pool.changed(gateway_change::lost, known("a")) == second);
  CHECK(pool.find(known("a").mid) == nullptr);
  CHECK(pool.changed(gateway_change::reconnected, known("a")) == nullptr);  // unknown by now: a new life
  CHECK(pool.changed(gateway_change::gone, known("a")) != nullptr);
  CHECK(pool.choose() == nullptr);
}
