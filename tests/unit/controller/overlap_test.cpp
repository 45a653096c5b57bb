// Many calls on two gateways at once, in random interleavings on the test clock, while gateways die, restart and drain: what each call
// was told is compared with a simple model of what may have happened to it.
#include <random>

#include <catch2/catch.hpp>

#include "house.hpp"

using namespace agw;
using namespace agw::controller;
using namespace agw::controller::test;
using namespace std::chrono_literals;
using h248::change_method;

namespace {

// What the test did to a call, and what may have come of it.
struct call_model {
  std::size_t wic = 0;
  bool to_wic = false;        // call-me, not offer
  bool answered = false;      // the WIC has answered `incoming`
  std::set<std::string> may_end_by;
  std::set<std::string> not_on;  // gateways that drained, or were not there, all the time since it began
};

class overlap {
 public:
  explicit overlap(unsigned seed) : random_(seed), house_({}, {}, with_seed(seed)) {
    for (std::size_t i = 0; i < 2; ++i) {
      auto& g = house_.gateway(hosts[i], mids[i]);
      g.before = [this](const h248::incoming_request&) -> awaitable<void> {
        if (chance(60)) co_await sleep_until(deadline_after(std::chrono::milliseconds(random_() % 40)));
      };
      g.refuse = [this](const h248::command& c) -> std::optional<h248::error_code> {
        const bool may = c.kind == h248::command_kind::add || c.kind == h248::command_kind::modify;
        return may && refusing_ && chance(10) ? std::optional(h248::error_code::insufficient_resources) : std::nullopt;
      };
      REQUIRE(change(i, change_method::restart) == 0);
      there_[i] = true;
    }
    for (int i = 0; i < 3; ++i) house_.wic();
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      step();
      if (chance(60)) house_.time.advance(std::chrono::milliseconds(random_() % 30));
      follow();
    }
    finish();
    check();
  }

 private:
  static constexpr const char* hosts[] = {"10.0.0.11", "10.0.0.12"};
  static constexpr const char* mids[] = {"mg1", "mg2"};

  static h248::endpoint_config with_seed(unsigned seed) {
    h248::endpoint_config out;
    out.seed = seed + 1;
    return out;
  }
  bool chance(unsigned percent) { return random_() % 100 < percent; }
  gateway_double& gateway(std::size_t i) { return *house_.gateways[i]; }
  wic_double& wic_of(const std::string& call) { return *house_.wics[calls_.at(call).wic]; }
  unsigned change(std::size_t i, change_method method, std::string reason = "901 Cold Boot") {
    const auto code = house_.change(gateway(i), method, std::move(reason));
    if (code == 1000) settle_gateway();
    return code;
  }
  void settle_gateway() {
    for (int i = 0; i < 3; ++i) house_.time.advance(20ms);
  }

  // A call that has begun and, as far as is known, lives.
  std::optional<std::string> some_call() {
    std::vector<std::string> alive;
    for (const auto& [name, c] : calls_) {
      if (wic_of(name).of("released", name).empty()) alive.push_back(name);
    }
    if (alive.empty()) return std::nullopt;
    return alive[random_() % alive.size()];
  }

  // Everything that lives on a gateway, or may: it may end by it.
  void gateway_ends(std::size_t i) {
    for (auto& [name, c] : calls_) {
      if (!c.not_on.contains(mids[i])) c.may_end_by.insert("gateway");
    }
  }

  void begin() {
    const auto name = "call" + std::to_string(next_++) + "x";
    auto& c = calls_[name];
    c.wic = random_() % house_.wics.size();
    c.to_wic = chance(40);
    if (refusing_) c.may_end_by.insert("rejected");
    bool any = false;
    for (std::size_t i = 0; i < 2; ++i) {
      if (!there_[i] || draining_[i]) c.not_on.insert(mids[i]);
      else any = true;
    }
    if (!any) c.may_end_by.insert("rejected");
    // A gateway that is cut off may be found silent at any time.
    if (cut_) c.may_end_by.insert("rejected");
    if (c.to_wic) {
      auto m = about("call-me", name);
      m["options"] = other_peer();
      json::object channel;
      channel["label"] = name;
      m["channels"] = json::array{std::move(channel)};
      wic_of(name).say(m);
    } else {
      json::array channels;
      for (unsigned i = 0; i <= random_() % 3; ++i) channels.push_back(channel_json(static_cast<int>(2 * i), name));
      wic_of(name).say(offer(name, std::move(channels)));
    }
  }

