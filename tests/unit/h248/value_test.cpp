#include <agw/h248/value.hpp>

#include <catch2/catch.hpp>

#include <agw/h248/command.hpp>

using namespace agw::h248;

TEST_CASE("unquoted values compare without case, quoted ones with it") {
  CHECK(value{"ON"} == value{"on"});
  CHECK_FALSE(quoted("ON") == quoted("on"));
  CHECK_FALSE(quoted("on") == value{"on"});
  CHECK(value{"both"}.is("BOTH"));
  CHECK_FALSE(quoted("both").is("BOTH"));
  CHECK(value{"$"}.is_choose());
  CHECK_FALSE(quoted("$").is_choose());
}

TEST_CASE("integers are decimal or hexadecimal and take the whole value") {
  CHECK(value{"3600"}.as_integer() == 3600);
  CHECK(value{"-5"}.as_integer() == -5);
  CHECK(value{"0x1F"}.as_integer() == 31);
  CHECK(value{"0X1f"}.as_integer() == 31);
  for (const char* text : {"", "0x", "0x-1", "12a", "1.5", "99999999999999999999", "-"}) {
    INFO(text);
    CHECK_FALSE(value{text}.as_integer());
  }
  CHECK_FALSE(quoted("5").as_integer());
  CHECK(value{"oFF"}.as_boolean() == false);
  CHECK_FALSE(value{"maybe"}.as_boolean());
}

TEST_CASE("single() is there only for a plain value") {
  CHECK(one("x").single() == value{"x"});
  CHECK_FALSE(value_set{}.single());
  CHECK_FALSE(value_set{{value{"x"}}, value_form::sublist, relation::equal}.single());
  CHECK_FALSE(value_set{{value{"x"}}, value_form::single, relation::less}.single());
  CHECK(value_set{}.first().text.empty());
}

TEST_CASE("the reason of a ServiceChange starts with its number") {
  const auto code = [](std::string_view text) { return services_descriptor{.reason = quoted(text)}.reason_code(); };
  CHECK(code("901 Cold Boot") == 901);
  CHECK(code("905") == 905);
  CHECK_FALSE(code("Cold Boot"));
  CHECK_FALSE(code("901x"));
  CHECK_FALSE(services_descriptor{}.reason_code());
}
