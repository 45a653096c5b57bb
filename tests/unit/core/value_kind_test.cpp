#include <catch2/catch.hpp>

#include "agw/core/value_kind.hpp"

using namespace agw;
using namespace std::chrono_literals;

namespace {

config_value in_file(std::string text) { return {std::move(text), "f:1"}; }
config_value on_command_line(std::string text) { return {std::move(text), "--x", true}; }
config_value in_file(std::int64_t number) { return {number, "f:1"}; }

template <class T>
bool takes(const value_kind<T>& k, const std::string& text) {
  return k.read(in_file(text)).has_value();
}

}  // namespace

TEST_CASE("integers stay within their bounds, and are no texts in a file") {
  const auto k = kind::integer<std::uint16_t>(1024, 65535);
  CHECK(k.read(in_file(1024)) == 1024);
  CHECK(k.read(in_file(65535)) == 65535);
  CHECK_FALSE(k.read(in_file(1023)));
  CHECK_FALSE(k.read(in_file(65536)));
  CHECK_FALSE(k.read(in_file(-1)));
  CHECK_FALSE(k.read(in_file("2000")));
  CHECK(k.read(on_command_line("2000")) == 2000);
  for (const auto* bad : {"", " 2000", "2000 ", "0x800", "2000.0", "99999999999999999999"})
    CHECK_FALSE(k.read(on_command_line(bad)));
  CHECK(k.allowed == "an integer from 1024 to 65535");
}

TEST_CASE("truth values are true and false") {
  const auto k = kind::truth();
  CHECK(k.read({true, "f:1"}) == true);
  CHECK(k.read(on_command_line("false")) == false);
  CHECK_FALSE(k.read(in_file("true")));
  CHECK_FALSE(k.read(in_file(1)));
}

TEST_CASE("durations have a unit and bounds, and are written in their largest unit") {
  const auto k = kind::duration(1ms, 1h);
  CHECK(k.read(in_file("500ms")) == clock::duration(500ms));
  CHECK(k.read(in_file("30s")) == clock::duration(30s));
  CHECK(k.read(in_file("10min")) == clock::duration(10min));
  CHECK(k.read(in_file("1h")) == clock::duration(1h));
  for (const auto* bad :
       {"", "s", "5", "0s", "61min", "-1s", "1.5s", "1 s", "1d", "9223372036854775807h", "99999999999999999999ms"}) {
    CHECK_FALSE(takes(k, bad));
  }
  CHECK_FALSE(k.read(in_file(5)));
  CHECK(k.write(90s) == "\"90s\"");
  CHECK(k.write(2h) == "\"2h\"");
  CHECK(k.write(1500ms) == "\"1500ms\"");
  CHECK(k.write(0s) == "\"0ms\"");
  const auto whole_seconds = kind::duration<std::chrono::seconds>(1s, 60s);
  CHECK(whole_seconds.read(in_file("2000ms")) == 2s);
  CHECK_FALSE(whole_seconds.read(in_file("2500ms")));
}

TEST_CASE("addresses are numbers, and wildcards only where they make sense") {
  CHECK(takes(kind::address(), "127.0.0.1"));
  CHECK(takes(kind::address(), "2001:db8::1"));
  for (const auto* bad : {"", "localhost", "0.0.0.0", "::", "127.0.0", "fe80::1%lo", "1.2.3.4:5"})
    CHECK_FALSE(takes(kind::address(), bad));
  CHECK(takes(kind::address(true), "0.0.0.0"));
  CHECK(takes(kind::address(true), "::"));
}

TEST_CASE("listening addresses carry a port, and IPv6 has brackets") {
  const auto k = kind::listen_address();
  const auto v4 = k.read(in_file("127.0.0.1:2944"));
  REQUIRE(v4);
  CHECK(v4->port == 2944);
  CHECK(v4->str() == "127.0.0.1:2944");
  const auto v6 = k.read(in_file("[::1]:0"));
  REQUIRE(v6);
  CHECK(v6->str() == "[::1]:0");
  for (const auto* bad :
       {"", "127.0.0.1", "127.0.0.1:", ":2944", "::1:2944", "[127.0.0.1]:1", "127.0.0.1:65536", "localhost:1", "[::1]", "[]:1"}) {
    CHECK_FALSE(takes(k, bad));
  }
}

TEST_CASE("port ranges are ordered and bounded") {
  const auto k = kind::ports(1024, 65535);
  CHECK(k.read(on_command_line("1024-65535")) == port_range{1024, 65535});
  CHECK(k.read(on_command_line("2000-2000")) == port_range{2000, 2000});
  for (const auto* bad : {"", "-", "2000", "2001-2000", "1023-2000", "2000-65536", "2000-3000-4000", "a-b"})
    CHECK_FALSE(takes(k, bad));
}

TEST_CASE("choices are words") {
  enum class mode { lite, full };
  const auto k = kind::choice<mode>({{"lite", mode::lite}, {"full", mode::full}});
  CHECK(k.read(in_file("full")) == mode::full);
  CHECK_FALSE(k.read(in_file("Full")));
  CHECK_FALSE(k.read(in_file(1)));
  CHECK(k.write(mode::lite) == "\"lite\"");
  CHECK(k.allowed == "one of \"lite\", \"full\"");
}

TEST_CASE("a list is as good as its items and as long as allowed") {
  const auto k = kind::list(kind::text(1, 3), 1, 2);
  const auto value = [](std::vector<std::string> words) {
    config_value::list items;
    for (auto& w : words) items.push_back(in_file(std::move(w)));
    return config_value{std::move(items), "f:1"};
  };
  CHECK(k.read(value({"a"})) == std::vector<std::string>{"a"});
  CHECK(k.read(value({"a", "b"})) == std::vector<std::string>{"a", "b"});
  CHECK_FALSE(k.read(value({})));
  CHECK_FALSE(k.read(value({"a", "b", "c"})));
  CHECK_FALSE(k.read(value({"a", "long"})));
  CHECK_FALSE(k.read(in_file("a")));
  CHECK(k.write({"a", "b"}) == "[\"a\", \"b\"]");
  CHECK(k.allowed == "a list of 1 to 2, each a text of 1 to 3 bytes");
}

TEST_CASE("a file's path is nothing, or that of a file that can be read") {
  CHECK(takes(kind::file(), ""));
  CHECK(takes(kind::file(), "/dev/null"));
  CHECK_FALSE(takes(kind::file(), "/nonexistent"));
  CHECK_FALSE(takes(kind::file(), "/"));
}
