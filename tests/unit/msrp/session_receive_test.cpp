#include "unit/msrp/session_rig.hpp"

using namespace agw;
using namespace agw::msrp;
using namespace agw::msrp::test;

TEST_CASE("a short message arrives, is answered and reported") {
  endpoint a(config_of(alice, bob));
  endpoint b(config_of(bob, alice));
  outgoing_message head;
  head.success_report = true;
  const auto id = a.send("Hi, I'm Alice!", head);
  exchange(a, b);
  CHECK(b.bodies[id] == "Hi, I'm Alice!");
  CHECK(b.log == words{"start " + id + " text/plain", "done " + id + " 14"});
  CHECK(a.log == words{"accepted " + id, "report " + id + " 200 1-14/14"});
  CHECK(a.s.next_deadline() == no_deadline);
}

TEST_CASE("chunks may come in any order and twice; the message is done when all of it is there") {
  endpoint b(config_of(bob, alice));
  auto o = to_bob();
  o.success_report = true;
  const auto chunk = [&](std::string_view text, std::uint64_t start, continuation flag) {
    o.range = byte_range{start, std::nullopt, std::nullopt};
    o.flag = flag;
    return make_chunk(text, o);
  };
  b.feed(chunk("cd", 3, continuation::more));
  b.feed(chunk("ef", 5, continuation::complete));
  CHECK(b.log == words{"start 12339sdqwer text/plain"});
  b.feed(chunk("cd", 3, continuation::more));
  b.feed(chunk("ab", 1, continuation::more));
  CHECK(b.log.back() == "done 12339sdqwer 6");
  CHECK(b.bodies["12339sdqwer"] == "abcdef");
  const auto out = parse_whole(b.output());
  REQUIRE(out.chunks.size() == 5);
  CHECK(out.chunks[4].kind == chunk_kind::report);
  CHECK(out.chunks[4].range == byte_range{1, 6, 6});
}

TEST_CASE("requests are answered as RFC 4975, 7.3 says") {
  const auto answer = [](const std::string& request, session_config config = config_of(bob, alice)) {
    endpoint b(std::move(config));
    b.feed(request);
    REQUIRE_FALSE(b.error);
    const auto out = b.output();
    return out.empty() ? std::string() : out.substr(14, 3);
  };
  CHECK(answer(make_chunk("x", to_bob())) == "200");
  auto o = to_bob();
  o.to = alice;
  CHECK(answer(make_chunk("x", o)) == "481");
  o.failure = failure_report::partial;
  CHECK(answer(make_chunk("x", o)) == "481");
  o.failure = failure_report::no;
  CHECK(answer(make_chunk("x", o)).empty());
  o.to = bob;
  CHECK(answer(make_chunk("x", o)).empty());
  o.failure = failure_report::partial;
  CHECK(answer(make_chunk("x", o)).empty());

  auto picky = config_of(bob, alice);
  picky.accept_types = {"image/*", "message/cpim"};
  CHECK(answer(make_chunk("x", to_bob()), picky) == "415");
  picky.accept_types = {"TEXT/*"};
  CHECK(answer(make_chunk("x", to_bob()), picky) == "200");

  const std::string paths = "To-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) + "\r\n";
  CHECK(answer("MSRP d93kswow NICKNAME\r\n" + paths + "-------d93kswow$\r\n") == "501");
  CHECK(answer("MSRP d93kswow SEND\r\n" + paths + "Content-Type: text/plain\r\n\r\nx\r\n-------d93kswow$\r\n") == "400");
  CHECK(answer("MSRP d93kswow SEND\r\n" + paths + "Message-ID: abcd\r\n\r\nx\r\n-------d93kswow$\r\n") == "400");
  CHECK(answer("MSRP d93kswow SEND\r\n" + paths + "Message-ID: abcd\r\n-------d93kswow$\r\n") == "200");
  CHECK(answer("MSRP d93kswow REPORT\r\n" + paths + "Message-ID: abcd\r\nStatus: 000 200 OK\r\n-------d93kswow$\r\n").empty());
}

