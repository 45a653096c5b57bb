#include "call.hpp"

#include <catch2/catch.hpp>

#include "house.hpp"

using namespace agw;
using namespace agw::controller;
using namespace agw::controller::test;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;
using h248::change_method;

namespace {

std::string released(const wic_double& w, std::string_view call) {
  const auto all = w.of("released", call);
  return all.empty() ? "" : std::string(all.back().at("cause").as_string());
}

std::string text(const json::object& o, std::string_view member) {
  const auto* v = o.if_contains(member);
  return v && v->is_string() ? std::string(v->as_string()) : "";
}

// Subtracts are under way until the gateway has answered; its answer takes a turn of the clock at most.
void hang_up(house& h, wic_double& w, const std::string& call) { h.say(w, about("release", call)); }

json::array two_channels() {
  json::array out;
  out.push_back(channel_json(0, "chat"));
  out.push_back(channel_json(2, "second"));
  return out;
}

}  // namespace

TEST_CASE("a call takes the steps of the figure, and Subtract's statistics come with its end") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a1"));
  const auto answers = w.of("answer", "a1");
  REQUIRE(answers.size() == 1);
  CHECK_THAT(text(answers[0], "sdp"), Contains("a=sctp-port:5000") && Contains("a=ice-ufrag:ufrag"));
  CHECK(text(answers[0], "gateway") == "mg1");
  CHECK(g.log == "A1 M1 A1 ");
  std::vector<std::int64_t> steps;
  for (const auto& m : w.told) {
    if (const auto* step = m.if_contains("step")) steps.push_back(step->to_number<std::int64_t>());
  }
  CHECK(steps == std::vector<std::int64_t>{1, 2, 4, 6, 7, 8, 10, 11, 13, 14});
  hang_up(h, w, "a1");
  REQUIRE(released(w, "a1") == "requested");
  CHECK(w.of("released").back().at("statistics").as_array().size() == 3);
  CHECK(g.contexts.empty());
}

TEST_CASE("a WIC that is passive in the handshake gets an active gateway, any other a passive one") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  for (const std::string theirs : {"passive", "active", "actpass"}) {
    auto m = offer(theirs);
    auto sdp = wic_sdp(theirs);
    sdp.replace(sdp.find("a=setup:actpass"), 15, "a=setup:" + theirs);
    m["sdp"] = sdp;
    h.say(w, m);
    const std::string ours = theirs == "passive" ? "a=setup:active" : "a=setup:passive";
    REQUIRE(w.of("answer", theirs).size() == 1);
    CHECK_THAT(text(w.of("answer", theirs)[0], "sdp"), Contains(ours + "\r\n"));
    hang_up(h, w, theirs);
  }
  CHECK(g.contexts.empty());
}

TEST_CASE("two gateways with equal ContextIDs: requests, events and traces stay with their call") {
  house h;
  auto& g1 = h.registered("10.0.0.11", "mg1");
  auto& g2 = h.registered("10.0.0.12", "mg2");
  auto& w1 = h.wic();
  auto& w2 = h.wic();
  h.say(w1, offer("one"));
  h.say(w2, offer("two"));
  REQUIRE(text(w1.of("answer").at(0), "gateway") == "mg1");
  REQUIRE(text(w2.of("answer").at(0), "gateway") == "mg2");
  REQUIRE((g1.contexts.contains(1) && g2.contexts.contains(1)));
  h.notify(g2, 1, "ip/1/access/3", "tlsbsc/BNCChange", 1, {{"Type", "Est"}});
  CHECK(w1.of("stage", "one").size() == 2);  // tcp and ice started
  CHECK(w2.of("stage", "two").size() == 5);  // dtls started and done, sctp started
  for (const auto& m : w1.of("h248")) CHECK_THAT(text(m, "text"), !Contains("mg2"));
  for (const auto& m : w2.of("h248")) {
    if (m.if_contains("call")) CHECK_THAT(text(m, "text"), !Contains("mg1"));
  }
  h.notify(g1, 1, "ip/1/core/1", "tcpbcc/BNCChange", 2, {{"Type", "Fail"}, {"Cause", "tcp:refused"}});
  CHECK(released(w1, "one") == "tcp:refused");
  CHECK(released(w2, "two").empty());
  CHECK(g1.contexts.empty());
  CHECK(g2.contexts.size() == 1);
}

