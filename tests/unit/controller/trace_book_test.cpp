#include "trace_book.hpp"

#include <catch2/catch.hpp>

#include "mgc.hpp"
#include "unit/h248/link_memory.hpp"

using namespace agw;
using namespace agw::controller;
using h248::direction;
using h248::test::memory_network;
using Catch::Matchers::Contains;

namespace {

struct some_call final : call_control {
  void on_notify(const h248::command&) override {}
  void on_traced(const traced_message&) override {}
  void on_gateway_over() override {}
  void on_gateway_back() override {}
};

const auto at1 = memory_network::at("10.0.0.11");
const auto at2 = memory_network::at("10.0.0.12");
const auto us = std::string("!/3 [10.0.0.1]:2944 ");

struct fixture {
  fixture() {
    for (const auto& [mid, at] : {std::pair("mg1", at1), std::pair("mg2", at2)}) {
      h248::registered_gateway g;
      g.mid = h248::mid_name::parse(mid).value();
      g.address = g.source = at;
      pool.changed(h248::gateway_change::restarted, g);
    }
    one = pool.find(h248::mid_name::parse("mg1").value());
    two = pool.find(h248::mid_name::parse("mg2").value());
    one->contexts[1] = &alice;
    one->contexts[2] = &bob;
    two->contexts[1] = &carol;
  }
  // Who sees what: "alice:text" …
  std::map<std::string, std::vector<traced_message>> read(direction way, const h248::peer_address& peer, const std::string& text) {
    std::map<std::string, std::vector<traced_message>> out;
    for (auto& share : book.read(way, peer, pool, text)) {
      const auto name = share.owner == &alice ? "alice" : share.owner == &bob ? "bob" : share.owner == &carol ? "carol" : "all";
      out[name].push_back(share.message);
    }
    return out;
  }
  void started(std::uint32_t id, gateway_ptr to, some_call& owner) { book.started(h248::transaction_id{id}, std::move(to), &owner, "what it does", 2); }

  gateway_pool pool{gateway_options{}};
  gateway_ptr one, two;
  trace_book book;
  some_call alice, bob, carol;
};

}  // namespace

TEST_CASE("a request and its reply are the call's that sent it, also after requests that never started") {
  fixture f;
  f.started(17, f.one, f.alice);
  auto sent = f.read(direction::sent, at1, us + "T=17{C=${A=ip/1/core/$}}");
  REQUIRE(sent.size() == 1);
  CHECK(sent["alice"].at(0).kind == "request");
  CHECK(sent["alice"].at(0).step == 2);
  CHECK(sent["alice"].at(0).summary == "what it does");
  CHECK(sent["alice"].at(0).gateway == "mg1");
  CHECK_FALSE(sent["alice"].at(0).repeated);
  CHECK(f.read(direction::sent, at1, us + "T=17{C=${A=ip/1/core/$}}")["alice"].at(0).repeated);
  auto reply = f.read(direction::received, at1, "!/3 mg1 P=17{C=9{A=ip/1/core/1}}");
  REQUIRE(reply.size() == 1);
  CHECK(reply["alice"].at(0).kind == "reply");
  CHECK(reply["alice"].at(0).step == 4);
  CHECK(reply["alice"].at(0).text == "!/3 mg1 P=17{C=9{A=ip/1/core/1}}");
  CHECK(f.read(direction::received, at1, "!/3 mg1 P=17{C=9{A=ip/1/core/1}}")["alice"].at(0).repeated);
  // Another request follows whose call is another one.
  f.started(19, f.one, f.bob);
  CHECK(f.read(direction::sent, at1, us + "T=19{C=2{S=*}}").count("bob") == 1);
}

TEST_CASE("of a message that holds transactions of two calls each sees its own") {
  fixture f;
  f.started(1, f.one, f.alice);
  f.started(2, f.one, f.bob);
  const auto seen = f.read(direction::sent, at1, us + "T=1{C=1{S=secret/a}}T=2{C=2{S=secret/b}}");
  REQUIRE(seen.size() == 2);
  CHECK_THAT(seen.at("alice").at(0).text, Contains("secret/a") && !Contains("secret/b") && Contains("[10.0.0.1]:2944"));
  CHECK_THAT(seen.at("bob").at(0).text, Contains("secret/b") && !Contains("secret/a"));
}

TEST_CASE("of a transaction that holds events of two contexts each call sees its own, and so with the reply") {
  fixture f;
  const auto event = [](const char* cause) { return std::string("{OE=1{tcpbcc/BNCChange{Type=Fail,Cause=\"") + cause + "\"}}}"; };
  auto seen = f.read(direction::received, at1, "!/3 mg1 T=5{C=1{N=ip/1/core/1" + event("for alice") + "},C=2{N=ip/1/core/2" + event("for bob") + "}}");
  REQUIRE(seen.size() == 2);
  CHECK_THAT(seen.at("alice").at(0).text, Contains("for alice") && !Contains("for bob"));
  CHECK_THAT(seen.at("alice").at(0).summary, Contains("Notify ip/1/core/1"));
  CHECK_THAT(seen.at("bob").at(0).text, Contains("for bob") && !Contains("for alice"));
  seen = f.read(direction::sent, at1, us + "P=5{C=1{N=ip/1/core/1},C=2{N=ip/1/core/2}}");
  REQUIRE(seen.size() == 2);
  CHECK_THAT(seen.at("alice").at(0).text, Contains("ip/1/core/1") && !Contains("ip/1/core/2"));
}

