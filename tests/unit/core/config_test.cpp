#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "agw/core/config.hpp"

using namespace agw;

namespace {

config_document document(std::string_view text) {
  auto parsed = config_document::parse(text, "agw.toml");
  INFO((parsed ? std::string() : parsed.error().text));
  REQUIRE(parsed.has_value());
  return *parsed;
}

}  // namespace

TEST_CASE("a value keeps the line it stands on") {
  const auto d = document("threads = 2\n\n[ports]\n# the lowest\nlow = 1024\n");
  REQUIRE(d.find("threads"));
  CHECK(d.find("threads")->source == "agw.toml:1");
  REQUIRE(d.find("ports.low"));
  CHECK(d.find("ports.low")->source == "agw.toml:5");
  CHECK(std::get<std::int64_t>(d.find("ports.low")->data) == 1024);
  CHECK(d.find("low") == nullptr);
}

TEST_CASE("tables are known by their place, also when they are empty") {
  const auto d = document("[a.b]\n[c]\nd = { e = true }\n");
  std::vector<std::string> keys;
  for (const auto& t : d.tables()) keys.push_back(t.key + "@" + t.source);
  std::sort(keys.begin(), keys.end());
  CHECK(keys == std::vector<std::string>{"a.b@agw.toml:1", "a@agw.toml:1", "c.d@agw.toml:3", "c@agw.toml:2"});
  REQUIRE(d.find("c.d.e"));
  CHECK(std::get<bool>(d.find("c.d.e")->data));
}

TEST_CASE("a quoted key is one key, slashes included") {
  const auto d = document("[names]\n\"mgroup/sem\" = \"grp/sem\"\n");
  REQUIRE(d.find("names.mgroup/sem"));
  CHECK(std::get<std::string>(d.find("names.mgroup/sem")->data) == "grp/sem");
}

TEST_CASE("what is no TOML is told with its line") {
  const auto broken = config_document::parse("a = 1\nb = = 2\n", "agw.toml");
  REQUIRE_FALSE(broken.has_value());
  CHECK(broken.error().text.starts_with("agw.toml:2: "));
  CHECK(broken.error().text.find('\n') == std::string::npos);
  CHECK_FALSE(config_document::parse("a = 1\na = 2\n", "x").has_value());
}

TEST_CASE("a wrong value is shown as it was written") {
  const auto d = document("n = 70000\nt = \"a\\\"b\\nc\"\nl = [1, \"x\"]\nf = 1.5\nd = 2026-01-01\nb = false\n");
  const auto line = [&](std::string_view key) { return wrong_value(key, *d.find(key), "an integer from 1 to 2").text; };
  CHECK(line("n") == "agw.toml:1: n = 70000: allowed is an integer from 1 to 2");
  CHECK(line("t") == "agw.toml:2: t = \"a\\\"b?c\": allowed is an integer from 1 to 2");
  CHECK(line("l") == "agw.toml:3: l = [1, \"x\"]: allowed is an integer from 1 to 2");
  CHECK(line("f") == "agw.toml:4: f = a floating-point number: allowed is an integer from 1 to 2");
  CHECK(line("d") == "agw.toml:5: d = a date or time: allowed is an integer from 1 to 2");
  CHECK(line("b") == "agw.toml:6: b = false: allowed is an integer from 1 to 2");
  const config_value option{std::string("x"), "--ports", true};
  CHECK(wrong_value("ports", option, "LOW-HIGH").text == "--ports: x: allowed is LOW-HIGH");
}

TEST_CASE("a very long value does not make a very long line") {
  const auto d = document("t = \"" + std::string(5000, 'x') + "\"\n");
  CHECK(wrong_value("t", *d.find("t"), "less").text.size() < 200);
}

TEST_CASE("a file that cannot be read is named, with the reason") {
  const auto missing = read_config_file("/nonexistent/agw.toml");
  REQUIRE_FALSE(missing.has_value());
  CHECK(missing.error().text == "/nonexistent/agw.toml: No such file or directory: allowed is a file that can be read");
  CHECK_FALSE(read_config_file("/").has_value());
  CHECK_THROWS_AS(missing.value(), std::runtime_error);
}