TEST_CASE("a gateway that restarts, leaves or is lost ends its own calls, and only these") {
  house h;
  auto& g1 = h.registered("10.0.0.11", "mg1");
  auto& g2 = h.registered("10.0.0.12", "mg2");
  auto& w = h.wic();
  for (const auto call : {"a", "b", "c", "d"}) h.say(w, offer(call));
  SECTION("restart") {
    g1.contexts.clear();
    h.change(g1, change_method::restart);
  }
  SECTION("farewell") { h.change(g1, change_method::forced); }
  SECTION("silence") {
    h.network.cut_off.insert(g1.address.host);
    for (int i = 0; i < 30; ++i) h.time.advance(10s);
  }
  CHECK(released(w, "a") == "gateway");
  CHECK(released(w, "c") == "gateway");
  CHECK(released(w, "b").empty());
  CHECK(released(w, "d").empty());
  CHECK(g2.contexts.size() == 2);
}

TEST_CASE("a gateway that dies while a call is set up ends it at once, at every request") {
  for (int at = 0; at < 3; ++at) {
    house h;
    auto& g = h.registered("10.0.0.11", "mg1");
    auto& w = h.wic();
    int seen = 0;
    g.before = [&](const h248::incoming_request&) -> awaitable<void> {
      if (seen++ == at) co_await sleep_until(no_deadline);
    };
    h.say(w, offer("a"));
    CHECK(w.of("answer").empty());
    CHECK(released(w, "a").empty());
    h.change(g, change_method::forced);
    CHECK(released(w, "a") == "gateway");
    CHECK(w.of("error").empty());
  }
}

TEST_CASE("a gateway that drains keeps its calls and gets no new ones") {
  house h;
  auto& g1 = h.registered("10.0.0.11", "mg1");
  h.registered("10.0.0.12", "mg2");
  auto& w = h.wic();
  h.say(w, offer("a"));
  h.change(g1, change_method::graceful, "905 Termination taken out of service");
  for (const auto call : {"b", "c"}) h.say(w, offer(call));
  CHECK(text(w.of("answer", "b").at(0), "gateway") == "mg2");
  CHECK(text(w.of("answer", "c").at(0), "gateway") == "mg2");
  CHECK(released(w, "a").empty());
  json::object m = about("modify", "a");
  m["channels"] = two_channels();
  h.say(w, m);
  CHECK(w.of("answer", "a").size() == 2);
  hang_up(h, w, "a");
  CHECK(released(w, "a") == "requested");
  CHECK(g1.contexts.empty());
}

TEST_CASE("without a gateway that takes calls there is an error, and the call is over") {
  house h;
  auto& w = h.wic();
  h.say(w, offer("a"));
  REQUIRE(w.of("error", "a").size() == 1);
  CHECK(text(w.of("error", "a")[0], "code") == "no-gateway");
  CHECK(text(w.of("error", "a")[0], "of") == "offer");
  CHECK(released(w, "a") == "rejected");
}

TEST_CASE("a gateway that was away and has lost the context ends the call, one that has it does not") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  h.say(w, offer("b"));
  g.contexts.erase(1);
  h.change(g, change_method::disconnected, "900 Service Restored");
  CHECK(released(w, "a") == "gateway");
  CHECK(released(w, "b").empty());
}

TEST_CASE("contexts that no call knows are released when their gateway is back") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  h.network.cut_off.insert(g.address.host);
  for (int i = 0; i < 30; ++i) h.time.advance(10s);
  REQUIRE(released(w, "a") == "gateway");
  REQUIRE(g.contexts.size() == 1);
  h.network.cut_off.clear();
  h.change(g, change_method::disconnected, "900 Service Restored");
  CHECK(g.contexts.empty());
}

