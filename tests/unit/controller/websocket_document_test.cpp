// websocket.md and the controller agree, member by member: the document's examples are read, said and compared with what is heard.
#include <fstream>
#include <sstream>

#include <catch2/catch.hpp>

#include "house.hpp"

using namespace agw;
using namespace agw::controller;
using namespace agw::controller::test;
using namespace std::chrono_literals;

namespace {

struct document {
  std::vector<json::object> client, controller;
  std::string text;
};

// The values that stand one behind the other in `text`.
std::vector<json::object> values_in(std::string_view text) {
  std::vector<json::object> out;
  for (;;) {
    const auto begin = text.find('{');
    if (begin == text.npos) return out;
    text.remove_prefix(begin);
    json::stream_parser parser;
    json::error_code ec;
    const auto used = parser.write_some(text.data(), text.size(), ec);
    INFO(std::string(text.substr(0, 200)));
    REQUIRE_FALSE(ec);
    REQUIRE(parser.done());
    out.push_back(parser.release().as_object());
    text.remove_prefix(used);
  }
}

document read_document() {
  document out;
  std::ifstream in(std::string(AGW_TEST_DATA) + "/../apps/controller/websocket.md");
  REQUIRE(in);
  std::string line, block;
  auto* into = &out.client;
  const auto finish = [&] {
    for (auto& v : values_in(block)) into->push_back(std::move(v));
    block.clear();
  };
  while (std::getline(in, line)) {
    out.text += line + "\n";
    if (line.starts_with("## From the controller")) into = &out.controller;
    if (line.starts_with("    ")) {
      block += line + "\n";
    } else {
      finish();
    }
  }
  finish();
  REQUIRE(out.client.size() > 8);
  REQUIRE(out.controller.size() > 10);
  return out;
}

// "channels[].id number": what a message has, wherever it stands. Statistics are named by their packages.
void flatten(const json::value& v, const std::string& at, std::set<std::string>& out) {
  switch (v.kind()) {
    case json::kind::object:
      for (const auto& [name, value] : v.as_object()) {
        const std::string key(name);
        flatten(value, at + "." + (key.find('/') == key.npos ? key : "package/item"), out);
      }
      return;
    case json::kind::array:
      if (v.as_array().empty()) return;
      for (const auto& one : v.as_array()) flatten(one, at + "[]", out);
      return;
    case json::kind::string: out.insert(at + " string"); return;
    case json::kind::bool_: out.insert(at + " boolean"); return;
    case json::kind::null: return;
    default: out.insert(at + " number"); return;
  }
}

std::map<std::string, std::set<std::string>> members(const std::vector<json::object>& messages) {
  std::map<std::string, std::set<std::string>> out;
  for (const auto& m : messages) flatten(m, "", out[std::string(m.at("type").as_string())]);
  return out;
}

json::object ready_to_say(json::object m) {
  if (auto* sdp = m.if_contains("sdp")) *sdp = wic_sdp("doc");
  return m;
}

// What has to be before the message can be said.
void prepare(house& h, wic_double& w, const json::object& m) {
  const auto type = std::string(m.at("type").as_string());
  const auto* call = m.if_contains("call");
  if (type == "offer" || type == "call-me") {
    if (const auto* other = m.if_contains("replaces")) h.say(w, offer(std::string(other->as_string())));
  } else if (type == "answer") {
    auto ask = about("call-me", std::string(call->as_string()));
    ask["options"] = other_peer();
    h.say(w, ask);
  } else if (call) {
    h.say(w, offer(std::string(call->as_string())));
  }
}

std::string told_text(const wic_double& w) {
  std::string out;
  for (const auto& m : w.told) out += json::serialize(m) + "\n";
  return out;
}

}  // namespace

TEST_CASE("every example of the client is obeyed, with the answer that the document names") {
  const std::map<std::string, std::string> reply{{"offer", "answer"}, {"call-me", "incoming"}, {"answer", "h248"}, {"modify", "answer"},
                                                 {"mode", "h248"},    {"release", "released"}, {"audit", "h248"}};
  std::set<std::string> seen;
  for (const auto& example : read_document().client) {
    const auto type = std::string(example.at("type").as_string());
    seen.insert(type);
    house h;
    h.registered("10.0.0.11", "mg1");
    auto& w = h.wic();
    prepare(h, w, example);
    INFO(json::serialize(example));
    INFO(told_text(w));
    w.told.clear();
    h.say(w, ready_to_say(example));
    CHECK(w.of("error").empty());
    CHECK_FALSE(w.of(reply.at(type)).empty());
    if (example.contains("replaces")) CHECK(w.of("released", example.at("replaces").as_string()).at(0).at("cause") == "replaced");
  }
  for (const auto& [type, answer] : reply) CHECK(seen.contains(type));
}