  void modify(const std::string& name) {
    auto m = about("modify", name);
    json::array channels;
    channels.push_back(channel_json(0, name));
    for (unsigned i = 1; i < 5; ++i) {
      if (chance(40)) channels.push_back(channel_json(static_cast<int>(2 * i), name));
    }
    m["channels"] = std::move(channels);
    wic_of(name).say(m);
  }

  void fail(const std::string& name) {
    const auto i = random_() % 2;
    const auto answers = wic_of(name).of("answer", name);
    if (answers.empty() || answers[0].at("gateway") != mids[i]) return;
    // The life knows which context is the call's by its number only: any call of that gateway may be hit.
    auto& g = gateway(i);
    if (g.contexts.empty()) return;
    const auto at = std::next(g.contexts.begin(), static_cast<std::ptrdiff_t>(random_() % g.contexts.size()));
    for (auto& [other, c] : calls_) {
      if (!c.not_on.contains(mids[i])) c.may_end_by.insert("sctp:abort");
    }
    auto tell = [this, &g, in = at->first]() -> awaitable<void> {
      const std::map<std::string, std::string> parameters{{"Type", "Fail"}, {"Cause", "sctp:abort"}};
      auto telling = g.notify(house_.address, in, "ip/1/access/1", "sctpbcc/BNCChange", 1, parameters);
      co_await std::move(telling);
    };
    house_.spawn(std::move(tell));
  }

  void gateway_step() {
    const auto i = random_() % 2;
    switch (random_() % 6) {
      case 0:  // restarts
        if (cut_ == hosts[i]) break;
        gateway(i).lose_everything();
        gateway_ends(i);
        change(i, change_method::restart);
        there_[i] = true;
        draining_[i] = false;
        appeared(i);
        break;
      case 1:
        if (cut_ == hosts[i] || !there_[i]) break;
        draining_[i] = true;
        change(i, change_method::graceful, "905 Termination taken out of service");
        break;
      case 2:
        if (cut_ == hosts[i] || !there_[i] || !draining_[i]) break;
        appeared(i);
        draining_[i] = false;
        change(i, change_method::restart, "918 Cancel Graceful");
        break;
      case 3:  // leaves
        if (cut_ == hosts[i]) break;
        gateway_ends(i);
        gateway(i).lose_everything();
        change(i, change_method::forced, "905 Termination taken out of service");
        gateway(i).lose_everything();
        there_[i] = false;
        break;
      case 4:  // is not reachable for a while, perhaps for so long that it is given up
        if (cut_ || !there_[i]) break;
        cut_ = hosts[i];
        house_.network.cut_off.insert(asio::ip::make_address(hosts[i]));
        gateway_ends(i);
        for (auto& [name, c] : calls_) {
          if (!c.not_on.contains(mids[i])) c.may_end_by.insert("rejected");
        }
        break;
      case 5: {
        if (!cut_) break;
        if (chance(30)) {
          for (int n = 0; n < 40; ++n) house_.time.advance(5s);
        }
        reachable();
        break;
      }
      default: break;
    }
  }

  // The gateway takes calls from now on: what was said before may be placed there yet.
  void appeared(std::size_t i) {
    for (auto& [name, c] : calls_) {
      if (wic_of(name).of("answer", name).empty() && wic_of(name).of("incoming", name).empty()) c.not_on.erase(mids[i]);
    }
  }

  void reachable() {
    if (!cut_) return;
    const std::size_t i = *cut_ == hosts[0] ? 0 : 1;
    house_.network.cut_off.clear();
    cut_.reset();
    appeared(i);
    // Over, or still registered: it says that it was away.
    change(i, change_method::disconnected, "900 Service Restored");
    there_[i] = true;
    draining_[i] = false;
  }

  void step() {
    const auto dice = random_() % 100;
    if (dice < 30 && calls_.size() < 60) return begin();
    if (dice < 38) return gateway_step();
    if (dice < 40) {
      refusing_ = !refusing_;
      if (refusing_) {
        for (auto& [name, c] : calls_) c.may_end_by.insert("rejected");
      }
      return;
    }
    const auto name = some_call();
    if (!name) return;
    if (dice < 60) return modify(*name);
    if (dice < 68) {
      auto m = about("mode", *name);
      m["id"] = 0;
      m["mode"] = chance(50) ? "inactive" : "sendrecv";
      return wic_of(*name).say(m);
    }
    if (dice < 74) return wic_of(*name).say(about("audit", *name));
    if (dice < 78) return fail(*name);
    if (dice < 92) {
      calls_.at(*name).may_end_by.insert("requested");
      wic_of(*name).say(about("release", *name));
    }
  }

