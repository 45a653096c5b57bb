#include <agw/h248/registration.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "registration_house.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;
using h248::test::controller;
using h248::test::house;
using h248::test::memory_network;

namespace {

// Commands of a gateway that has not registered get error 504, as agw-controller answers them.
void know_the_registered_only(controller& mgc) {
  mgc.control.on_request([&mgc](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
    const auto& c = request->actions.front().commands.front();
    if (c.kind != command_kind::service_change && mgc.registry.find(request.sender()) == nullptr) {
      reply.fail(h248::error_code::unauthorized_entity);
      co_return;
    }
    co_await execute(request, reply, mgc);
  });
}

std::size_t count(const controller& mgc, std::string_view what) {
  return static_cast<std::size_t>(std::ranges::count_if(mgc.heard, [&](const std::string& m) { return m.find(what) != m.npos; }));
}

// A Notify that the gateway has to send.
list<action> released() {
  list<action> out;
  auto& c = out.emplace_back().commands.emplace_back();
  c.kind = command_kind::notify;
  c.terminations.push_back(termination_id{"ip/1/access/1"});
  observed_events_descriptor events;
  events.id = request_id{7};
  observed_event cause;
  cause.name = item_name::of("g/cause");
  events.events.push_back(std::move(cause));
  c.add(std::move(events));
  return out;
}

constexpr std::string_view question = "{C=-{N=ROOT{OE=0{it/ito}}}}";

}  // namespace

TEST_CASE("an idle MGC is asked after a minute of silence, and what it answers is a sign of life") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& r = h.start();
  h.time.advance(59s);
  CHECK(count(mgc, question) == 0);
  h.time.advance(1s);
  CHECK(count(mgc, question) == 1);
  CHECK(mgc.heard.back().starts_with("!/3 mg T="));
  h.time.advance(59s);
  CHECK(count(mgc, question) == 1);
  h.time.advance(1s);
  CHECK(count(mgc, question) == 2);
  CHECK(r.state() == registration_state::registered);
  CHECK(mgc.changes.size() == 1);
}

TEST_CASE("an MGC that speaks by itself is not asked, and silence = 0 asks nobody") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  SECTION("it speaks") {
    h.start();
    for (int i = 0; i < 10; ++i) {
      h.time.advance(50s);
      h.now([&]() -> awaitable<void> {
        list<action> actions;
        auto& c = actions.emplace_back().commands.emplace_back();
        c.kind = command_kind::audit_value;
        c.terminations.push_back(termination_id::root());
        c.add(audit_descriptor{});
        co_await mgc.control.request(memory_network::at("10.0.0.100"), std::move(actions));
      });
    }
  }
  SECTION("off") {
    h.options.silence = 0s;
    h.start();
    for (int i = 0; i < 60; ++i) h.time.advance(60s);
  }
  CHECK(count(mgc, "N=ROOT") == 0);
}

TEST_CASE("an idle MGC that has died is lost, and taken again with the highest version when it is back") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& r = h.start();
  h.time.advance(100s);
  h.network.cut_off.insert(mgc.address.host);
  for (int i = 0; i < 90 && r.mgc(); ++i) h.time.advance(1s);
  CHECK_FALSE(r.mgc());
  mgc.heard.clear();
  h.network.cut_off.clear();
  for (int i = 0; i < 60 && !r.mgc(); ++i) h.time.advance(1s);
  CHECK(r.mgc() == mgc.address);
  CHECK(r.version() == 3);
  REQUIRE(mgc.heard.size() == 1);
  CHECK(mgc.heard.front().find("MT=DC") != std::string::npos);
  CHECK(mgc.heard.front().find("V=3") != std::string::npos);
}

