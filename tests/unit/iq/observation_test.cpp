// The words in which an event of the gateway is notified.
#include "observation.hpp"

#include <catch2/catch.hpp>

using namespace agw;
using namespace agw::iq;

namespace {

std::string parameter(const observed& o, std::string_view name) {
  for (const auto& [key, value] : o.parameters) {
    if (key == name) return value;
  }
  return "none";
}

std::string label_told(std::string label) {
  gateway::gateway_event e;
  e.what = gateway::gateway_event::kind::established;
  e.layer = gateway::layer::channel;
  e.stage = "channel";
  e.sid = 4;
  e.label = std::move(label);
  const auto told = names_of(e);
  REQUIRE(told.size() == 1);
  return parameter(told.front(), "label");
}

}  // namespace

TEST_CASE("a channel's label is told as it is, and a long one cut behind a whole character") {
  CHECK(label_told("chat") == "\"chat");
  CHECK(label_told(std::string(256, 'x')).size() == 257);
  CHECK(label_told(std::string(65535, 'x')) == "\"" + std::string(256, 'x'));
  const std::string euro = "\xe2\x82\xac";
  std::string many;
  for (int i = 0; i < 100; ++i) many += euro;
  CHECK(label_told(many) == "\"" + many.substr(0, 255));
  CHECK(label_told("x" + many) == "\"x" + many.substr(0, 255));
  CHECK(label_told(std::string(65535, '\x80')) == "\"");  // no character begins there
}

TEST_CASE("a channel that was blocked is told as the channel's failure with its cause") {
  gateway::gateway_event e;
  e.what = gateway::gateway_event::kind::failed;
  e.layer = gateway::layer::channel;
  e.stage = "channel";
  e.cause = "channel:blocked";
  const auto told = names_of(e);
  REQUIRE(told.size() == 2);
  CHECK(told[0].package == "dcep");
  CHECK(parameter(told[0], "Cause") == "\"channel:blocked");
}
