#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>

#include <boost/asio/co_spawn.hpp>

#include <catch2/catch.hpp>

#include <agw/core/metrics.hpp>
#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/registration.hpp>
#include <agw/h248/registration_registry.hpp>

#include "registration_house.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;
using h248::test::controller;
using h248::test::house;
using h248::test::memory_network;

namespace {

list<action> audit_root() {
  list<action> out;
  auto& c = out.emplace_back().commands.emplace_back();
  c.kind = command_kind::audit_value;
  c.terminations.push_back(termination_id::root());
  c.add(audit_descriptor{});
  return out;
}

}  // namespace

TEST_CASE("a gateway registers with version 1 in the header and agrees on 3") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& registration = h.start();
  REQUIRE(registration.state() == registration_state::registered);
  REQUIRE(registration.mgc() == mgc.address);
  REQUIRE(registration.version() == 3);
  REQUIRE(mgc.changes == std::vector{gateway_change::restarted});
  REQUIRE(mgc.last.version == 3);
  REQUIRE(mgc.last.profile == "threegiq/1");
  const auto& first = mgc.heard.at(0);
  REQUIRE(first.starts_with("!/1 mg T="));
  REQUIRE(first.find("{C=-{SC=ROOT{SV{MT=RS,") != std::string::npos);
  REQUIRE(first.find("RE=\"901 Cold Boot\"") != std::string::npos);
  REQUIRE(first.find("PF=threegiq/1") != std::string::npos);
  REQUIRE(first.find("V=3") != std::string::npos);
  h.now([&]() -> awaitable<void> {
    auto actions = audit_root();
    const auto reply = co_await registration.request(std::move(actions));
    REQUIRE(reply.has_value());
  });
  REQUIRE(mgc.heard.at(1).starts_with("!/3 mg "));
}

TEST_CASE("commands right behind the registration's reply are executed, earlier ones get error 505") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  std::vector<std::optional<h248::error_code>> answers;
  const auto ask = [&] {
    h.spawn([&]() -> awaitable<void> {
      auto actions = audit_root();
      const auto reply = co_await mgc.control.request(memory_network::at("10.0.0.100"), std::move(actions));
      REQUIRE(reply.has_value());
      answers.push_back(reply->error() != nullptr ? std::optional(reply->error()->code) : std::nullopt);
    });
  };
  h.network.lose_next = 1;  // the first ServiceChange
  h.start();
  ask();
  h.time.settle();
  REQUIRE(answers == std::vector{std::optional(h248::error_code::before_service_change_reply)});
  mgc.control.on_message([&](direction way, const peer_address&, std::string_view text, clock::time_point) {
    if (way == direction::sent && text.find("SC=ROOT{SV{") != std::string_view::npos) ask();
  });
  h.time.advance(300ms);
  REQUIRE(h.registering->state() == registration_state::registered);
  REQUIRE(answers.size() == 2);
  REQUIRE_FALSE(answers.back());
}

TEST_CASE("an MGC that speaks a lower version gets it, one that speaks too low a version is not taken") {
  house h;
  registry_config old;
  old.version = 1;
  h.add("10.0.0.1", old);
  registry_config two;
  two.version = 2;
  auto& second = h.add("10.0.0.2", two);
  h.options.min_version = 2;
  auto& registration = h.start();
  REQUIRE(registration.mgc() == second.address);
  REQUIRE(registration.version() == 2);
  REQUIRE(h.gateway->version(second.address) == 2);
}

