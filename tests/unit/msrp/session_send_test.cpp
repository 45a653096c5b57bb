#include "agw/core/error.hpp"
#include "unit/msrp/session_rig.hpp"

using namespace agw;
using namespace agw::msrp;
using namespace agw::msrp::test;

TEST_CASE("a chunk says what RFC 4975 wants it to say") {
  endpoint a(config_of(alice, bob));
  outgoing_message head;
  head.size = 3000;
  head.failure = failure_report::partial;
  head.extra = "Content-Disposition: attachment\r\n";
  const auto id = a.send(std::string(3000, 'x'), head);
  const auto seen = parse_whole(a.output());
  REQUIRE(seen.chunks.size() == 1);
  const auto& chunk = seen.chunks[0];
  CHECK(chunk.block == "MSRP " + chunk.transaction_id + " SEND\r\nTo-Path: " + std::string(bob) +
                           "\r\nFrom-Path: " + std::string(alice) + "\r\nMessage-ID: " + id +
                           "\r\nByte-Range: 1-*/3000\r\nFailure-Report: partial\r\n" +
                           "Content-Disposition: attachment\r\nContent-Type: text/plain\r\n");
  a.send("");
  CHECK(parse_whole(a.output()).chunks.at(0).range == byte_range{1, 0, 0});
}

TEST_CASE("a file goes through in chunks, a little at a time, with the window respected") {
  auto config = config_of(alice, bob);
  config.max_unanswered = 4;
  config.chunk_bytes = 5000;
  config.max_chunk_bytes = 4000;
  endpoint a(config);
  endpoint b(config_of(bob, alice));
  const auto file = body_of(1'000'003);
  outgoing_message head;
  head.content_type = "application/octet-stream";
  head.size = file.size();
  const auto id = a.s.begin(head).value();
  bytes_view left = as_bytes(file);
  bool ended = false;
  std::size_t rounds = 0;
  while (!ended && rounds++ < 10000) {
    const auto portion = left.first(std::min<std::size_t>(left.size(), 3333));
    const auto out = a.s.write(id, portion, portion.size() == left.size()).value();
    left = left.subspan(out.taken);
    ended = out.ended;
    if (!a.s.writable()) {
      CHECK(a.s.write(id, as_bytes("more"), false).value().taken == 0);
      std::size_t chunks = 0;
      while (auto chunk = a.s.take_output(t0)) {
        CHECK(chunk->size() <= 4000);
        ++chunks;
        b.feed(*chunk);
      }
      CHECK(chunks == 4);
      a.feed(b.output());
    }
  }
  exchange(a, b);
  CHECK(b.bodies[id] == file);
  CHECK(b.log.back() == "done " + id + " 1000003");
  CHECK(a.log == words{"accepted " + id});
}

TEST_CASE("an end that finds no room is taken later") {
  auto config = config_of(alice, bob);
  config.max_unanswered = 1;
  endpoint a(config);
  endpoint b(config_of(bob, alice));
  a.send("first");
  const auto id = a.s.begin({}).value();
  CHECK_FALSE(a.s.write(id, {}, true).value().ended);
  exchange(a, b);
  CHECK(a.s.write(id, {}, true).value().ended);
  CHECK(a.s.write(id, {}, true).error() == errc::unknown_message);
  exchange(a, b);
  CHECK(b.log.back() == "done " + id + " 0");
}

TEST_CASE("the sender of a refused message stops, and hears of it once") {
  auto config = config_of(alice, bob);
  config.chunk_bytes = 100;
  endpoint a(config);
  auto small = config_of(bob, alice);
  small.max_size = 250;
  endpoint b(small);
  const auto id = a.send(std::string(1000, 'x'));
  exchange(a, b);
  CHECK(a.log == words{"failed " + id + " 413"});
  CHECK(a.s.write(id, as_bytes("x"), false).error() == errc::unknown_message);
  CHECK(a.s.next_deadline() == no_deadline);
  CHECK(a.s.output_bytes() == 0);
}

TEST_CASE("unfinished messages are bounded on both sides") {
  auto config = config_of(bob, alice);
  config.max_incoming = 2;
  endpoint b(config);
  auto o = to_bob();
  o.flag = continuation::more;
  for (const auto* id : {"msg1", "msg2", "msg3"}) {
    o.message_id = id;
    b.feed(make_chunk("x", o));
  }
  const auto out = b.output();
  CHECK(out.find(" 413 ") != std::string::npos);
  CHECK(b.log.size() == 2);

  config.max_outgoing = 1;
  endpoint a(config);
  REQUIRE(a.s.begin({}).has_value());
  CHECK(a.s.begin({}).error() == core_error::limit_reached);
  config.max_chunk_bytes = 200;
  CHECK(session(config).begin({}).error() == errc::chunk_too_large);
}

