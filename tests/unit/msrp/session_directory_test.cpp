#include "agw/msrp/session_directory.hpp"

#include <optional>

#include <catch2/catch.hpp>

using namespace agw::msrp;

TEST_CASE("a session is bound once, for as long as its binding lives") {
  session_directory sessions;
  const std::string uri = "msrp://host.example.com:1/abc;tcp";
  auto first = std::optional(sessions.bind(uri));
  CHECK(first->holds());
  CHECK_FALSE(sessions.bind("MSRP://HOST.example.com:1/abc;tcp").holds());
  CHECK(sessions.bound(uri, uri_match::exact));
  CHECK(sessions.size() == 1);
  first.reset();
  CHECK(sessions.size() == 0);
  CHECK_FALSE(sessions.bound(uri, uri_match::exact));
  CHECK(sessions.bind(uri).holds());
  CHECK(sessions.size() == 0);
}

TEST_CASE("sessions are told apart by all of their URI, or by their session id alone") {
  session_directory sessions;
  const auto a = sessions.bind("msrp://host.example.com:1/abc;tcp");
  const auto b = sessions.bind("msrp://host.example.com:2/abc;tcp");
  const auto bare = sessions.bind("msrp://host.example.com:2;tcp");
  CHECK(a.holds());
  CHECK(b.holds());
  CHECK(bare.holds());
  CHECK_FALSE(sessions.bound("msrp://host.example.com:3/abc;tcp", uri_match::exact));
  CHECK(sessions.bound("msrp://host.example.com:3/abc;tcp", uri_match::sessmatch));
  CHECK_FALSE(sessions.bound("msrp://host.example.com:3/def;tcp", uri_match::sessmatch));
  CHECK_FALSE(sessions.bound("nonsense", uri_match::sessmatch));
  CHECK_FALSE(sessions.bind("nonsense").holds());
}

TEST_CASE("a binding that is moved holds the session once") {
  session_directory sessions;
  auto a = sessions.bind("msrp://host.example.com:1/abc;tcp");
  session_directory::binding b;
  CHECK_FALSE(b.holds());
  b = std::move(a);
  CHECK(b.holds());
  CHECK(sessions.size() == 1);
  {
    const auto c = std::move(b);
    CHECK(c.holds());
  }
  CHECK(sessions.size() == 0);
}