TEST_CASE("error 406 for a whole message lowers the offered version, too, and other such errors answer nothing") {
  std::vector<std::string> heard;
  house h;
  h.options.mgcs.push_back(peer_name{transport::udp, "10.0.0.9", 2944});
  h.stranger = h.network.open(memory_network::at("10.0.0.9"));
  h.spawn([&]() -> awaitable<void> {
    message_link::receiver on_message = [&](const peer_address& from, std::string text) {
      heard.push_back(text);
      if (text.find("V=1}") != std::string::npos) {
        const auto id = text.substr(text.find("T=") + 2, text.find('{') - text.find("T=") - 2);
        h.stranger->send(from, "!/1 [10.0.0.9]:2944 P=" + id + "{C=-{SC=ROOT{SV{V=1}}}}");
      } else {
        h.stranger->send(from, "!/1 [10.0.0.9]:2944 ER=500{\"\"}");
        h.stranger->send(from, "!/1 [10.0.0.9]:2944 ER=406{\"what is that\"}");
      }
    };
    message_link::state_observer nobody;
    co_await h.stranger->run(std::move(on_message), std::move(nobody));
  });
  auto& registration = h.start();
  h.time.settle();
  CHECK(heard.size() == 3);
  CHECK(registration.state() == registration_state::registered);
  CHECK(registration.version() == 1);
}

TEST_CASE("an MGC that takes no gateways sends them to another") {
  house h;
  registry_config elsewhere;
  elsewhere.redirect = mid_name::parse("[10.0.0.7]:2944").value();
  h.add("10.0.0.1", elsewhere);
  auto& other = h.add("10.0.0.7");
  h.options.mgcs.resize(1);
  auto& registration = h.start();
  REQUIRE(registration.mgc() == other.address);
  REQUIRE(other.changes == std::vector{gateway_change::restarted});
}

TEST_CASE("a silent MGC is left for the next one, which learns of the failover; requests follow") {
  house h;
  auto& first = h.add("10.0.0.1");
  auto& second = h.add("10.0.0.2");
  auto& registration = h.start();
  REQUIRE(registration.mgc() == first.address);
  h.time.advance(60s);
  h.network.cut_off.insert(first.address.host);
  std::vector<bool> answered;
  for (int i = 0; i < 2; ++i) {
    h.spawn([&]() -> awaitable<void> {
      auto actions = audit_root();
      const auto reply = co_await registration.request(std::move(actions));
      answered.push_back(reply.has_value());
    });
    h.time.advance(5s);
  }
  for (int i = 0; i < 100 && answered.size() < 2; ++i) h.time.advance(1s);
  REQUIRE(answered == std::vector{false, true});
  REQUIRE(registration.mgc() == second.address);
  REQUIRE(second.changes == std::vector{gateway_change::reconnected});
  REQUIRE(second.heard.at(0).find("MT=FL") != std::string::npos);
  REQUIRE(second.heard.at(0).find("909 MGC Impending Failure") != std::string::npos);
}

TEST_CASE("the only MGC is told Disconnected when it is there again") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& registration = h.start();
  h.time.advance(60s);
  h.network.cut_off.insert(mgc.address.host);
  h.spawn([&]() -> awaitable<void> {
    auto actions = audit_root();
    const auto reply = co_await registration.request(std::move(actions));
    REQUIRE(reply.error() == make_error_code(errc::timed_out));
  });
  for (int i = 0; i < 60; ++i) h.time.advance(1s);
  REQUIRE(registration.state() != registration_state::registered);
  REQUIRE_FALSE(registration.mgc());
  h.network.cut_off.clear();
  for (int i = 0; i < 60 && !registration.mgc(); ++i) h.time.advance(1s);
  REQUIRE(registration.mgc() == mgc.address);
  REQUIRE(mgc.changes.back() == gateway_change::reconnected);
  REQUIRE(mgc.heard.back().find("MT=DC") != std::string::npos);
  REQUIRE(mgc.heard.back().find("900 Service Restored") != std::string::npos);
}

TEST_CASE("an MGC that needs its time says so, and is waited for") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  event ready;
  mgc.control.on_request([&](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
    co_await ready.wait();
    co_await execute(request, reply, mgc);
  });
  auto& r = h.start();
  for (int i = 0; i < 12; ++i) h.time.advance(1s);  // more than an attempt may take without a Pending
  CHECK(r.state() == registration_state::registering);
  ready.set();
  h.time.settle();
  CHECK(r.state() == registration_state::registered);
  CHECK(mgc.changes == std::vector<gateway_change>{gateway_change::restarted});
}

