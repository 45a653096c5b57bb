// A gateway's registration and the MGCs it may have, on a network in memory and a clock that the test moves.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>

#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/registration.hpp>
#include <agw/h248/registration_registry.hpp>

#include "link_memory.hpp"
#include "support/loop.hpp"

namespace agw::h248::test {

using namespace std::chrono_literals;

// An MGC: takes gateways, notes what it is told.
struct controller final : command_handler {
  controller(memory_network& network, loop_executor executor, const char* host, registry_config config = {})
      : address(memory_network::at(host)), control(executor, endpoint_config{}), registry(control, std::move(config)) {
    control.add_link(network.open(address));
    control.on_request([this](const incoming_request& request, outgoing_reply& reply) { return execute(request, reply, *this); });
    control.on_message([this](direction way, const peer_address&, std::string_view text, clock::time_point) {
      if (way == direction::received) heard.emplace_back(text);
    });
    registry.on_change([this](gateway_change what, const registered_gateway& gateway) {
      changes.push_back(what);
      last = gateway;
    });
  }
  awaitable<void> run(action_state& state, const command& c) override {
    if (c.kind == command_kind::service_change) {
      registry.service_change(state, c);
    } else {
      state.answer(c);
    }
    co_return;
  }
  peer_address address;
  endpoint control;
  gateway_registry registry;
  std::vector<gateway_change> changes;
  std::vector<std::string> heard;
  registered_gateway last;
};

struct house {
  house() { options.max_waiting_delay = 0s; }
  ~house() {
    group.cancel();
    auto end = [this]() -> awaitable<void> { co_await group.stop(); };
    asio::co_spawn(context, std::move(end), asio::bind_cancellation_slot(asio::cancellation_slot(), [](std::exception_ptr) {}));
    time.settle();
  }
  awaitable<void> serve(const incoming_request& request, outgoing_reply& reply) {
    ++served;
    if (on_served) on_served(request);
    if (const agw::clock::duration wait = slow ? slow() : agw::clock::duration{}; wait > agw::clock::duration{}) co_await sleep_until(deadline_after(wait));
    auto& a = reply.actions().emplace_back();
    a.context = request->actions.front().context;
    const auto& asked = request->actions.front().commands.front();
    auto& c = a.commands.emplace_back();
    c.kind = asked.kind;
    c.terminations = asked.terminations;
    if (const auto* services = asked.find<services_descriptor>()) {
      if (const auto refused = registering->service_change(request, *services)) c.add(reply.error(*refused));
    }
    co_return;
  }
  controller& add(const char* host, registry_config config = {}) {
    auto& c = *controllers.emplace_back(std::make_unique<controller>(network, context.get_executor(), host, std::move(config)));
    spawn([&c]() -> awaitable<void> { co_await c.control.run(); });
    options.mgcs.push_back(peer_name{transport::udp, host, 2944});
    return c;
  }
  template <class F>
  void spawn(F f) {
    group.spawn("part", std::move(f));
  }
  registration& start() {
    endpoint_config config;
    config.mid = mid_name::parse("mg").value();
    config.trusted = trusted;
    gateway = std::make_unique<endpoint>(context.get_executor(), std::move(config));
    gateway->add_link(network.open(memory_network::at("10.0.0.100")));
    gateway->on_request([this](const incoming_request& request, outgoing_reply& reply) { return serve(request, reply); });
    registering = std::make_unique<registration>(*gateway, options, 3);
    registering->on_change([this](registration_state s, const peer_address&) { states.push_back(s); });
    spawn([this]() -> awaitable<void> { co_await gateway->run(); });
    spawn([this]() -> awaitable<void> { co_await registering->run(); });
    time.settle();
    return *registering;
  }
  // Runs `f()` to its end without the time going on.
  template <class F>
  void now(F f) {
    bool done = false;
    spawn([&done, g = std::move(f)]() -> awaitable<void> {
      co_await g();
      done = true;
    });
    time.settle();
    REQUIRE(done);
  }

  asio::io_context context{1};
  agw::test::manual_clock time{context};
  memory_network network{context.get_executor()};
  std::unique_ptr<message_link> stranger;  // an MGC that is not of this house
  task_group group{context.get_executor(), "house"};
  std::vector<std::unique_ptr<controller>> controllers;
  std::unique_ptr<endpoint> gateway;
  registration_config options;
  trust trusted = trust::address;
  int served = 0;  // transactions, by the gateway
  std::function<void(const incoming_request&)> on_served;
  std::function<agw::clock::duration()> slow;  // how long the gateway takes
  std::unique_ptr<registration> registering;
  std::vector<registration_state> states;
};

}  // namespace agw::h248::test