TEST_CASE("every member of the client's examples is read: one of the wrong kind is refused") {
  for (const auto& example : read_document().client) {
    std::vector<std::pair<std::string, json::object>> wrong;
    const auto spoil = [](json::value& v) {
      if (v.is_object() || v.is_array()) v = 5;
      else v = json::object();
    };
    for (const auto& [name, value] : example) {
      if (name == "type") continue;
      auto m = ready_to_say(example);
      spoil(m.at(name));
      wrong.emplace_back(std::string(name), std::move(m));
    }
    if (const auto* options = example.if_contains("options")) {
      for (const auto& [name, value] : options->as_object()) {
        auto m = ready_to_say(example);
        spoil(m.at("options").as_object().at(name));
        wrong.emplace_back("options." + std::string(name), std::move(m));
      }
    }
    if (const auto* channels = example.if_contains("channels")) {
      for (const auto& [name, value] : channels->as_array().back().as_object()) {
        auto m = ready_to_say(example);
        spoil(m.at("channels").as_array().back().as_object().at(name));
        wrong.emplace_back("channels[]." + std::string(name), std::move(m));
      }
    }
    for (const auto& [name, m] : wrong) {
      house h;
      h.registered("10.0.0.11", "mg1");
      auto& w = h.wic();
      prepare(h, w, example);
      w.told.clear();
      h.say(w, m);
      INFO(name << " of " << json::serialize(example));
      REQUIRE(w.of("error").size() == 1);
      CHECK(w.of("error")[0].at("code") == "bad-message");
      CHECK(w.of("error")[0].at("of") == example.at("type"));
    }
  }
}

TEST_CASE("what the controller says has the members of the document's examples, no fewer and no more") {
  const auto doc = read_document();
  std::vector<json::object> heard;
  std::set<std::string> kinds, codes;
  const auto collect = [&](const house& h) {
    for (const auto& w : h.wics) {
      for (const auto& m : w->told) {
        heard.push_back(m);
        if (m.at("type") == "h248") kinds.emplace(m.at("kind").as_string());
        if (m.at("type") == "error") codes.emplace(m.at("code").as_string());
      }
    }
  };
  {
    house h;
    auto& early = h.wic();  // sees the gateway come
    auto& g = h.registered("10.0.0.11", "mg1");
    auto& w = h.wic();
    json::array channels;
    channels.push_back(channel_json(0, "chat"));
    auto in_band = channel_json(-1, "in-band");
    in_band["dcep"] = true;
    channels.push_back(std::move(in_band));
    channels.push_back(channel_json(0, "again"));
    h.say(w, offer("a1", std::move(channels)));
    h.notify(g, 1, "ip/1/access/3", "tlsbsc/BNCChange", 1, {{"Type", "Est"}});
    h.notify(g, 1, "ip/1/core/1", "tcpbcc/BNCChange", 2, {{"Type", "Fail"}, {"Cause", "tcp:refused"}});
    // An error that the gateway takes its time for, and whose reply is lost: pending, and a repetition.
    g.refuse = [](const h248::command& c) {
      return c.kind == h248::command_kind::modify ? std::optional(h248::error_code::insufficient_resources) : std::nullopt;
    };
    g.before = [](const h248::incoming_request&) -> awaitable<void> { co_await sleep_until(deadline_after(10s)); };
    auto modify = about("modify", "a1");
    json::array more;
    more.push_back(channel_json(0, "chat"));
    more.push_back(channel_json(8, "third"));
    modify["channels"] = std::move(more);
    h.say(w, modify);
    h.time.advance(1s);
    for (int i = 0; i < 30; ++i) h.time.advance(1s);
    g.before = nullptr;
    g.refuse = nullptr;
    h.say(w, about("release", "a1"));
    auto ask = about("call-me", "b1");
    ask["options"] = other_peer();
    h.say(w, ask);
    h.say(w, json::parse(R"({"type": "audit"})").as_object());
    auto bad = offer("c");
    bad["sdp"] = "v=0";
    h.say(w, bad);
    h.say(w, about("release", "nobody"));
    h.say(w, about("call-me", "b1"));
    w.say("not JSON");
    for (int i = 0; i < 70; ++i) w.say(about("call-me", "many" + std::to_string(i)));
    h.time.settle();
    CHECK_FALSE(early.of("gateway").empty());
    collect(h);
  }
  {
    house h;
    auto& w = h.wic();
    h.say(w, offer("a"));
    h.bot = asio::ip::make_address("192.0.2.1");
    h.registered("10.0.0.11", "mg1");
    auto& other = h.wic();
    h.say(other, about("call-me", "b"));
    collect(h);
  }
  const auto written = members(doc.controller);
  const auto said = members(heard);
  for (const auto& [type, expected] : written) {
    INFO(type);
    REQUIRE(said.contains(type));
    for (const auto& member : expected) {
      INFO(member << " is in the document's examples");
      CHECK(said.at(type).contains(member));
    }
  }
  for (const auto& [type, all] : said) {
    INFO(type);
    REQUIRE(written.contains(type));
    for (const auto& member : all) {
      INFO(member << " is said");
      CHECK((written.at(type).contains(member) || (type == "welcome" && member.starts_with(".gateway") && written.at("gateway").contains(member.substr(8)))));
    }
  }
  CHECK(codes == std::set<std::string>{"bad-message", "bad-sdp", "unknown-call", "call-exists", "limit", "no-gateway", "h248", "peer"});
  for (const auto& code : codes) CHECK(doc.text.find("`" + code + "`") != std::string::npos);
  CHECK(kinds == std::set<std::string>{"request", "reply", "pending", "ack"});
}