TEST_CASE("a modify that fails leaves the call as it was, wherever it fails") {
  // Reserve, configure and access are the three requests of a modify that adds a channel.
  for (unsigned at = 0; at < 3; ++at) {
    house h;
    auto& g = h.registered("10.0.0.11", "mg1");
    auto& w = h.wic();
    h.say(w, offer("a", two_channels()));
    const auto before = g.contexts;
    unsigned seen = 0;
    g.refuse = [&](const h248::command&) -> std::optional<h248::error_code> {
      if (seen++ == at) return h248::error_code::insufficient_resources;
      return std::nullopt;
    };
    json::object m = about("modify", "a");
    json::array channels;
    channels.push_back(channel_json(0, "chat"));
    channels.push_back(channel_json(4, "third"));
    m["channels"] = std::move(channels);
    h.say(w, m);
    INFO("request " << at);
    const auto errors = w.of("error", "a");
    REQUIRE(errors.size() == 1);
    CHECK(text(errors[0], "of") == "modify");
    CHECK(text(errors[0], "code") == "h248");
    CHECK(errors[0].at("h248").to_number<int>() == 510);
    CHECK(released(w, "a").empty());
    for (const auto& [name, t] : before.at(1)) {
      if (name.find("core") != std::string::npos) CHECK(g.contexts.at(1).at(name).streams == t.streams);
    }
    g.refuse = nullptr;
    // Both channels are there, and the third can be tried again.
    m["channels"].as_array().push_back(channel_json(2, "second"));
    h.say(w, m);
    REQUIRE(w.of("answer", "a").size() == 2);
    CHECK(w.of("answer", "a")[1].at("channels").as_array().size() == 3);
    hang_up(h, w, "a");
    CHECK(released(w, "a") == "requested");
  }
}

TEST_CASE("a modify that gets no reply leaves the call, which says so") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  unsigned seen = 0;
  g.before = [&](const h248::incoming_request&) -> awaitable<void> {
    if (seen++ == 0) co_await sleep_until(deadline_after(100s));
  };
  json::object m = about("modify", "a");
  m["channels"] = two_channels();
  h.say(w, m);
  for (int i = 0; i < 60; ++i) h.time.advance(1s);
  CHECK(w.of("error", "a").size() == 1);
  CHECK(released(w, "a").empty());
}

TEST_CASE("mode and audit that fail leave the call, too") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  g.refuse = [](const h248::command&) { return std::optional(h248::error_code::internal_software_failure); };
  json::object m = about("mode", "a");
  m["id"] = 0;
  m["mode"] = "inactive";
  h.say(w, m);
  h.say(w, about("audit", "a"));
  m["id"] = 8;
  h.say(w, m);
  const auto errors = w.of("error", "a");
  REQUIRE(errors.size() == 3);
  CHECK(text(errors[0], "of") == "mode");
  CHECK(text(errors[1], "of") == "audit");
  CHECK(text(errors[2], "code") == "bad-message");
  CHECK(released(w, "a").empty());
}

TEST_CASE("a call to the WIC notices a failure while it waits for the answer") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  json::object m = about("call-me", "b");
  m["options"] = other_peer();
  h.say(w, m);
  REQUIRE(w.of("incoming", "b").size() == 1);
  SECTION("of its core side") {
    h.notify(g, 1, "ip/1/core/1", "tcpbcc/BNCChange", 2, {{"Type", "Fail"}, {"Cause", "tcp:refused"}});
    CHECK(released(w, "b") == "tcp:refused");
    CHECK(g.contexts.empty());
  }
  SECTION("of its gateway") {
    h.change(g, change_method::restart);
    CHECK(released(w, "b") == "gateway");
  }
  SECTION("and may be given up by the WIC") {
    hang_up(h, w, "b");
    CHECK(released(w, "b") == "requested");
    CHECK(g.contexts.empty());
  }
  SECTION("and has nothing to modify yet") {
    json::object modify = about("modify", "b");
    modify["channels"] = two_channels();
    h.say(w, modify);
    CHECK(text(w.of("error", "b").at(0), "of") == "modify");
    CHECK(released(w, "b").empty());
  }
}

TEST_CASE("channels that the WIC's answer leaves out go on both sides") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  json::object m = about("call-me", "b");
  m["options"] = other_peer();
  json::array labels;
  for (const auto label : {"one", "two"}) {
    json::object c;
    c["label"] = label;
    labels.push_back(std::move(c));
  }
  m["channels"] = std::move(labels);
  h.say(w, m);
  const auto incoming = w.of("incoming", "b").at(0);
  REQUIRE(incoming.at("channels").as_array().size() == 2);
  json::object answer = about("answer", "b");
  answer["sdp"] = wic_sdp("b");
  answer["channels"] = json::array{channel_json(2, "two")};
  h.say(w, answer);
  for (const auto& [name, t] : g.contexts.at(1)) {
    if (name.find("core") != std::string::npos) CHECK(t.streams == std::set<unsigned>{3});
  }
  CHECK(released(w, "b").empty());
}

