#include "client.hpp"

#include <catch2/catch.hpp>

#include "house.hpp"

using namespace agw;
using namespace agw::controller;
using namespace agw::controller::test;
using namespace std::chrono_literals;
using h248::change_method;

namespace {

std::string code(const wic_double& w) {
  const auto all = w.of("error");
  return all.empty() ? "" : std::string(all.back().at("code").as_string());
}

}  // namespace

TEST_CASE("a client is welcomed, and told what changes about gateways") {
  house h;
  auto& w = h.wic();
  REQUIRE(w.told.size() == 1);
  CHECK(w.told[0].at("type") == "welcome");
  CHECK(w.told[0].at("gateway").at("registered") == false);
  auto& g = h.registered("10.0.0.11", "mg1");
  auto told = w.of("gateway");
  REQUIRE_FALSE(told.empty());
  CHECK(told.back().at("registered") == true);
  CHECK(told.back().at("mid") == "mg1");
  h.change(g, change_method::graceful);
  told = w.of("gateway");
  CHECK(told.back().at("registered") == false);
  CHECK(told.back().at("gateways").at(0).at("draining") == true);
  h.change(g, change_method::forced);
  CHECK(w.of("gateway").back().at("gateways").as_array().empty());
}

TEST_CASE("when the connection ends, its calls are subtracted, and other clients' calls are not") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  auto& other = h.wic();
  for (const auto call : {"a", "b"}) h.say(w, offer(call));
  h.say(other, offer("a"));
  REQUIRE(g.contexts.size() == 3);
  w.hang_up();
  h.time.settle();
  CHECK(g.contexts.size() == 1);
  CHECK(w.of("released").size() == 2);
  CHECK(other.of("released").empty());
}

TEST_CASE("messages that are no messages are told as such, and the connection stays") {
  house h;
  h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  for (const std::string text : {"", "x", "[]", "{}", R"({"type": 5})", R"({"type": "x"})", R"({"type": "offer"})", R"({"type": "offer", "sdp": ""})",
                                 R"({"type": "call-me", "call": ""})", R"({"type": "call-me", "call": "a b"})", R"({"type": "modify", "call": 1})",
                                 R"({"type": "call-me", "channels": [5]})", R"({"type": "call-me", "channels": [{"id": 65535}]})",
                                 R"({"type": "call-me", "channels": [{"id": -1}]})", R"({"type": "call-me", "channels": [{"label": "a\nb"}]})",
                                 R"({"type": "call-me", "channels": [{"setup": "both"}]})", R"({"type": "call-me", "channels": [{"acceptTypes": ["a b"]}]})",
                                 R"({"type": "call-me", "channels": [{"maxSize": -1}]})", R"({"type": "call-me", "options": {"mode": "Loopback"}})",
                                 R"({"type": "call-me", "options": {"interworking": "both"}})", R"({"type": "call-me", "options": {"sctpPort": 0}})",
                                 R"({"type": "call-me", "options": {"peer": {"address": "example.org", "port": 9}}})",
                                 R"({"type": "call-me", "options": {"peer": {"address": "127.0.0.1"}}})"}) {
    const auto before = w.of("error").size();
    w.say(text);
    h.time.settle();
    INFO(text);
    CHECK(w.of("error").size() == before + 1);
    CHECK(code(w) == "bad-message");
  }
  CHECK(w.of("incoming").empty());
  h.say(w, offer("a"));
  CHECK(w.of("answer").size() == 1);
}

TEST_CASE("calls have names, given or chosen, that are free again after the end") {
  house h;
  h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("c1"));
  auto nameless = offer("x");
  nameless.erase("call");
  h.say(w, nameless);
  CHECK(w.of("answer", "c2").size() == 1);
  h.say(w, offer("c1"));
  CHECK(code(w) == "call-exists");
  h.say(w, about("release", "c1"));
  CHECK(w.of("released", "c1").size() == 1);
  h.say(w, offer("c1"));
  CHECK(w.of("answer", "c1").size() == 2);
  h.say(w, about("modify", "nobody"));
  CHECK(code(w) == "unknown-call");
}

TEST_CASE("a connection carries 64 calls") {
  house h;
  h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  for (int i = 0; i < 65; ++i) h.say(w, offer("a" + std::to_string(i)));
  CHECK(w.of("answer").size() == 64);
  CHECK(code(w) == "limit");
}

TEST_CASE("a call that replaces another one releases it, and what it names has to be there") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  auto next = offer("b");
  next["replaces"] = "a";
  h.say(w, next);
  CHECK(w.of("released", "a").at(0).at("cause") == "replaced");
  CHECK(w.of("answer", "b").size() == 1);
  CHECK(g.contexts.size() == 1);
  auto other = offer("c");
  other["replaces"] = "a";
  h.say(w, other);
  CHECK(code(w) == "unknown-call");
  CHECK(w.of("answer", "c").empty());
}

TEST_CASE("an audit without a call asks every gateway, and everybody sees it") {
  house h;
  h.registered("10.0.0.11", "mg1");
  h.registered("10.0.0.12", "mg2");
  auto& w = h.wic();
  auto& other = h.wic();
  w.say(R"({"type": "audit"})");
  h.time.settle();
  std::set<std::string> asked;
  for (const auto& m : other.of("h248")) {
    CHECK_FALSE(m.contains("call"));
    if (m.at("direction") == "received") asked.emplace(m.at("gateway").as_string());
  }
  CHECK(asked == std::set<std::string>{"mg1", "mg2"});
}
