#include <agw/h248/ids.hpp>

#include <map>
#include <string>
#include <unordered_map>

#include <catch2/catch.hpp>

using namespace agw::h248;

TEST_CASE("a termination id gives its fields") {
  const termination_id t{"ip/1/access/7"};
  CHECK(t.fields() == 4);
  CHECK(t.field(0) == "ip");
  CHECK(t.field(3) == "7");
  CHECK(t.field(4).empty());
  CHECK(termination_id{}.fields() == 0);
  CHECK(termination_id{"ip//x"}.field(1).empty());
  CHECK(termination_id{"Ip/1/ACCESS/7"} == t);
  CHECK(termination_id{"root"}.is_root());
}

TEST_CASE("a wildcarded termination id matches the names it stands for") {
  const auto matches = [](std::string_view pattern, std::string_view name) { return termination_id{pattern}.matches({name}); };
  CHECK(matches("ip/1/*", "ip/1/access/7"));
  CHECK(matches("ip/*/access/*", "IP/1/ACCESS/7"));
  CHECK(matches("ip/1/a*7", "ip/1/access/7"));
  CHECK(matches("*", "ip/1/access/7"));
  CHECK_FALSE(matches("*", "ROOT"));
  CHECK(matches("ip/1/access/7", "ip/1/access/7"));
  CHECK_FALSE(matches("ip/2/*", "ip/1/access/7"));
  CHECK_FALSE(matches("ip/1/access", "ip/1/access/7"));
  CHECK_FALSE(matches("ip/1/access/$", "ip/1/access/7"));
  CHECK(matches("a*b*c", "aXbYbZc"));
  CHECK_FALSE(matches("a*b*c", "aXbYbZ"));
  CHECK(matches("a**", "a"));
}

TEST_CASE("item names compare without case and with wildcards") {
  CHECK(item_name::of("g/cause").is("G/Cause"));
  CHECK(item_name::of("g/*").matches(item_name::of("g/cause")));
  CHECK(item_name::of("*/*").matches(item_name::of("g/cause")));
  CHECK_FALSE(item_name::of("g/*").matches(item_name::of("nt/os")));
  CHECK(item_name::of("g").item.empty());
}

TEST_CASE("the reserved context ids are none that a gateway gives") {
  CHECK(context_id::null().is_null());
  CHECK_FALSE(context_id::null().is_specific());
  CHECK_FALSE(context_id::choose().is_specific());
  CHECK_FALSE(context_id::all().is_specific());
  CHECK(context_id{1}.is_specific());
}

TEST_CASE("containers of names ignore case") {
  std::map<std::string, int, iless> ordered{{"Access", 1}};
  CHECK(ordered.find(std::string_view("aCCESS")) != ordered.end());
  std::unordered_map<std::string, int, ihash, iequal_to> hashed{{"Access", 1}};
  CHECK(hashed.find(std::string_view("ACCESS")) != hashed.end());
  CHECK(iless{}("a", "AB"));
  CHECK_FALSE(iless{}("b", "AB"));
  // Only ASCII letters have case.
  CHECK_FALSE(iequals("\xC4", "\xE4"));
  CHECK_FALSE(iequals("[", "{"));
}