TEST_CASE("an answer that takes no channel ends the call") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  json::object m = about("call-me", "b");
  m["options"] = other_peer();
  h.say(w, m);
  json::object answer = about("answer", "b");
  answer["sdp"] = wic_sdp("b");
  answer["channels"] = json::array{channel_json(6, "other")};
  h.say(w, answer);
  CHECK(text(w.of("error", "b").at(0), "of") == "answer");
  CHECK(released(w, "b") == "rejected");
  CHECK(g.contexts.empty());
}

TEST_CASE("channels that cannot be taken are refused in their place, and the others live") {
  house h;
  h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  json::array channels = two_channels();
  channels.insert(channels.begin() + 1, channel_json(0, "again"));
  auto silent = channel_json(6, "pathless");
  silent.erase("path");
  channels.push_back(std::move(silent));
  h.say(w, offer("a", std::move(channels)));
  const auto answered = w.of("answer", "a").at(0).at("channels").as_array();
  REQUIRE(answered.size() == 4);
  CHECK(answered[0].as_object().contains("path"));
  CHECK(answered[1].as_object().at("refused") == "the id is in use");
  CHECK_FALSE(answered[1].as_object().contains("path"));
  CHECK(answered[2].as_object().contains("path"));
  CHECK(answered[3].as_object().at("refused") == "no path");
}

TEST_CASE("a release while the call is set up leaves no context behind, at every request") {
  for (int at = 0; at < 3; ++at) {
    house h;
    auto& g = h.registered("10.0.0.11", "mg1");
    auto& w = h.wic();
    int seen = 0;
    event go;
    g.before = [&](const h248::incoming_request&) -> awaitable<void> {
      if (seen++ == at) co_await go.wait();
    };
    h.say(w, offer("a"));
    h.say(w, about("release", "a"));
    CHECK(released(w, "a").empty());
    go.set();
    h.time.settle();
    CHECK(released(w, "a") == "requested");
    CHECK(w.of("answer").empty());
    CHECK(g.contexts.empty());
  }
}

TEST_CASE("a context whose Add got no reply is released when the gateway speaks again, and other calls' contexts are not") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  bool first = true;
  g.before = [&](const h248::incoming_request& request) -> awaitable<void> {
    if (request->actions.front().context.is_choose() && std::exchange(first, false)) h.network.cut_off.insert(g.address.host);
    co_return;
  };
  h.say(w, offer("b"));
  REQUIRE(g.contexts.size() == 2);
  for (int i = 0; i < 45; ++i) h.time.advance(1s);
  REQUIRE(released(w, "b") == "rejected");
  REQUIRE(released(w, "a").empty());
  h.network.cut_off.clear();
  h.change(g, change_method::disconnected, "900 Service Restored");
  for (int i = 0; i < 5; ++i) h.time.advance(1s);
  CHECK(released(w, "a").empty());
  CHECK(g.contexts.size() == 1);
  CHECK(g.contexts.contains(1));
}

TEST_CASE("a context whose Subtract got no reply is released when the gateway speaks again") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a"));
  h.say(w, offer("b"));
  h.network.cut_off.insert(g.address.host);
  h.say(w, about("release", "a"));
  for (int i = 0; i < 45; ++i) h.time.advance(1s);
  REQUIRE(released(w, "a") == "requested");
  REQUIRE(released(w, "b").empty());
  REQUIRE(g.contexts.size() == 2);
  h.network.cut_off.clear();
  h.notify(g, 2, "ip/1/core/1", "g/cause", 1, {});  // a word from it is enough
  for (int i = 0; i < 5; ++i) h.time.advance(1s);
  CHECK(g.contexts.size() == 1);
  CHECK(g.contexts.contains(2));
}