TEST_CASE("an endpoint answers what it cannot take and goes on, and takes ids and ranges of any form") {
  endpoint b(config_of(bob, alice));
  const std::string paths = "To-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) + "\r\n";
  const std::string body = "Content-Type: text/plain\r\n\r\nx\r\n-------abc$\r\n";
  const auto answer = [&](const std::string& text) {
    b.feed("\r\n" + text);
    REQUIRE_FALSE(b.error);
    const auto out = b.output();
    return out.empty() ? std::string() : out.substr(0, 12);
  };
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m@x_y 1\r\n" + body) == "MSRP abc 200");
  CHECK(b.log.back() == "done m@x_y 1 1");
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m2\r\nByte-Range: 0-1/1\r\n" + body) == "MSRP abc 200");
  CHECK(b.log.back() == "done m2 1");
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m3\r\nByte-Range: 0-0/0\r\n-------abc$\r\n") == "MSRP abc 200");
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m4\r\nByte-Range: what\r\n" + body) == "MSRP abc 400");
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m5\r\nByte-Range: 9223372036854775808-*/*\r\n" + body) == "MSRP abc 413");
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m6\r\nContent-Type: \r\n\r\nx\r\n-------abc$\r\n") == "MSRP abc 415");
  CHECK(answer("MSRP abc SEND\r\nFrom-Path: " + std::string(alice) + "\r\n" + body) == "MSRP abc 400");
  CHECK(answer("MSRP abc SEND\r\n" + body).empty());
  CHECK(answer("MSRP abc SEND\r\n" + paths + "Message-ID: m7\r\n" + body) == "MSRP abc 200");
}

TEST_CASE("a message that is too long is stopped with 413, once its length is known or reached") {
  auto config = config_of(bob, alice);
  config.max_size = 1000;
  auto o = to_bob();
  {
    endpoint b(config);
    o.range = byte_range{1, std::nullopt, 1001};
    o.flag = continuation::more;
    b.feed(make_chunk("x", o));
    CHECK(b.output().substr(14, 3) == "413");
    CHECK(b.log.empty());
  }
  {
    endpoint b(config);
    o.range = byte_range{1, std::nullopt, std::nullopt};
    const auto chunk = make_chunk(std::string(2000, 'x'), o);
    b.feed(std::string_view(chunk).substr(0, 700));
    CHECK(b.output().empty());
    b.feed(std::string_view(chunk).substr(700, 800));
    CHECK(b.output().substr(14, 3) == "413");  // at once, not at its end
    const auto kept = std::to_string(b.bodies["12339sdqwer"].size());
    CHECK(b.log == words{"start 12339sdqwer text/plain", "aborted 12339sdqwer " + kept});
    b.feed(std::string_view(chunk).substr(1500));
    CHECK(b.output().empty());
    o.range = byte_range{2001, std::nullopt, std::nullopt};
    b.feed(make_chunk("the next chunk was on its way", o));
    CHECK(b.output().substr(14, 3) == "413");
    CHECK(b.log.size() == 2);
  }
}

TEST_CASE("a receiver may refuse in the middle") {
  endpoint b(config_of(bob, alice));
  auto o = to_bob();
  o.range = byte_range{1, std::nullopt, std::nullopt};
  const auto chunk = make_chunk(std::string(200, 'x'), o);
  b.feed(std::string_view(chunk).substr(0, 350));
  b.s.refuse("12339sdqwer", 413);
  CHECK(b.output().substr(14, 3) == "413");
  b.feed(std::string_view(chunk).substr(350));
  CHECK(b.output().empty());
  CHECK(b.log == words{"start 12339sdqwer text/plain"});
}

TEST_CASE("a peer that asks and does not read is noticed") {
  auto config = config_of(bob, alice);
  config.max_output_bytes = 1000;
  endpoint b(config);
  for (int i = 0; i < 20; ++i) b.feed(make_chunk("x", to_bob()));
  CHECK(b.s.congested());
  b.output();
  CHECK_FALSE(b.s.congested());
  CHECK(b.s.output_bytes() == 0);
}
