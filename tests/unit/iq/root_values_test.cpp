// Values of the root package are numbers within bounds, or refused.
#include <string>

#include <catch2/catch.hpp>

#include "agw/h248/text.hpp"
#include "root_values.hpp"

using namespace agw;
using namespace agw::iq;
using namespace std::chrono_literals;

namespace {

// As a controller writes it: "root/normalMGExecutionTime=700".
std::optional<root_error> set(h248::transaction_config& into, const std::string& written) {
  const auto m = h248::parse("!/3 m T=1{C=-{MF=ROOT{M{TS{" + written + "}}}}}");
  REQUIRE(m.ok());
  const auto& c = std::get<h248::transaction_request>(m->transactions.front()).actions.front().commands.front();
  return set_root_value(c.find<h248::media_descriptor>()->state->properties.front(), into);
}

}  // namespace

TEST_CASE("each value of the root package has its place in the transaction layer, and is audited from there") {
  h248::transaction_config c;
  for (const char* text : {"root/normalMGExecutionTime=700", "root/normalMGCExecutionTime=0x320", "root/MGProvisionalResponseTimerValue=500",
                           "root/MGCProvisionalResponseTimerValue=900", "root/MGCOriginatedPendingLimit=3", "ROOT/mgoriginatedpendinglimit=4"}) {
    CAPTURE(text);
    REQUIRE_FALSE(set(c, text));
  }
  CHECK(c.normal_execution_time == 700ms);
  CHECK(c.peer_execution_time == 800ms);
  CHECK(c.provisional_response_time == 500ms);
  CHECK(c.provisional_timeout == 900ms);
  CHECK(c.received_pending_limit == 3);
  CHECK(c.sent_pending_limit == 4);
  CHECK(root_value(h248::item_name::of("root/normalMGCExecutionTime"), c) == 800);
  CHECK(root_value(h248::item_name::of("root/MGOriginatedPendingLimit"), c) == 4);
  CHECK_FALSE(root_value(h248::item_name::of("ipra/ar"), c));
}

TEST_CASE("what no one number within the bounds is, is refused with error 449, and changes nothing") {
  for (const char* name : {"root/normalMGExecutionTime", "root/normalMGCExecutionTime", "root/MGProvisionalResponseTimerValue",
                           "root/MGCProvisionalResponseTimerValue", "root/MGCOriginatedPendingLimit", "root/MGOriginatedPendingLimit"}) {
    for (const char* value : {"=0", "=-5", ">-5", ">500", "<500", "#500", "=$", "=*", "=[500,600]", "={500,600}", "=[500:600]", "=60001", "=1001000",
                              "=99999999999999999999", "=soon", "=\"500\"", "=5.5", "=0x", "=18446744073709551616"}) {
      CAPTURE(name, value);
      h248::transaction_config c;
      const auto before = root_value(h248::item_name::of(name), c);
      const auto error = set(c, std::string(name) + value);
      REQUIRE(error);
      CHECK(error->code == h248::error_code::unknown_value);
      CHECK(error->text.starts_with(name));
      CHECK(root_value(h248::item_name::of(name), c) == before);
    }
  }
}

TEST_CASE("times that nobody set are shown as those they follow") {
  h248::transaction_config c;
  CHECK(root_value(h248::item_name::of("root/MGProvisionalResponseTimerValue"), c) == 1500);
  CHECK(root_value(h248::item_name::of("root/normalMGCExecutionTime"), c) == 4000);
}
