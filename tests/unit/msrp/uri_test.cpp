#include "agw/msrp/uri.hpp"

#include <string>

#include <catch2/catch.hpp>

#include "agw/msrp/error.hpp"

using namespace agw::msrp;

TEST_CASE("a URI comes apart into its components") {
  const auto uri = parse_uri("msrps://user@host.example.com:8493/asfd34;tcp;x=1;flag").value();
  CHECK(uri.secure);
  CHECK(uri.userinfo == "user");
  CHECK(uri.host == "host.example.com");
  CHECK(uri.port == 8493);
  CHECK(uri.session_id == "asfd34");
  CHECK(uri.transport == "tcp");
  CHECK(uri.parameters == ";x=1;flag");

  const auto bare = parse_uri("MSRP://host;TCP").value();
  CHECK_FALSE(bare.secure);
  CHECK_FALSE(bare.port);
  CHECK_FALSE(bare.session_id);
  CHECK(bare.transport == "TCP");
}

TEST_CASE("IPv6 hosts are taken with brackets, and without as RFC 8873 prints them") {
  const auto bracketed = parse_uri("msrps://[2001:db8::3]:54111/si438dsaodes;dc").value();
  CHECK(bracketed.host == "2001:db8::3");
  CHECK(bracketed.port == 54111);
  const auto printed = parse_uri("msrps://2001:db8::3:54111/si438dsaodes;dc").value();
  CHECK(printed.host == "2001:db8::3");
  CHECK(printed.port == 54111);
  CHECK(equivalent(bracketed, printed));
}

TEST_CASE("what is no URI is refused") {
  const char* bad[] = {"", "msrp:", "msrp://", "sip://host:1/a;tcp", "msrp://host:1/a", "msrp://host:1/a;",
                       "msrp://host:1/;tcp", "msrp://:1/a;tcp", "msrp://host:/a;tcp", "msrp://host:0/a;tcp",
                       "msrp://host:65536/a;tcp", "msrp://host:1x/a;tcp", "msrp://ho st:1/a;tcp", "msrp://host:1/a b;tcp",
                       "msrp://host:1/a%20b;tcp", "msrp://host:1/a;t-p", "msrp://[::1:1/a;tcp", "msrp://[host]:1/a;tcp",
                       "msrp://a:b:1/x;tcp", "msrp://host:1/a;tcp;", "msrp://host:1/a;tcp;=1", "msrp://host:1/a;tcp;x=",
                       "msrp://host:000080/a;tcp"};
  for (const auto* text : bad) {
    INFO(text);
    const auto uri = parse_uri(text);
    REQUIRE(uri.has_error());
    CHECK(uri.error() == errc::bad_uri);
  }
  CHECK(parse_uri("msrp://host:1/" + std::string(2000, 'a') + ";tcp").has_error());
  CHECK(parse_uri(std::string_view("msrp://ho\0st:1/a;tcp", 20)).has_error());
}

TEST_CASE("no truncation of a URI is read beyond its end") {
  const std::string text = "msrps://u@[2001:db8::3]:54111/si438;dc;p=1";
  const std::string up_to_id = "msrps://u@[2001:db8::3]:54111/si438";
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const std::vector<char> copy(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
    const std::string rest = size > up_to_id.size() ? text.substr(up_to_id.size(), size - up_to_id.size()) : "";
    INFO(text.substr(0, size));
    const bool whole = rest == ";d" || rest == ";dc" || rest == ";dc;p" || rest == ";dc;p=1";
    CHECK(parse_uri(std::string_view(copy.data(), copy.size())).has_value() == whole);
  }
}

TEST_CASE("URIs compare as RFC 4975, 6.1 says") {
  const std::string uri = "msrp://Host.example.com:8493/asfd34;tcp";
  CHECK(equivalent(uri, "MSRP://hOST.EXAMPLE.COM:8493/asfd34;TCP"));
  CHECK(equivalent(uri, "msrp://someone@host.example.com:8493/asfd34;tcp;more=1"));
  CHECK(equivalent(uri, "msrp://h%6Fst%2eexample.com:8493/asfd34;tcp"));
  CHECK_FALSE(equivalent(uri, "msrps://host.example.com:8493/asfd34;tcp"));
  CHECK_FALSE(equivalent(uri, "msrp://host.example.com:8494/asfd34;tcp"));
  CHECK_FALSE(equivalent(uri, "msrp://host.example.com/asfd34;tcp"));
  CHECK_FALSE(equivalent(uri, "msrp://host.example.com:8493/ASFD34;tcp"));
  CHECK_FALSE(equivalent(uri, "msrp://host.example.com:8493;tcp"));
  CHECK_FALSE(equivalent(uri, "msrp://host.example.com:8493/asfd34;dc"));
  CHECK_FALSE(equivalent(uri, "nonsense"));
  CHECK(equivalent("nonsense", "nonsense"));
  CHECK(equivalent("msrp://[2001:DB8:0:0::1]:9/a;tcp", "msrp://[2001:db8::1]:9/a;tcp"));
  CHECK_FALSE(equivalent("msrp://[2001:db8::2]:9/a;tcp", "msrp://[2001:db8::1]:9/a;tcp"));
  CHECK(equivalent("msrp://[::ffff:127.0.0.1]:9/a;tcp", "msrp://[::ffff:7f00:1]:9/a;tcp"));
}

TEST_CASE("sessmatch compares the session id alone") {
  const std::string uri = "msrp://host.example.com:8493/asfd34;tcp";
  const std::string moved = "msrps://192.0.2.7:4000/asfd34;dc";
  CHECK(matches(uri, moved, uri_match::sessmatch));
  CHECK_FALSE(matches(uri, moved, uri_match::exact));
  CHECK(matches(uri, uri, uri_match::exact));
  CHECK_FALSE(matches(uri, "msrp://host.example.com:8493/ASFD34;tcp", uri_match::sessmatch));
  CHECK_FALSE(matches("msrp://host.example.com:8493;tcp", "msrp://192.0.2.7:1;tcp", uri_match::sessmatch));
  CHECK_FALSE(matches(uri, "nonsense", uri_match::sessmatch));
  CHECK_FALSE(matches(uri + " " + uri, uri, uri_match::sessmatch));
}

TEST_CASE("a path is a list of URIs") {
  const std::string path = "msrp://r1.example.com:1/a;tcp msrp://r2.example.com:2/b;tcp msrp://end.example.com:3/c;tcp";
  const auto uris = split_path(path).value();
  REQUIRE(uris.size() == 3);
  CHECK(uris[0] == first_uri(path));
  CHECK(uris[2] == last_uri(path));
  CHECK(split_path("").error() == errc::bad_path);
  CHECK(split_path("msrp://r1.example.com:1/a;tcp  msrp://r2.example.com:2/b;tcp").error() == errc::bad_uri);
  std::string long_path = "msrp://h:1/a;tcp";
  for (int i = 0; i < 16; ++i) long_path += " msrp://h:1/a;tcp";
  CHECK(split_path(long_path).error() == errc::bad_path);
}