namespace {

// HandOff to `target`, as `from` asks for it. The error code, if the gateway refuses.
std::optional<h248::error_code> hand_over(house& h, controller& from, const char* target) {
  std::optional<h248::error_code> refused;
  h.now([&]() -> awaitable<void> {
    services_descriptor services;
    services.method = change_method::hand_off;
    services.reason = quoted("903 MGC Directed Change");
    services.mgc_to_try = h248::mid{h248::mid::form::ip4, target, 2944};
    list<action> actions;
    actions.push_back(service_change_on_root(std::move(services)));
    const auto reply = co_await from.control.request(memory_network::at("10.0.0.100"), std::move(actions));
    REQUIRE(reply.has_value());
    if (const auto* e = reply->error()) refused = e->code;
  });
  return refused;
}

// Sends `text` from `from` to the gateway as it is, and returns what comes back there.
std::vector<std::string> say(house& h, const peer_address& from, std::string_view text) {
  std::vector<std::string> back;
  const auto link = h.network.open(from);
  task_group listening(h.context.get_executor(), "listener");
  listening.spawn("listener", [&]() -> awaitable<void> {
    message_link::receiver on_message = [&](const peer_address&, std::string answer) { back.push_back(std::move(answer)); };
    message_link::state_observer nobody;
    co_await link->run(std::move(on_message), std::move(nobody));
  });
  h.time.settle();
  link->send(memory_network::at("10.0.0.100"), text);
  h.time.settle();
  auto end = [&]() -> awaitable<void> { co_await listening.stop(); };
  asio::co_spawn(h.context, std::move(end), [](std::exception_ptr) {});
  h.time.settle();
  return back;
}

peer_address at_port(const char* host, std::uint16_t port) { return {transport::udp, asio::ip::make_address(host), port}; }

}  // namespace

TEST_CASE("another MGC of the list gets error 504, for whatever it asks") {
  house h;
  h.add("10.0.0.1");
  auto& other = h.add("10.0.0.2");
  auto& r = h.start();
  REQUIRE(r.mgc() == memory_network::at("10.0.0.1"));
  const auto asks = [&](std::string_view actions) {
    std::optional<h248::error_code> code;
    h.now([&]() -> awaitable<void> {
      auto text = std::make_shared<parsed_message>(parse("!/3 x T=1{" + std::string(actions) + "}"));
      REQUIRE(text->ok());
      auto wanted = std::get<transaction_request>((*text)->transactions.front()).actions;
      const auto reply = co_await other.control.request(memory_network::at("10.0.0.100"), std::move(wanted));
      REQUIRE(reply.has_value());
      if (const auto* e = reply->error()) code = e->code;
    });
    return code;
  };
  for (const char* refused : {"C=1{TP{a,b,IS}}", "C=1{CA{PR}}", "C=-{SC=ROOT{SV{MT=GR,RE=\"905\"}}}", "C=-{SC=ip/1/*{SV{MT=FO,RE=\"905\"}}}", "C=1{S=*}",
                              "C=-{SC=ROOT{SV{MT=HO,RE=\"903\",MG=[10.0.0.2]:2944}}}"}) {
    CAPTURE(refused);
    CHECK(asks(refused) == h248::error_code::unauthorized_entity);
  }
  h.time.settle();
  CHECK(r.mgc() == memory_network::at("10.0.0.1"));
}

TEST_CASE("a hand-over moves the gateway to the MGC that is named") {
  house h;
  auto& first = h.add("10.0.0.1");
  auto& second = h.add("10.0.0.2");
  auto& registration = h.start();
  REQUIRE_FALSE(hand_over(h, first, "10.0.0.2"));
  REQUIRE(registration.mgc() == second.address);
  REQUIRE(second.heard.at(0).find("MT=HO") != std::string::npos);
  REQUIRE(second.heard.at(0).find("903 MGC Directed Change") != std::string::npos);
  // The old one commands nothing any more.
  h.now([&]() -> awaitable<void> {
    auto actions = audit_root();
    const auto reply = co_await first.control.request(memory_network::at("10.0.0.100"), std::move(actions));
    REQUIRE(reply.has_value());
    REQUIRE(reply->error()->code == h248::error_code::unauthorized_entity);
  });
}

