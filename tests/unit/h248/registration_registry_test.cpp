#include <catch2/catch.hpp>

#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/registration.hpp>
#include <agw/h248/registration_registry.hpp>

#include "link_memory.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;
using h248::test::memory_network;

namespace {

// An MGC that answers Notify from who is registered.
struct mgc final : command_handler {
  mgc(memory_network& network, loop_executor executor, registry_config config)
      : control(executor, endpoint_config{}), registry(control, std::move(config)) {
    control.add_link(network.open(address));
    control.on_request([this](const incoming_request& request, outgoing_reply& reply) { return execute(request, reply, *this); });
    registry.on_change([this](gateway_change what, const registered_gateway&) { changes.push_back(what); });
  }
  awaitable<void> run(action_state& state, const command& c) override {
    if (c.kind == command_kind::service_change) {
      registry.service_change(state, c);
    } else if (registry.heard(state.request())) {
      state.answer(c);
    } else {
      state.fail(c, h248::error_code::unauthorized_entity);
    }
    co_return;
  }
  peer_address address = memory_network::at("10.0.0.1");
  endpoint control;
  gateway_registry registry;
  std::vector<gateway_change> changes;
};

struct gateway {
  gateway(memory_network& network, loop_executor executor, peer_address at, const char* id) : address(at), control(executor, config(id)) {
    control.add_link(network.open(address));
    control.on_request([](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
      auto& a = reply.actions().emplace_back();
      a.context = request->actions.front().context;
      auto& c = a.commands.emplace_back();
      c.kind = request->actions.front().commands.front().kind;
      c.terminations = request->actions.front().commands.front().terminations;
      co_return;
    });
  }
  static endpoint_config config(const char* id) {
    endpoint_config out;
    out.mid = mid_name::parse(id).value();
    return out;
  }
  peer_address address;
  endpoint control;
};

struct house {
  explicit house(registry_config config = {}) : controller(network, context.get_executor(), std::move(config)) {
    spawn([this] { return controller.control.run(); });
    spawn([this] { return controller.registry.watch(); });
  }
  ~house() {
    group.cancel();
    time.settle();
  }
  template <class F>
  void spawn(F f) {
    group.spawn("part", std::move(f));
  }
  gateway& add(const char* host, const char* id, std::uint16_t port = 2944) {
    auto at = memory_network::at(host);
    at.port = port;
    auto& g = *gateways.emplace_back(std::make_unique<gateway>(network, context.get_executor(), at, id));
    spawn([&g] { return g.control.run(); });
    time.settle();
    return g;
  }
  // The error code; 0: taken.
  unsigned say(gateway& g, change_method method, std::uint16_t reason = 901, std::optional<std::uint16_t> port = {}) {
    auto code = std::make_shared<unsigned>(1000);
    spawn([this, &g, method, reason, port, code]() -> awaitable<void> {
      const auto word = std::to_string(reason) + " x";
      services_descriptor services;
      services.method = method;
      services.reason = quoted(word);
      services.version = 3;
      if (port) services.address = *port;
      list<action> actions;
      actions.push_back(service_change_on_root(std::move(services)));
      auto asking = g.control.request(controller.address, std::move(actions), 1);
      const auto reply = co_await std::move(asking);
      *code = !reply ? 999 : reply->error() ? static_cast<unsigned>(reply->error()->code) : 0;
    });
    time.settle();
    return *code;
  }
  const registered_gateway* known(const char* id) { return controller.registry.find(mid_name::parse(id).value()); }

  asio::io_context context{1};
  agw::test::manual_clock time{context};
  memory_network network{context.get_executor()};
  std::vector<std::unique_ptr<gateway>> gateways;
  mgc controller;
  task_group group{context.get_executor(), "house"};
};

}  // namespace

TEST_CASE("a second gateway with the mId of a living one is refused, whatever it says") {
  house h;
  auto& first = h.add("10.0.0.11", "mg");
  auto& second = h.add("10.0.0.12", "mg");
  REQUIRE(h.say(first, change_method::restart) == 0);
  for (const auto method : {change_method::restart, change_method::disconnected, change_method::failover, change_method::graceful,
                            change_method::forced, change_method::hand_off}) {
    CHECK(h.say(second, method) == 504);
    for (int i = 0; i < 10; ++i) h.time.advance(1s);  // the first one answers the audit
    REQUIRE(h.known("mg"));
    CHECK(h.known("mg")->address == first.address);
    CHECK_FALSE(h.known("mg")->draining);
  }
  CHECK(h.controller.changes == std::vector{gateway_change::restarted});
}

TEST_CASE("also when both are on one host") {
  house h;
  auto& first = h.add("10.0.0.11", "mg");
  auto& second = h.add("10.0.0.11", "mg", 2945);
  REQUIRE(h.say(first, change_method::restart) == 0);
  CHECK(h.say(second, change_method::restart) == 504);
  CHECK(h.known("mg")->address == first.address);
}

