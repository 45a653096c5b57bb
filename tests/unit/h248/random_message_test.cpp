// Messages derived from the grammar at random: all are read, and come back the same through both layouts.
#include <string>

#include <catch2/catch.hpp>

#include <agw/h248/text.hpp>

#include "unit/h248/random_message.hpp"

using namespace agw::h248;

TEST_CASE("random valid messages of every version are read and come back the same") {
  for (int version = 1; version <= 3; ++version) {
    h248_tests::message_generator generate(static_cast<std::uint64_t>(version), version);
    for (int n = 0; n < 700; ++n) {
      const std::string text = generate.next();
      const parsed_message m = parse(text);
      INFO(text);
      if (!m.ok()) {
        const auto& e = m.errors().front();
        FAIL(e.line << ":" << e.column << ": expected " << e.expected);
      }
      for (const auto style : {layout::compact, layout::pretty}) {
        const std::string written = to_text(*m, style);
        const parsed_message again = parse(written);
        INFO(written);
        REQUIRE(again.ok());
        if (!(*again == *m)) FAIL("not the same message");
      }
    }
  }
}