TEST_CASE("an aborted message is told on both sides") {
  auto config = config_of(alice, bob);
  config.chunk_bytes = 10;
  endpoint a(config);
  endpoint b(config_of(bob, alice));
  const auto id = a.s.begin({}).value();
  REQUIRE(a.s.write(id, as_bytes("0123456789abc"), false).has_value());
  a.s.abort(id);
  exchange(a, b);
  CHECK(b.log.back() == "aborted " + id + " 13");
  CHECK(a.log.empty());
  CHECK(a.s.next_deadline() == no_deadline);

  auto o = to_bob();
  o.flag = continuation::more;
  b.feed(make_chunk("begun", o));
  b.feed("MSRP d93kswow SEND\r\nTo-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) +
         "\r\nMessage-ID: 12339sdqwer\r\n-------d93kswow#\r\n");
  CHECK(b.log.back() == "aborted 12339sdqwer 5");
}

TEST_CASE("a response that does not come in time fails the message with 408") {
  endpoint a(config_of(alice, bob));
  const auto first = a.send("one");
  CHECK(a.s.next_deadline() == no_deadline);  // nothing is on the wire yet
  a.output(t0);
  const auto second = a.send("two");
  a.output(t0 + 10s);
  CHECK(a.s.next_deadline() == t0 + 30s);
  CHECK_FALSE(a.s.expire(t0 + 29s));
  const auto failed = a.s.expire(t0 + 30s);
  REQUIRE(failed);
  CHECK(failed->id == first);
  CHECK(failed->status == 408);
  CHECK_FALSE(a.s.expire(t0 + 39s));
  CHECK(a.s.next_deadline() == t0 + 40s);
  CHECK(a.s.expire(t0 + 40s)->id == second);
  CHECK(a.s.next_deadline() == no_deadline);
}

TEST_CASE("Failure-Report decides what is waited for and what is heard") {
  endpoint a(config_of(alice, bob));
  endpoint b(config_of(bob, alice));
  auto strict = config_of(bob, alice);
  strict.accept_types = {"image/png"};
  endpoint picky(strict);
  outgoing_message head;
  head.failure = failure_report::no;
  a.send("no", head);
  exchange(a, picky);
  CHECK(a.log.empty());
  head.failure = failure_report::partial;
  a.send("fine", head);
  exchange(a, b);
  CHECK(a.log.empty());
  CHECK(a.s.next_deadline() == no_deadline);
  const auto id = a.send("refused", head);
  exchange(a, picky);
  CHECK(a.log == words{"failed " + id + " 415"});
}

TEST_CASE("an error in a REPORT counts as one in a response") {
  endpoint a(config_of(alice, bob));
  const auto id = a.s.begin({}).value();
  const std::string head = "MSRP d93kswow REPORT\r\nTo-Path: " + std::string(alice) + "\r\nFrom-Path: " + std::string(bob) +
                           "\r\nMessage-ID: " + id + "\r\nStatus: ";
  a.feed(head + "001 413 other namespace\r\n-------d93kswow$\r\n");
  CHECK(a.log.empty());
  a.feed(head + "000 413 stop\r\n-------d93kswow$\r\n");
  CHECK(a.log == words{"failed " + id + " 413"});
}

TEST_CASE("the active side may open the session with an empty SEND") {
  endpoint a(config_of(alice, bob));
  endpoint b(config_of(bob, alice));
  a.s.send_empty();
  exchange(a, b);
  CHECK(a.log.empty());
  CHECK(b.log.empty());
  CHECK(a.s.next_deadline() == no_deadline);
  CHECK_FALSE(b.error);
}

TEST_CASE("unknown responses and reports are ignored, garbage is an error") {
  endpoint a(config_of(alice, bob));
  const std::string paths = "To-Path: " + std::string(alice) + "\r\nFrom-Path: " + std::string(bob) + "\r\n";
  a.feed("MSRP d93kswow 413 x\r\n" + paths + "-------d93kswow$\r\n");
  a.feed("MSRP d93kswow REPORT\r\n" + paths + "-------d93kswow$\r\n");
  CHECK(a.log.empty());
  CHECK(a.output().empty());
  a.feed("garbage");
  CHECK(a.error == errc::bad_start_line);
}