  // WICs answer what comes to them.
  void follow() {
    for (auto& [name, c] : calls_) {
      if (!c.to_wic || c.answered || wic_of(name).of("incoming", name).empty()) continue;
      if (!chance(50)) continue;
      c.answered = true;
      auto m = about("answer", name);
      m["sdp"] = wic_sdp(name);
      m["channels"] = json::array{channel_json(0, name)};
      wic_of(name).say(m);
    }
  }

  void finish() {
    reachable();
    refusing_ = false;
    for (int i = 0; i < 60; ++i) house_.time.advance(1s);
    for (const auto& [name, c] : calls_) {
      if (!wic_of(name).of("released", name).empty()) continue;
      INFO(name << " lives until the end");
      CHECK_FALSE(c.may_end_by.contains("nothing"));
      calls_.at(name).may_end_by.insert("requested");
      wic_of(name).say(about("release", name));
    }
    for (int i = 0; i < 120; ++i) house_.time.advance(1s);
  }

  void check() {
    for (const auto& [name, c] : calls_) {
      INFO(name);
      const auto& told = wic_of(name).told;
      const auto ends = wic_of(name).of("released", name);
      REQUIRE(ends.size() == 1);
      const std::string cause(ends[0].at("cause").as_string());
      INFO("cause " << cause);
      CHECK(c.may_end_by.contains(cause));
      // A message to a call that has just ended is answered, too.
      const auto of_call = [&name = name](const json::object& m) { return is_of(m, name) && !(m.at("type") == "error" && m.at("code") == "unknown-call"); };
      const auto last = std::find_if(told.rbegin(), told.rend(), of_call);
      CHECK(last->at("type") == "released");
      // All of a call is on one gateway, and on one that took calls.
      std::set<std::string> gateways;
      for (const auto& m : told) {
        if (of_call(m) && m.if_contains("gateway")) gateways.emplace(m.at("gateway").as_string());
      }
      CHECK(gateways.size() <= 1);
      for (const auto& g : gateways) CHECK_FALSE(c.not_on.contains(g));
    }
    // Nobody saw what is another's: each call's texts have its name, as label or ufrag.
    for (std::size_t w = 0; w < house_.wics.size(); ++w) {
      for (const auto& m : house_.wics[w]->told) {
        const auto* text = m.if_contains("text");
        if (!text) continue;
        const std::string all(text->as_string());
        for (auto at = all.find("call"); at != all.npos; at = all.find("call", at + 1)) {
          const auto end = all.find('x', at);
          const auto named = all.substr(at, end - at + 1);
          if (!calls_.contains(named)) continue;
          INFO(named << " in a text of " << (m.if_contains("call") ? std::string(m.at("call").as_string()) : "no call"));
          CHECK(is_of(m, named));
        }
      }
    }
    for (std::size_t i = 0; i < 2; ++i) {
      INFO(mids[i] << " did " << gateway(i).log << (there_[i] ? "and is there" : "and is not there"));
      CHECK(gateway(i).contexts.empty());
      if (there_[i]) {
        const auto life = house_.control.gateways().find(h248::mid_name::parse(mids[i]).value());
        REQUIRE(life);
        CHECK(life->calls.empty());
        CHECK(life->contexts.empty());
      }
    }
  }

  std::mt19937 random_;
  house house_;
  std::map<std::string, call_model> calls_;
  bool there_[2] = {false, false};
  bool draining_[2] = {false, false};
  std::optional<std::string> cut_;
  bool refusing_ = false;
  unsigned next_ = 1;
};

}  // namespace

TEST_CASE("many calls on two gateways that die, restart and drain end as the model has it") {
  const char* only = std::getenv("AGW_SEED");
  const unsigned first = only ? static_cast<unsigned>(std::stoul(only)) : 1;
  for (unsigned seed = first; seed < first + (only ? 1 : 40); ++seed) {
    INFO("AGW_SEED=" << seed);
    overlap(seed).run(150);
  }
}
