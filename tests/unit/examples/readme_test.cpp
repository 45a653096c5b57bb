// The code that the README shows of `lines` stands in its file, which is compiled; the rest of the chapter's code is compiled here.
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/examples/stages.hpp"
#include "agw/gateway/tap.hpp"
#include "agw/gateway/testing/call.hpp"
#include "agw/gateway/testing/stage_run.hpp"

using namespace agw;
using namespace agw::gateway;

namespace {

const std::string root = std::string(AGW_TEST_DATA) + "/../";

std::string text_of(const std::string& file) {
  std::ifstream in(root + file);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::string trimmed(const std::string& line) {
  const auto first = line.find_first_not_of(' ');
  return first == line.npos ? "" : line.substr(first);
}

// The lines of code of a chapter: indented by six columns at least.
std::vector<std::string> code_of(const std::string& chapter) {
  std::istringstream in(text_of("README.md"));
  std::vector<std::string> out;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("## ")) inside = line == "## " + chapter;
    if (inside && line.starts_with("      ")) out.push_back(trimmed(line));
  }
  return out;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) out.push_back(trimmed(line));
  return out;
}

subprotocol_stage lines_stage() {
  subprotocol_registry registry;
  examples::add_stages(registry);
  return *registry.find("lines");
}

}  // namespace

TEST_CASE("each line of code in the README's chapter on stages is compiled: it stands in the example or in this test") {
  const auto shown = code_of("Write a stage");
  REQUIRE(shown.size() > 15);
  auto compiled = lines_of(text_of("apps/examples/src/lines_stage.cpp"));
  const auto here = lines_of(text_of("tests/unit/examples/readme_test.cpp"));
  compiled.insert(compiled.end(), here.begin(), here.end());
  for (const auto& line : shown) {
    INFO(line);
    CHECK(std::find(compiled.begin(), compiled.end(), line) != compiled.end());
  }
}

TEST_CASE("the test that the README shows passes") {
  testing::stage_run run(lines_stage());
  run.component.wic.arrive("hello", message_kind::text);
  run.settle();
  CHECK(run.component.core.sent == "hello\n");
}

TEST_CASE("the call that the README shows passes") {
  testing::rig rig;
  examples::add_stages(rig.services.subprotocols);
  rig.run([&](gateway::context& context) -> awaitable<void> {
    testing::call call(rig);
    call.adjust = [](auto& asked) { std::get<gateway::channel_local>(*asked.streams.at(testing::s2).local).subprotocol = "lines"; };
    auto body = [&](task_group&) -> awaitable<void> {
      co_await call.say_text("hello");
      const auto heard = co_await call.core_hears("\n");
      CHECK(heard == "hello\n");
    };
    co_await call.run(context, body);
  });
}

TEST_CASE("the README's tap before a stage that is there sees what passes it") {
  subprotocol_registry registry;
  examples::add_stages(registry);
  int seen = 0;
  const auto make_tap = [&](component_context&) {
    tap hooks;
    hooks.from_wic = [&](message&) { ++seen; };
    return hooks;
  };
  registry.add("lines", tapped(*registry.find("lines"), make_tap));
  testing::stage_run run(*registry.find("lines"));
  run.component.wic.arrive("hello", message_kind::text);
  run.settle();
  CHECK(seen == 1);
}