TEST_CASE("equal ContextIDs and TransactionIDs of two gateways do not mix") {
  fixture f;
  const std::string notify = "T=5{C=1{N=ip/1/core/1{OE=1{g/cause}}}}";
  CHECK(f.read(direction::received, at1, "!/3 mg1 " + notify).count("alice") == 1);
  CHECK(f.read(direction::received, at2, "!/3 mg2 " + notify).count("carol") == 1);
  CHECK(f.read(direction::sent, at2, us + "P=5{C=1{N=ip/1/core/1}}").count("carol") == 1);
  CHECK(f.read(direction::sent, at1, us + "P=5{C=1{N=ip/1/core/1}}").count("alice") == 1);
}

TEST_CASE("a gateway that uses another's mId, or answers another's transaction, is shown to nobody") {
  fixture f;
  CHECK(f.read(direction::received, at2, "!/3 mg1 T=5{C=1{N=ip/1/core/1{OE=1{g/cause}}}}").empty());
  f.started(17, f.one, f.alice);
  CHECK(f.read(direction::received, at2, "!/3 mg2 P=17{C=9{A=ip/1/core/1}}").empty());
}

TEST_CASE("what concerns a gateway as a whole is shown to everybody") {
  fixture f;
  CHECK(f.read(direction::received, at1, "!/1 mg1 T=9{C=-{SC=ROOT{SV{MT=RS,RE=\"901 x\"}}}}").count("all") == 1);
  CHECK(f.read(direction::sent, at1, us + "P=9{C=-{SC=ROOT{SV{V=3}}}}").count("all") == 1);
  CHECK(f.read(direction::sent, at1, us + "T=3{C=-{AV=ROOT{AT{}}}}").count("all") == 1);
  CHECK(f.read(direction::received, at1, "!/3 mg1 P=3{C=-{AV=ROOT}}").count("all") == 1);
}

TEST_CASE("what belongs to no living call is shown to nobody") {
  fixture f;
  CHECK(f.read(direction::received, at1, "!/3 mg1 T=5{C=77{N=ip/1/core/1{OE=1{g/cause}}}}").empty());
  CHECK(f.read(direction::received, at1, "!/3 mg1 P=4711{C=1{A=ip/1/core/1}}").empty());
  CHECK(f.read(direction::received, at1, "!/3 mg1 P=4711{ER=411{\"\"}}").empty());
  f.started(17, f.one, f.alice);
  f.read(direction::sent, at1, us + "T=17{C=1{S=*}}");
  f.read(direction::received, at1, "!/3 mg1 T=5{C=1{N=ip/1/core/1{OE=1{g/cause}}}}");
  f.book.forget(f.alice);
  f.one->contexts.erase(1);
  CHECK(f.read(direction::received, at1, "!/3 mg1 P=17{C=1{S=ip/1/core/1}}").empty());
  CHECK(f.read(direction::sent, at1, us + "P=5{C=1{N=ip/1/core/1}}").empty());
  CHECK(f.read(direction::sent, at1, us + "T=17{C=1{S=*}}").empty());
}

TEST_CASE("pendings and acknowledgements go to whose transaction they name") {
  fixture f;
  f.started(17, f.one, f.alice);
  f.started(18, f.one, f.bob);
  f.read(direction::received, at1, "!/3 mg1 T=5{C=2{N=ip/1/core/1{OE=1{g/cause}}}}");
  auto seen = f.read(direction::received, at1, "!/3 mg1 PN=17{}");
  REQUIRE(seen.size() == 1);
  CHECK(seen["alice"].at(0).kind == "pending");
  CHECK(seen["alice"].at(0).transaction == 17);
  seen = f.read(direction::sent, at1, us + "K{17-18}");
  REQUIRE(seen.size() == 2);
  CHECK(seen["alice"].at(0).kind == "ack");
  CHECK_THAT(seen["alice"].at(0).text, !Contains("18"));
  CHECK_THAT(seen["bob"].at(0).text, !Contains("17"));
  seen = f.read(direction::received, at1, "!/3 mg1 K{1-4294967295}");
  REQUIRE(seen.size() == 1);
  CHECK(seen["bob"].at(0).transaction == 5);
  CHECK(f.read(direction::sent, at1, us + "PN=5{}").count("bob") == 1);
  CHECK(f.read(direction::received, at2, "!/3 mg2 PN=17{}").empty());
}

TEST_CASE("an error for the whole transaction is shown to all whose it was") {
  fixture f;
  f.read(direction::received, at1, "!/3 mg1 T=5{C=1{N=ip/1/core/1{OE=1{g/cause}}},C=2{N=ip/1/core/2{OE=1{g/cause}}}}");
  auto seen = f.read(direction::sent, at1, us + "P=5{ER=500{\"\"}}");
  REQUIRE(seen.size() == 2);
  CHECK(seen["alice"].at(0).error == 500u);
  CHECK(seen["bob"].at(0).summary == "Error 500");
}

TEST_CASE("the book is bounded, and what it forgot is shown to nobody") {
  fixture f;
  for (std::uint32_t id = 1; id <= 5000; ++id) f.started(id, f.one, f.alice);
  CHECK(f.read(direction::sent, at1, us + "T=1{C=1{S=*}}").empty());
  CHECK(f.read(direction::sent, at1, us + "T=5000{C=1{S=*}}").count("alice") == 1);
}

TEST_CASE("nonsense on the wire is nobody's") {
  fixture f;
  for (const std::string text : {"", "x", "!/3", "!/3 mg1 ", "!/3 mg1 T=", "!/3 mg1 T=1{", "!/3 mg1 ER=400{\"\"}", "!/3 mg1 P=17{", "!/3 mg1 K{5-2}"}) {
    CHECK(f.read(direction::received, at1, text).empty());
    CHECK(f.read(direction::sent, at1, text).empty());
  }
}
