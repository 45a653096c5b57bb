#include "agw/gateway/tap.hpp"

#include <catch2/catch.hpp>

#include "agw/core/bytes.hpp"
#include "agw/gateway/relay_stage.hpp"
#include "agw/gateway/testing/stage_run.hpp"

using namespace agw;
using gateway::component_context;
using testing::stage_run;

namespace {

// Octets pass as they are.
class plain final : public translator {
 public:
  explicit plain(std::size_t) {}
  outcome from_wic(const message& m, relay_output& out) override {
    out.to_core(m.bytes);
    return {};
  }
  outcome from_core(bytes_view& in, relay_output& out) override {
    if (!in.empty()) out.to_wic(in);
    in = {};
    return {};
  }
};

std::string text_of(const std::vector<std::byte>& bytes) { return std::string(as_text(bytes)); }

}  // namespace

TEST_CASE("a tap sees everything that passes a stage, in order, and each message once") {
  std::vector<std::string> seen;
  const auto make = [&](component_context&) {
    gateway::tap hooks;
    hooks.from_wic = [&](message& m) { seen.push_back("from wic " + text_of(m.bytes)); };
    hooks.to_wic = [&](message& m) { seen.push_back("to wic " + text_of(m.bytes)); };
    hooks.from_core = [&](std::span<std::byte> octets) { seen.push_back("from core " + std::string(as_text(octets))); };
    hooks.to_core = [&](std::vector<std::byte>& octets) { seen.push_back("to core " + text_of(octets)); };
    return hooks;
  };
  stage_run run(gateway::tapped(gateway::relay_stage<plain>("plain"), make));
  run.component.wic.window = 0;
  run.component.wic.arrive("out");
  run.settle();
  run.component.core.arrive("in");
  run.settle();
  CHECK(run.component.wic.sent.empty());
  run.component.wic.give_room(1);
  run.settle();
  CHECK(seen == std::vector<std::string>{"from wic out", "to core out", "from core in", "to wic in"});
  CHECK(run.component.core.sent == "out");
  CHECK(run.component.wic.sent == std::vector<std::string>{"in"});
  CHECK(run.component.count().messages_to_wic == 1);
}

TEST_CASE("a tap may change what passes") {
  const auto make = [](component_context&) {
    gateway::tap hooks;
    hooks.from_wic = [](message& m) { m.bytes.push_back(std::byte{'1'}); };
    hooks.to_core = [](std::vector<std::byte>& octets) { octets.push_back(std::byte{'2'}); };
    hooks.from_core = [](std::span<std::byte> octets) { octets[0] = std::byte{'3'}; };
    hooks.to_wic = [](message& m) { m.bytes.push_back(std::byte{'4'}); };
    return hooks;
  };
  stage_run run(gateway::tapped(gateway::relay_stage<plain>("plain"), make));
  run.component.wic.arrive("out");
  run.component.core.arrive("in");
  run.settle();
  CHECK(run.component.core.sent == "out12");
  CHECK(run.component.wic.sent == std::vector<std::string>{"3n4"});
}

TEST_CASE("two messages of the same text are two messages for a tap") {
  int seen = 0;
  const auto make = [&](component_context&) {
    gateway::tap hooks;
    hooks.to_wic = [&](message&) { ++seen; };
    return hooks;
  };
  stage_run run(gateway::tapped(gateway::relay_stage<plain>("plain"), make));
  run.component.core.arrive("same");
  run.settle();
  run.component.core.arrive("same");
  run.settle();
  CHECK(seen == 2);
  CHECK(run.component.wic.sent.size() == 2);
}

TEST_CASE("without hooks a tapped stage ends as the stage does") {
  const auto make = [](component_context&) { return gateway::tap(); };
  {
    stage_run run(gateway::tapped(gateway::relay_stage<plain>("plain"), make));
    run.component.core.arrive("bye");
    run.component.core.peer_closes();
    run.advance(std::chrono::milliseconds(20));
    CHECK(run.end == side::core);
    CHECK(run.component.wic.sent == std::vector<std::string>{"bye"});
  }
  {
    stage_run run(gateway::tapped(gateway::relay_stage<plain>("plain"), make));
    run.component.wic.fail("sctp", "abort");
    run.settle();
    CHECK(run.failure() == "sctp:abort");
  }
}