TEST_CASE("events that stand before the reply to Add reach the call") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  g.before = [&](const h248::incoming_request& request) -> awaitable<void> {
    if (request->actions.front().context.is_choose()) {
      const std::map<std::string, std::string> parameters{{"Type", "Fail"}, {"Cause", "tcp:refused"}};
      auto tell = g.notify(h.address, 1, "ip/1/core/1", "tcpbcc/BNCChange", 2, parameters);
      co_await std::move(tell);
    }
  };
  h.say(w, offer("a"));
  CHECK(released(w, "a") == "tcp:refused");
  CHECK(g.contexts.empty());
}

TEST_CASE("one of several channels that fails is told as closed, the last one ends the call") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a", two_channels()));
  h.notify(g, 1, "ip/1/core/1", "tcpbcc/BNCChange", 3, {{"Type", "Fail"}, {"Cause", "tcp:reset"}});
  h.notify(g, 1, "ip/1/access/5", "dcep/chg", 3, {{"Type", "Close"}});
  REQUIRE(w.of("closed", "a").size() == 1);
  CHECK(w.of("closed", "a")[0].at("id").to_number<int>() == 2);
  CHECK(text(w.of("closed", "a")[0], "cause") == "tcp:reset");
  CHECK(released(w, "a").empty());
  h.notify(g, 1, "ip/1/access/5", "dcep/chg", 2, {{"Type", "Close"}});
  CHECK(released(w, "a") == "channel:closed");
}

TEST_CASE("realms and interfaces are those of the configuration, of each gateway its own") {
  gateway_options options;
  options.by_mid["mg2"].core_interface = "ims";
  options.by_mid["mg2"].core_realm = "backbone";
  options.by_mid["mg2"].access_interface = "web";
  house h(options);
  h.registered("10.0.0.11", "mg1");
  auto& g2 = h.registered("10.0.0.12", "mg2");
  g2.interface_core = "ims";
  g2.interface_access = "web";
  g2.realm_core = "backbone";
  auto& w = h.wic();
  h.say(w, offer("a"));
  h.say(w, offer("b"));
  CHECK(text(w.of("answer", "a").at(0), "gateway") == "mg1");
  CHECK(text(w.of("answer", "b").at(0), "gateway") == "mg2");
}

TEST_CASE("a gateway with another realm refuses the call, which is not on any gateway then") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  g.realm_core = "elsewhere";
  auto& w = h.wic();
  h.say(w, offer("a"));
  CHECK(w.of("error", "a").at(0).at("h248").to_number<int>() == 449);
  CHECK(released(w, "a") == "rejected");
  CHECK(h.control.gateways().all().begin()->second->calls.empty());
}

TEST_CASE("TLS towards the core is in the Local, and the gateway's fingerprint is asked for") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  auto m = offer("a");
  m["options"].as_object()["tls"] = true;
  h.say(w, m);
  REQUIRE(w.of("answer", "a").size() == 1);
  std::string asked;
  for (const auto& one : w.of("h248", "a")) asked += text(one, "text");
  CHECK_THAT(asked, Contains("m=message $ TCP/TLS *") && Contains("a=fingerprint:sha-256 $"));
  (void)g;
}

namespace {

std::string replaced(std::string sdp, const std::string& what, const std::string& by) { return sdp.replace(sdp.find(what), what.size(), by); }

json::object new_offer(const std::string& call, const std::string& sdp) {
  auto m = about("modify", call);
  m["sdp"] = sdp;
  return m;
}

}  // namespace