TEST_CASE("a gateway that moved is taken once the old place has not answered") {
  house h;
  auto& first = h.add("10.0.0.11", "mg");
  auto& second = h.add("10.0.0.12", "mg");
  REQUIRE(h.say(first, change_method::restart) == 0);
  h.network.cut_off.insert(first.address.host);
  CHECK(h.say(second, change_method::restart) == 504);
  for (int i = 0; i < 4; ++i) h.time.advance(1s);
  CHECK(h.controller.changes.back() == gateway_change::lost);
  CHECK(h.say(second, change_method::restart) == 0);
  CHECK(h.known("mg")->address == second.address);
}

TEST_CASE("a silent gateway gives its mId up at once") {
  house h;
  auto& first = h.add("10.0.0.11", "mg");
  auto& second = h.add("10.0.0.12", "mg");
  REQUIRE(h.say(first, change_method::restart) == 0);
  h.network.cut_off.insert(first.address.host);
  h.spawn([&]() -> awaitable<void> {
    list<action> actions;
    auto& c = actions.emplace_back().commands.emplace_back();
    c.kind = command_kind::audit_value;
    c.terminations.push_back(termination_id::root());
    auto asking = h.controller.control.request(first.address, std::move(actions));
    co_await std::move(asking);
  });
  for (int i = 0; i < 40 && !h.known("mg")->silent; ++i) h.time.advance(1s);
  REQUIRE(h.known("mg")->silent);
  CHECK(h.controller.changes.back() == gateway_change::silent);
  CHECK(h.say(second, change_method::restart) == 0);
  CHECK(h.known("mg")->address == second.address);
  CHECK_FALSE(h.known("mg")->silent);
}

TEST_CASE("a silent gateway that speaks is not silent any more") {
  house h;
  auto& g = h.add("10.0.0.11", "mg");
  REQUIRE(h.say(g, change_method::restart) == 0);
  h.network.cut_off.insert(g.address.host);
  h.spawn([&]() -> awaitable<void> {
    list<action> actions;
    auto& c = actions.emplace_back().commands.emplace_back();
    c.kind = command_kind::audit_value;
    c.terminations.push_back(termination_id::root());
    auto asking = h.controller.control.request(g.address, std::move(actions));
    co_await std::move(asking);
  });
  for (int i = 0; i < 40 && !h.known("mg")->silent; ++i) h.time.advance(1s);
  REQUIRE(h.known("mg")->silent);
  h.network.cut_off.clear();
  CHECK(h.say(g, change_method::disconnected, 900) == 0);
  CHECK_FALSE(h.known("mg")->silent);
  const std::vector heard{gateway_change::restarted, gateway_change::silent, gateway_change::heard, gateway_change::reconnected};
  CHECK(h.controller.changes == heard);
}

TEST_CASE("a gateway that registers from another port, but wants requests where it always did, is the same") {
  house h;
  auto& here = h.add("10.0.0.11", "mg");
  auto& elsewhere = h.add("10.0.0.11", "mg", 40000);
  REQUIRE(h.say(here, change_method::restart) == 0);
  CHECK(h.say(elsewhere, change_method::restart, 902, 2944) == 0);
  CHECK(h.known("mg")->address == here.address);
  CHECK(h.known("mg")->source == elsewhere.address);
}

TEST_CASE("a restart from the same place is taken, and claims ask only once at a time") {
  house h;
  auto& first = h.add("10.0.0.11", "mg");
  auto& second = h.add("10.0.0.12", "mg");
  REQUIRE(h.say(first, change_method::restart) == 0);
  h.network.cut_off.insert(first.address.host);
  for (int i = 0; i < 5; ++i) CHECK(h.say(second, change_method::restart) == 504);
  CHECK(h.controller.control.unanswered() == 1);
  h.network.cut_off.clear();
  for (int i = 0; i < 4; ++i) h.time.advance(1s);
  CHECK(h.say(first, change_method::restart, 902) == 0);
  CHECK(h.known("mg")->address == first.address);
}

TEST_CASE("claims do not put off the audits of gateways that are silent for long") {
  registry_config config;
  config.audit_interval = 20s;
  house h(config);
  auto& first = h.add("10.0.0.11", "mg");
  auto& second = h.add("10.0.0.12", "mg");
  auto& gone = h.add("10.0.0.13", "other");
  REQUIRE(h.say(first, change_method::restart) == 0);
  REQUIRE(h.say(gone, change_method::restart) == 0);
  h.network.cut_off.insert(gone.address.host);
  for (int i = 0; i < 90 && h.known("other"); ++i) {
    h.say(second, change_method::restart);
    h.time.advance(1s);
  }
  CHECK(h.known("other") == nullptr);
  CHECK(h.known("mg")->address == first.address);
}