TEST_CASE("a hand-over to an MGC that no configuration names is refused, unless any will do") {
  for (const bool any : {false, true}) {
    house h;
    auto& first = h.add("10.0.0.1");
    auto& second = h.add("10.0.0.2");
    h.options.mgcs.resize(1);
    if (any) h.options.handoff = handoff_targets::any;
    auto& registration = h.start();
    const auto refused = hand_over(h, first, "10.0.0.2");
    REQUIRE(refused == (any ? std::nullopt : std::optional(h248::error_code::unauthorized)));
    REQUIRE(registration.mgc() == (any ? second.address : first.address));
  }
}

TEST_CASE("what comes from another port of the MGC's host does not count, unless its host is trusted") {
  for (const bool host : {false, true}) {
    house h;
    if (host) h.trusted = trust::host;
    h.add("10.0.0.1");
    h.start();
    const auto before = drops("h248", "refused-peer");
    const auto answers = say(h, at_port("10.0.0.1", 5000), "!/3 [10.0.0.1]:2944 T=1{C=-{AV=ROOT{AT{}}}}");
    REQUIRE(answers.size() == (host ? 1 : 0));
    REQUIRE(drops("h248", "refused-peer") == before + (host ? 0 : 1));
    // A HandOff from there neither.
    say(h, at_port("10.0.0.1", 5000), "!/3 [10.0.0.1]:2944 T=2{C=-{SC=ROOT{SV{MT=HO,RE=\"903\",MG=[10.0.0.1]:2944}}}}");
    REQUIRE(h.states.back() == registration_state::registered);
  }
}

TEST_CASE("what comes under another mId than that of the MGC that took us is dropped and counted") {
  house h;
  h.add("10.0.0.1");
  auto& r = h.start();
  const auto heard = r.last_heard();
  h.time.advance(1s);
  const auto before = drops("h248", "refused-mid");
  REQUIRE(say(h, memory_network::at("10.0.0.1"), "!/3 [10.0.0.7]:2944 T=1{C=-{AV=ROOT{AT{}}}}").empty());
  REQUIRE(drops("h248", "refused-mid") == before + 1);
  REQUIRE(r.last_heard() == heard);
  REQUIRE(say(h, memory_network::at("10.0.0.1"), "!/3 [10.0.0.1]:2944 T=1{C=-{AV=ROOT{AT{}}}}").size() == 1);
  REQUIRE(r.last_heard() == agw::clock::now());
}

TEST_CASE("who is not the MGC gets no more octets than it sent") {
  house h;
  h.add("10.0.0.1");
  h.options.mgcs.push_back(peer_name{transport::udp, "10.0.0.2", 2944});
  h.start();
  const auto other = memory_network::at("10.0.0.2");
  for (const std::string_view text : {"!/3 a T=1{C=-{AV=ROOT{AT{}}}}", "!/3 a T=1{C=1{S=*}}T=2{C=1{S=*}}T=3{C=1{S=*}}T=4{C=1{S=*}}", "!/9 a T=1{C=1{S=*}}",
                                      "!/3 a T=1{x}T=2{x}T=3{x}", "!/3 a P=1{IA,C=1}", "garbage", "!/3 a", "!/3 a SM=1/1/& "}) {
    CAPTURE(text);
    std::size_t octets = 0;
    for (const auto& answer : say(h, other, text)) octets += answer.size();
    CHECK(octets <= text.size());
  }
  // What fits is said, first without its text.
  const std::string roomy = "!/3 [10.0.0.2]:2944 T=1{C=-{AV=ROOT{AT{}}}}";
  REQUIRE(say(h, other, roomy) == std::vector<std::string>{"!/3 mg P=1{ER=504{}}"});
  const std::string more = "!/3 [10.0.0.2]:2944 T=1{C=-{AV=ROOT{AT{M,E,SG,OE,SA,PG,DM,EB}}}}                                ";
  REQUIRE(say(h, other, more).at(0).find("unauthorized entity") != std::string::npos);
}

