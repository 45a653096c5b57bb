#include "agw/msrp/message_checker.hpp"

#include <catch2/catch.hpp>

#include "unit/msrp/sample.hpp"

using namespace agw::msrp;
using namespace agw::msrp::test;

namespace {

struct rig {
  explicit rig(relay_paths p = {}, std::size_t limit = 65536)
      : paths(std::move(p)), checker(parser_limits{}, paths, splits, counters, limit) {}

  std::string check(std::string_view message) {
    const auto out = checker.check(as_bytes(message));
    if (!out) {
      error = out.error();
      return "error";
    }
    if (!*out) return "";
    to = (*out)->to;
    return std::string(as_text((*out)->head)) + std::string(as_text((*out)->rest));
  }

  relay_paths paths;
  id_source ids;
  split_transactions splits{ids};
  direction_counters counters;
  message_checker checker;
  boost::system::error_code error;
  side to = side::wic;
};

std::string response(std::string_view id, unsigned status, std::string_view to = alice, std::string_view from = bob) {
  return "MSRP " + std::string(id) + " " + std::to_string(status) + " x\r\nTo-Path: " + std::string(to) + "\r\nFrom-Path: " +
         std::string(from) + "\r\n-------" + std::string(id) + "$\r\n";
}

relay_paths aware_paths() {
  relay_paths paths;
  paths.mode = relay_mode::aware;
  paths.core.own = "msrp://gw.example.com:4000/core;tcp";
  paths.core.peer = "msrp://relay.example.com:1/r;tcp " + std::string(alice);
  paths.wic.own = "msrps://gw.example.com:9/wic;dc";
  paths.wic.peer = bob;
  return paths;
}

}  // namespace

TEST_CASE("a message that is one whole chunk passes unchanged") {
  rig r;
  const std::string chunks[] = {make_chunk("hello"), make_chunk(""), make_chunk(std::string(200000, 'x')), response("abcd", 200)};
  std::size_t bytes = 0;
  for (const auto& chunk : chunks) {
    CHECK(r.check(chunk) == chunk);
    CHECK(r.to == side::core);
    bytes += chunk.size();
  }
  CHECK(r.counters.chunks == 4);
  CHECK(r.counters.messages == 4);
  CHECK(r.counters.bytes == bytes);
}

TEST_CASE("a message that is anything else ends the branch") {
  const auto error_of = [](std::string_view message) {
    rig r;
    CHECK(r.check(message) == "error");
    CHECK(r.counters.rejected == 1);
    return r.error;
  };
  const auto chunk = make_chunk("hello");
  for (std::size_t size = 0; size < chunk.size(); ++size) CHECK(error_of(chunk.substr(0, size)) == errc::truncated);
  CHECK(error_of(chunk + "x") == errc::trailing_bytes);
  CHECK(error_of(chunk + chunk) == errc::trailing_bytes);
  CHECK(error_of("hello") == errc::bad_start_line);
}

TEST_CASE("responses to pieces become one answer: 200 after the last") {
  rig r;
  r.splits.open("original1", failure_report::yes);
  const auto a = r.splits.next_id({});
  const auto b = r.splits.next_id({});
  CHECK(r.check(response(a, 200)).empty());
  CHECK(r.check(response(b, 200)).empty());
  const auto c = r.splits.next_id({});
  r.splits.close();
  CHECK(r.splits.size() == 1);
  CHECK(r.check(response(c, 200)) == response("original1", 200));
  CHECK(r.splits.size() == 0);
  CHECK(r.counters.absorbed == 3);
  CHECK(r.counters.chunks == 1);
}

TEST_CASE("the order of the responses does not matter") {
  rig r;
  r.splits.open("original1", failure_report::yes);
  const auto a = r.splits.next_id({});
  const auto b = r.splits.next_id({});
  r.splits.close();
  CHECK(r.check(response(b, 200)).empty());
  CHECK(r.check(response(a, 200)) == response("original1", 200));
}

