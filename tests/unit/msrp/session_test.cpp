#include "agw/msrp/session.hpp"

#include <catch2/catch.hpp>

#include "agw/core/error.hpp"
#include "unit/msrp/sample.hpp"

using namespace agw;
using namespace agw::msrp;
using namespace agw::msrp::test;
using namespace std::chrono_literals;

namespace {

constexpr auto t0 = clock::time_point(1h);

session_config config_of(std::string_view own, std::string_view peer) {
  session_config config;
  config.own_path = own;
  config.peer_path = peer;
  return config;
}

// A session, and everything that it said, one word per event: "start ID", "data ID 0+5", "done ID 5", "aborted ID 5", ...
struct endpoint {
  explicit endpoint(session_config config) : s(std::move(config)) {}

  void feed(std::string_view text) {
    const std::vector<char> copy(text.begin(), text.end());
    bytes_view in = as_bytes(std::string_view(copy.data(), copy.size()));
    for (;;) {
      const auto event = s.receive(in);
      if (!event) {
        error = event.error();
        return;
      }
      if (std::holds_alternative<need_more>(*event)) return;
      std::visit([this](const auto& e) { note(e); }, *event);
    }
  }
  void note(const need_more&) {}
  void note(const message_started& e) { log.push_back("start " + std::string(e.id) + " " + std::string(e.header->content_type)); }
  void note(const message_data& e) {
    auto& body = bodies[std::string(e.id)];
    if (body.size() < e.offset + e.bytes.size()) body.resize(e.offset + e.bytes.size());
    body.replace(e.offset, e.bytes.size(), as_text(e.bytes));
  }
  void note(const message_done& e) {
    log.push_back((e.complete ? "done " : "aborted ") + std::string(e.id) + " " + std::to_string(e.size));
  }
  void note(const message_accepted& e) { log.push_back("accepted " + std::string(e.id)); }
  void note(const message_failed& e) { log.push_back("failed " + std::string(e.id) + " " + std::to_string(e.status)); }
  void note(const report_received& e) {
    log.push_back("report " + std::string(e.id) + " " + std::to_string(e.status) + " " + (e.range ? to_string(*e.range) : ""));
  }
  std::string output(clock::time_point now = t0) {
    std::string all;
    while (auto one = s.take_output(now)) all += *one;
    return all;
  }
  std::string send(std::string_view body, outgoing_message head = {}) {
    const auto id = s.begin(std::move(head)).value();
    REQUIRE(s.write(id, as_bytes(body), true).value().ended);
    return id;
  }

  session s;
  std::vector<std::string> log;
  std::map<std::string, std::string> bodies;
  boost::system::error_code error;
};

using words = std::vector<std::string>;

// Lets two endpoints talk until both are silent.
void exchange(endpoint& a, endpoint& b, clock::time_point now = t0) {
  for (;;) {
    auto from_a = a.s.take_output(now);
    if (from_a) b.feed(*from_a);
    auto from_b = b.s.take_output(now);
    if (from_b) a.feed(*from_b);
    if (!from_a && !from_b) return;
  }
}

std::string body_of(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 99;
  for (auto& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

send_options to_bob() {
  send_options o;
  o.to = bob;
  o.from = alice;
  return o;
}

}  // namespace

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
  CHECK(chunk.block == "MSRP " + chunk.transaction_id + " SEND\r\nTo-Path: " + std::string(bob) + "\r\nFrom-Path: " + std::string(alice) +
                           "\r\nMessage-ID: " + id + "\r\nByte-Range: 1-*/3000\r\nFailure-Report: partial\r\n" +
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
    CHECK(b.log == words{"start 12339sdqwer text/plain", "aborted 12339sdqwer " + std::to_string(b.bodies["12339sdqwer"].size())});
    b.feed(std::string_view(chunk).substr(1500));
    CHECK(b.output().empty());
    o.range = byte_range{2001, std::nullopt, std::nullopt};
    b.feed(make_chunk("the next chunk was on its way", o));
    CHECK(b.output().substr(14, 3) == "413");
    CHECK(b.log.size() == 2);
  }
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