TEST_CASE("a new registration forgets the transactions of the one before") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& r = h.start();
  const auto executed = [&] {
    const auto count = h.served;
    say(h, memory_network::at("10.0.0.1"), "!/3 [10.0.0.1]:2944 T=1{C=-{AV=ROOT{AT{}}}}");
    return h.served - count;
  };
  REQUIRE(executed() == 1);
  REQUIRE(executed() == 0);
  REQUIRE_FALSE(hand_over(h, mgc, "10.0.0.1"));
  REQUIRE(r.state() == registration_state::registered);
  REQUIRE(executed() == 1);
  REQUIRE(executed() == 0);
}

TEST_CASE("the delay of a Graceful or Forced of the MGC is kept, and a Restart takes it back") {
  house h;
  h.add("10.0.0.1");
  auto& r = h.start();
  std::vector<change_method> due;
  r.on_order([&](change_method m) { due.push_back(m); });
  int id = 100;
  const auto order = [&](std::string_view parts) {
    const auto text = "!/3 [10.0.0.1]:2944 T=" + std::to_string(++id) + "{C=-{SC=ROOT{SV{" + std::string(parts) + "}}}}";
    REQUIRE(say(h, memory_network::at("10.0.0.1"), text).size() == 1);
  };
  order("MT=GR,RE=\"905\",DL=30");
  h.time.advance(29s);
  REQUIRE(due.empty());
  h.time.advance(1s);
  REQUIRE(due == std::vector{change_method::graceful});
  order("MT=FO,RE=\"905\",DL=5");
  h.time.advance(5s);
  REQUIRE(due.back() == change_method::forced);
  order("MT=FO,RE=\"905\",DL=5");
  order("MT=RS,RE=\"901\"");
  order("MT=GR,RE=\"905\"");
  h.time.advance(20s);
  REQUIRE(due.size() == 2);
}

TEST_CASE("hosts that are no MGC of ours are refused and counted") {
  house h;
  h.add("10.0.0.1");
  auto& stranger = h.add("10.9.9.9");
  h.options.mgcs.resize(1);
  h.start();
  const auto before = drops("h248", "refused-peer");
  h.spawn([&]() -> awaitable<void> {
    auto actions = audit_root();
    const auto reply = co_await stranger.control.request(memory_network::at("10.0.0.100"), std::move(actions));
    REQUIRE(reply.error() == make_error_code(errc::timed_out));
  });
  for (int i = 0; i < 40; ++i) h.time.advance(1s);
  REQUIRE(drops("h248", "refused-peer") > before);
}

TEST_CASE("graceful drains, cancel takes it back, and leave is the last word") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& registration = h.start();
  h.now([&]() -> awaitable<void> {
    const bool told = co_await registration.graceful(30);
    REQUIRE(told);
  });
  REQUIRE(mgc.changes.back() == gateway_change::draining);
  REQUIRE(mgc.last.draining);
  REQUIRE(mgc.heard.back().find("DL=30") != std::string::npos);
  h.now([&]() -> awaitable<void> {
    const bool told = co_await registration.cancel_graceful();
    REQUIRE(told);
  });
  REQUIRE(mgc.changes.back() == gateway_change::resumed);
  REQUIRE_FALSE(mgc.last.draining);
  h.now([&]() -> awaitable<void> {
    const bool told = co_await registration.leave(deadline_after(5s));
    REQUIRE(told);
  });
  REQUIRE(mgc.changes.back() == gateway_change::gone);
  REQUIRE(mgc.registry.all().empty());
  REQUIRE(registration.state() == registration_state::left);
  h.time.advance(100s);
  REQUIRE(registration.state() == registration_state::left);
  REQUIRE(h.states.back() == registration_state::left);
}