TEST_CASE("the first error answers the original, nothing after it does") {
  rig r;
  r.splits.open("original1", failure_report::yes);
  const auto a = r.splits.next_id({});
  const auto b = r.splits.next_id({});
  const auto c = r.splits.next_id({});
  CHECK(r.check(response(a, 200)).empty());
  CHECK(r.check(response(b, 413)) == response("original1", 413));
  CHECK(r.check(response(c, 400)).empty());
  const auto d = r.splits.next_id({});
  r.splits.close();
  CHECK(r.check(response(d, 200)).empty());
  CHECK(r.splits.size() == 0);
}

TEST_CASE("Failure-Report partial lets errors through only, and no nothing") {
  rig r;
  r.splits.open("original1", failure_report::partial);
  const auto a = r.splits.next_id({});
  r.splits.close();
  CHECK(r.check(response(a, 200)).empty());
  r.splits.open("original2", failure_report::partial);
  const auto b = r.splits.next_id({});
  r.splits.close();
  CHECK(r.check(response(b, 481)) == response("original2", 481));
  r.splits.open("original3", failure_report::no);
  const auto c = r.splits.next_id({});
  r.splits.close();
  CHECK(r.check(response(c, 481)).empty());
}

TEST_CASE("records of split chunks are bounded, the oldest goes first") {
  rig r;
  std::vector<std::string> last_ids;
  for (std::size_t i = 0; i < split_transactions::max_split_chunks + 10; ++i) {
    r.splits.open("original" + std::to_string(i), failure_report::yes);
    last_ids.push_back(r.splits.next_id({}));
    r.splits.close();
  }
  CHECK(r.splits.size() == split_transactions::max_split_chunks);
  CHECK(r.check(response(last_ids.front(), 200)) == response(last_ids.front(), 200));  // its record is gone
  CHECK(r.check(response(last_ids.back(), 200)) == response("original" + std::to_string(last_ids.size() - 1), 200));
}

TEST_CASE("an id that occurs in the body gets an addition nobody can know") {
  id_source ids;
  split_transactions splits(ids);
  splits.open("original1", failure_report::yes);
  const auto first = splits.next_id({});
  const std::string body = first.substr(0, 12) + ".1 and " + first;
  const auto second = splits.next_id(as_bytes(body));
  CHECK(second.size() <= split_transactions::max_id_size);
  CHECK(body.find(second) == std::string::npos);
  CHECK(second.size() > first.size());
  splits.close();
  CHECK(splits.on_response(second, 200).what == split_transactions::verdict::absorb);
  CHECK(splits.on_response(first, 200).what == split_transactions::verdict::answer);
}

TEST_CASE("in aware mode requests and responses change paths, and nothing else") {
  rig r(aware_paths());
  send_options o;
  o.to = r.paths.wic.own;
  o.from = bob;
  auto expected = o;
  expected.to = r.paths.core.peer;
  expected.from = r.paths.core.own;
  CHECK(r.check(make_chunk("hello", o)) == make_chunk("hello", expected));
  // A response goes to the next hop, not along the path.
  CHECK(r.check(response("abcd", 200, r.paths.wic.own, bob)) ==
        response("abcd", 200, "msrp://relay.example.com:1/r;tcp", r.paths.core.own));
  r.splits.open("original1", failure_report::yes);
  const auto id = r.splits.next_id({});
  r.splits.close();
  CHECK(r.check(response(id, 200, r.paths.wic.own, bob)) ==
        response("original1", 200, "msrp://relay.example.com:1/r;tcp", r.paths.core.own));
}

TEST_CASE("in aware mode a stranger's request is answered on the channel") {
  rig r(aware_paths());
  CHECK(r.check(make_chunk("hello")) == "MSRP d93kswow 481 No Such Session\r\nTo-Path: " + std::string(alice) +
                                            "\r\nFrom-Path: " + r.paths.wic.own + "\r\n-------d93kswow$\r\n");
  CHECK(r.to == side::wic);
  CHECK(r.check(response("abcd", 200)).empty());
  CHECK(r.counters.rejected == 2);
  CHECK(r.counters.chunks == 0);
}