TEST_CASE("an MGC that has restarted does not know us, and is asked to take us again at once") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  h.add("10.0.0.2");
  know_the_registered_only(mgc);
  auto& r = h.start();
  h.time.advance(30s);
  mgc.registry.forget(h248::mid(h.gateway->mid()));
  mgc.heard.clear();
  SECTION("its silence") { h.time.advance(30s); }
  SECTION("a request of ours") {
    result<incoming_reply> got = make_error_code(errc::stopped);
    h.now([&]() -> awaitable<void> {
      auto actions = released();
      got = co_await r.request(std::move(actions));
    });
    CHECK(got.error() == make_error_code(errc::refused));  // so that it is sent again
  }
  h.time.settle();
  CHECK(r.mgc() == mgc.address);
  CHECK(r.version() == 3);
  CHECK(mgc.changes.back() == gateway_change::reconnected);
  CHECK(mgc.heard.back().find("MT=DC") != std::string::npos);
  CHECK(mgc.heard.back().find("V=3") != std::string::npos);
}

TEST_CASE("another error than 504 and 505 is a sign of life, and one that took us just now is not left for them") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto code = h248::error_code::unexpected_request_id;
  h248::error_code* answered = &code;
  mgc.control.on_request([&mgc, answered](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
    if (request->actions.front().commands.front().kind == command_kind::service_change) co_await execute(request, reply, mgc);
    else reply.fail(*answered);
  });
  auto& r = h.start();
  SECTION("458") { h.time.advance(60s); }
  SECTION("505, when it has just registered us") {
    code = h248::error_code::before_service_change_reply;
    h.time.advance(5s);
    h.now([&]() -> awaitable<void> {
      auto actions = released();
      const auto got = co_await r.request(std::move(actions));
      CHECK(got.has_value());
    });
  }
  CHECK(r.mgc() == mgc.address);
  CHECK(count(mgc, "SC=ROOT") == 1);
}

TEST_CASE("an MGC that says no version to Disconnected stays with the one that was agreed") {
  std::vector<std::string> heard;
  house h;
  h.options.mgcs.push_back(peer_name{transport::udp, "10.0.0.9", 2944});
  h.stranger = h.network.open(memory_network::at("10.0.0.9"));
  h.spawn([&]() -> awaitable<void> {
    message_link::receiver on_message = [&](const peer_address& from, std::string text) {
      heard.push_back(text);
      const auto id = text.substr(text.find("T=") + 2, text.find('{') - text.find("T=") - 2);
      const auto services = text.find("MT=RS") != std::string::npos ? std::string("{SV{V=3}}") : std::string();
      const bool registers = text.find("SC=ROOT") != std::string::npos;
      h.stranger->send(from, "!/1 [10.0.0.9]:2944 P=" + id + (registers ? "{C=-{SC=ROOT" + services + "}}" : "{ER=505{}}"));
    };
    message_link::state_observer nobody;
    co_await h.stranger->run(std::move(on_message), std::move(nobody));
  });
  auto& r = h.start();
  REQUIRE(r.version() == 3);
  h.time.advance(60s);
  h.time.settle();
  REQUIRE(heard.size() == 3);
  CHECK(heard.back().find("MT=DC") != std::string::npos);
  CHECK(r.state() == registration_state::registered);
  CHECK(r.version() == 3);
  CHECK(h.gateway->version(memory_network::at("10.0.0.9")) == 3);
}

TEST_CASE("a configuration with other MGCs: one that is left out is left, one that is added takes us, one that stays is kept") {
  house h;
  auto& first = h.add("10.0.0.1");
  auto& second = h.add("10.0.0.2");
  h.options.mgcs.resize(1);
  auto& r = h.start();
  REQUIRE(r.mgc() == first.address);
  auto changed = h.options;
  changed.mgcs.push_back(peer_name{transport::udp, "10.0.0.2", 2944});
  r.configure(changed);
  h.time.settle();
  CHECK(r.mgc() == first.address);
  CHECK(second.heard.empty());
  h.time.advance(20s);
  changed.mgcs.erase(changed.mgcs.begin());
  r.configure(changed);
  h.time.settle();
  CHECK(r.mgc() == second.address);
  CHECK(second.heard.at(0).find("MT=FL") != std::string::npos);
  changed.silence = 5s;
  r.configure(changed);
  h.time.advance(5s);
  CHECK(count(second, question) == 1);
}
