// The stage on a test clock, between pipes in memory.
#include <iostream>

#include <agw/gateway/testing/stage_run.hpp>

#include "upper_stage.hpp"

namespace {

int failures = 0;
void check(bool holds, const char* what) {
  if (holds) return;
  ++failures;
  std::cerr << "failed: " << what << '\n';
}

}  // namespace

int main() {
  agw::gateway::subprotocol_registry registry;
  add_upper(registry);
  const auto* stage = registry.find("upper");
  check(stage != nullptr, "the stage has its name");
  if (stage == nullptr) return failures;

  agw::testing::stage_run run(*stage);
  run.component.wic.arrive("one", agw::message_kind::text);
  run.settle();
  check(run.component.core.sent == "ONE", "what the browser says arrives in capitals");

  agw::testing::stage_run refused(*stage);
  refused.component.wic.arrive("x", agw::message_kind::binary);
  refused.settle();
  check(refused.failure() == "upper:syntax", "what is no text ends the stage");
  return failures;
}