TEST_CASE("a WIC that offers again gets an answer with new credentials, and the call goes on") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a1"));
  const auto first = text(w.of("answer", "a1").at(0), "sdp");
  std::string asked;
  g.refuse = [&](const h248::command& c) -> std::optional<h248::error_code> {
    const auto* media = c.find<h248::media_descriptor>();
    const auto* s1 = media ? media->find(h248::stream_id{1}) : nullptr;
    if (s1) asked = std::string(s1->local.value_or(""));
    return std::nullopt;
  };
  h.say(w, new_offer("a1", wic_sdp("next")));
  CHECK(w.of("error").empty());
  REQUIRE(w.of("answer", "a1").size() == 2);
  const auto second = text(w.of("answer", "a1")[1], "sdp");
  CHECK_THAT(asked, Contains("a=ice-ufrag:$") && Contains("a=ice-pwd:$") && Contains("a=setup:passive"));
  const auto ufrag = [](const std::string& sdp) { return sdp.substr(sdp.find("a=ice-ufrag:"), 25); };
  CHECK(ufrag(first) != ufrag(second));
  CHECK_THAT(second, Contains("a=setup:passive\r\n") && Contains("a=mid:data"));
  CHECK(w.of("answer", "a1")[1].at("channels").as_array().size() == 1);
  // The session is the same, in its next version (RFC 3264, 8).
  const auto id = [](const std::string& sdp) { return sdp.substr(5, sdp.find(" IN ") - 5); };
  CHECK(id(first).substr(0, id(first).rfind(' ')) == id(second).substr(0, id(second).rfind(' ')));
  CHECK(id(second).substr(id(second).rfind(' ')) == " 2");
  h.say(w, new_offer("a1", wic_sdp("next")));  // without a restart nothing is asked for
  CHECK_THAT(asked, !Contains("$"));
  CHECK(w.of("answer", "a1").size() == 3);
  hang_up(h, w, "a1");
  CHECK(g.contexts.empty());
}

TEST_CASE("the gateway refuses a new offer, and the call is as it was") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a1"));
  g.refuse = [](const h248::command& c) {
    return c.kind == h248::command_kind::modify ? std::optional(h248::error_code::conflicting_values) : std::nullopt;
  };
  h.say(w, new_offer("a1", wic_sdp("next")));
  REQUIRE(w.of("error").size() == 1);
  CHECK(text(w.of("error")[0], "of") == "modify");
  h.say(w, new_offer("a1", "v=0"));
  CHECK(text(w.of("error").at(1), "code") == "bad-sdp");
  auto both = new_offer("a1", wic_sdp("next"));
  both["channels"] = two_channels();
  h.say(w, both);
  CHECK(text(w.of("error").at(2), "code") == "bad-message");
  CHECK(w.of("answer", "a1").size() == 1);
  CHECK(w.of("released").empty());
  g.refuse = nullptr;
  h.say(w, new_offer("a1", wic_sdp("last")));
  CHECK(w.of("answer", "a1").size() == 2);
}

TEST_CASE("the end of the association that a new one replaces does not end the call, a later one does") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a1"));
  const std::string access = "ip/1/access/3";
  const auto tell = [&](const char* event, unsigned stream, const char* type) { h.notify(g, 1, access, event, stream, {{"Type", type}}); };
  const auto up = [&](bool with_ice = true) {
    if (with_ice) h.notify(g, 1, access, "ostuncc/ccr", 1, {{"result", "Ok"}});
    tell("tlsbsc/BNCChange", 1, "Est");
    tell("sctpbcc/BNCChange", 1, "Est");
    tell("dcep/chg", 2, "Open");
  };
  up();
  const auto done = [&] {
    std::size_t out = 0;
    for (const auto& m : w.of("stage", "a1")) out += text(m, "state") == "done" && text(m, "stage") != "tcp";
    return out;
  };
  CHECK(done() == 4);
  h.say(w, new_offer("a1", replaced(wic_sdp("next"), "19:E2", "20:E2")));
  REQUIRE(w.of("answer", "a1").size() == 2);
  tell("dcep/chg", 2, "Close");
  tell("sctpbcc/BNCChange", 1, "Rel");
  tell("tlsbsc/BNCChange", 1, "Rel");
  CHECK(w.of("released").empty());
  up();
  CHECK(done() == 8);
  tell("sctpbcc/BNCChange", 1, "Rel");
  CHECK(released(w, "a1") == "sctp:closed");
}

TEST_CASE("a new association that fails ends the call") {
  house h;
  auto& g = h.registered("10.0.0.11", "mg1");
  auto& w = h.wic();
  h.say(w, offer("a1"));
  h.notify(g, 1, "ip/1/access/3", "tlsbsc/BNCChange", 1, {{"Type", "Est"}});
  h.say(w, new_offer("a1", replaced(wic_sdp("next"), "19:E2", "20:E2")));
  h.notify(g, 1, "ip/1/access/3", "tlsbsc/BNCChange", 1, {{"Type", "Fail"}, {"Cause", "dtls:fingerprint"}});
  CHECK(released(w, "a1") == "dtls:fingerprint");
}