TEST_CASE("a keep-alive passes to the stream, alone, before and behind a chunk") {
  const auto chunk = make_chunk("hello");
  for (const auto& message : {std::string("\r\n"), std::string("\r\n\r\n"), "\r\n" + chunk, chunk + "\r\n", "\r\n\r\n" + chunk + "\r\n"}) {
    rig r;
    CHECK(r.check(message) == message);
    CHECK(r.to == side::core);
    CHECK(r.counters.bytes == message.size());
    CHECK(r.check(chunk) == chunk);
  }
  for (const auto& message : {std::string("\r"), std::string("\r\n\r"), chunk + "\r", "\n" + chunk, chunk + "\r\nx"}) {
    rig r;
    CHECK(r.check(message) == "error");
  }
  rig aware(aware_paths());
  send_options o;
  o.to = aware.paths.wic.own;
  o.from = bob;
  auto beyond = o;
  beyond.to = aware.paths.core.peer;
  beyond.from = aware.paths.core.own;
  CHECK(aware.check("\r\n" + make_chunk("hello", o) + "\r\n") == make_chunk("hello", beyond) + "\r\n");
}

TEST_CASE("in aware mode a chunk that cannot be taken is refused on the channel, and the session goes on") {
  rig r(aware_paths());
  const std::string both = "To-Path: " + r.paths.wic.own + "\r\nFrom-Path: " + std::string(bob) + "\r\n";
  const auto status_of = [&](const std::string& headers) {
    const auto out = r.check("MSRP abcd SEND\r\n" + headers + "\r\nbody\r\n-------abcd$\r\n");
    CHECK(r.to == side::wic);
    return out.substr(0, 13);
  };
  CHECK(status_of(both + "what\r\nContent-Type: text/plain\r\n") == "MSRP abcd 400");
  CHECK(status_of(both) == "MSRP abcd 400");
  CHECK(status_of(both + "Content-Type: \r\n") == "MSRP abcd 415");
  CHECK(status_of("From-Path: " + std::string(bob) + "\r\n") == "MSRP abcd 400");
  CHECK(r.check("MSRP abcd SEND\r\nTo-Path: " + r.paths.wic.own + "\r\n-------abcd$\r\n").empty());
  CHECK(r.counters.rejected == 5);
  send_options o;
  o.to = r.paths.wic.own;
  CHECK_FALSE(r.check(make_chunk("good", o)).empty());
  CHECK(r.to == side::core);
}

TEST_CASE("a refusal that the channel cannot take is counted, and not sent") {
  rig r(aware_paths(), 100);
  CHECK(r.check(make_chunk("astray")).empty());
  CHECK(r.counters.rejected == 1);
  CHECK_FALSE(r.error);
}

TEST_CASE("with sessmatch a request is ours by its session id, whatever the middleboxes did to the rest") {
  auto paths = aware_paths();
  send_options o;
  o.to = "msrp://somewhere.else.example.com:1/wic;tcp";
  rig exact(paths);
  CHECK(exact.check(make_chunk("hello", o)).substr(0, 17) == "MSRP d93kswow 481");
  paths.match = uri_match::sessmatch;
  rig by_session(paths);
  CHECK_FALSE(by_session.check(make_chunk("hello", o)).empty());
  CHECK(by_session.to == side::core);
  o.to = "msrps://gw.example.com:9/WIC;dc";
  CHECK(by_session.check(make_chunk("hello", o)).substr(0, 17) == "MSRP d93kswow 481");
}

TEST_CASE("a request for a session that another connection has is refused with 506, for an unknown one with 481") {
  session_directory sessions;
  const auto theirs = sessions.bind("msrps://gw.example.com:9/other;dc");
  auto paths = aware_paths();
  paths.sessions = &sessions;
  send_options o;
  o.to = "msrps://GW.example.com:9/other;dc";
  rig r(paths);
  CHECK(r.check(make_chunk("hello", o)).substr(0, 17) == "MSRP d93kswow 506");
  o.to = "msrps://gw.example.com:9/nobody;dc";
  CHECK(r.check(make_chunk("hello", o)).substr(0, 17) == "MSRP d93kswow 481");
  o.to = paths.wic.own;
  paths.wic.in_use = true;
  rig second(paths);
  CHECK(second.check(make_chunk("hello", o)).substr(0, 17) == "MSRP d93kswow 506");
}