TEST_CASE("leave does not wait longer than it is told for an MGC that is gone") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  auto& registration = h.start();
  h.network.cut_off.insert(mgc.address.host);
  std::optional<bool> told;
  h.spawn([&]() -> awaitable<void> { told = co_await registration.leave(deadline_after(2s)); });
  h.time.advance(1s);
  REQUIRE_FALSE(told.has_value());
  h.time.advance(1s);
  REQUIRE(told == false);
}

TEST_CASE("the MGC audits silent gateways and forgets those that are gone") {
  house h;
  auto& mgc = h.add("10.0.0.1");
  h.start();
  h.spawn([&]() -> awaitable<void> { co_await mgc.registry.watch(); });
  for (int i = 0; i < 20; ++i) h.time.advance(10s);
  REQUIRE(mgc.registry.all().size() == 1);
  h.network.cut_off.insert(mgc.address.host);
  for (int i = 0; i < 15; ++i) h.time.advance(10s);
  REQUIRE(mgc.registry.all().empty());
  REQUIRE(mgc.changes.back() == gateway_change::lost);
}

TEST_CASE("requests in flight, hand-overs and MGCs that come and go: each request has one outcome, and in the end there is an MGC") {
  for (std::uint32_t seed = 1; seed <= 15; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](unsigned n) { return random() % n; };
    int asked = 0, outcomes = 0;
    std::map<std::string, int> executed;  // by registration, mId and TransactionID
    house h;
    for (const auto* host : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) h.add(host);
    h.slow = [&] { return std::chrono::milliseconds(pick(4) == 0 ? pick(3000) : 0); };
    h.on_served = [&](const incoming_request& r) {
      const auto registrations = std::ranges::count(h.states, registration_state::registered);
      ++executed[std::to_string(registrations) + " " + to_text(r.sender()) + " " + std::to_string(r->id.value)];
    };
    auto& r = h.start();
    for (int step = 0; step < 150; ++step) {
      auto& mgc = *h.controllers[pick(3)];
      switch (pick(8)) {
        case 0:
        case 1:
          ++asked;
          h.spawn([&]() -> awaitable<void> {
            auto actions = audit_root();
            co_await r.request(std::move(actions));
            ++outcomes;
          });
          break;
        case 2:
        case 3:
          ++asked;
          h.spawn([&]() -> awaitable<void> {
            auto actions = audit_root();
            co_await mgc.control.request(memory_network::at("10.0.0.100"), std::move(actions));
            ++outcomes;
          });
          break;
        case 4: {
          ++asked;
          const auto target = "10.0.0." + std::to_string(1 + pick(3));
          h.spawn([&, target]() -> awaitable<void> {
            services_descriptor services;
            services.method = change_method::hand_off;
            services.reason = quoted("903 MGC Directed Change");
            services.mgc_to_try = h248::mid{h248::mid::form::ip4, target, 2944};
            list<action> actions;
            actions.push_back(service_change_on_root(std::move(services)));
            co_await mgc.control.request(memory_network::at("10.0.0.100"), std::move(actions));
            ++outcomes;
          });
          break;
        }
        case 5:
          if (!h.network.cut_off.erase(mgc.address.host)) h.network.cut_off.insert(mgc.address.host);
          break;
        case 6: h.network.lose_next = pick(3); break;
        default: h.time.advance(std::chrono::milliseconds(pick(2500)));
      }
      if (pick(3) == 0) h.time.settle();
    }
    h.network.cut_off.clear();
    h.network.lose_next = 0;
    for (int i = 0; i < 150; ++i) h.time.advance(1s);
    CHECK(outcomes == asked);
    CHECK(r.state() == registration_state::registered);
    CHECK(h.gateway->executing() == 0);
    CHECK(h.gateway->unanswered() == 0);
    for (const auto& [name, count] : executed) {
      CAPTURE(name);
      CHECK(count == 1);
    }
  }
}
