#include "agw/core/relay.hpp"

#include <catch2/catch.hpp>

#include "unit/core/relay_world.hpp"

using namespace agw;
using namespace agw::test;
using namespace std::chrono_literals;

namespace {

using lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a relay passes both ways what its translator makes, and counts it") {
  relay_world w;
  w.wic.arrive("hello");
  w.wic.arrive("");
  w.core.arrive("wel");
  w.settle();
  CHECK(w.core.sent == "hello\n\n");
  CHECK(w.core.writes == 1);  // what came together is written together
  CHECK(w.wic.sent.empty());
  w.core.arrive("come\nback\n");
  w.settle();
  CHECK(w.wic.sent == lines{"welcome", "back"});
  CHECK(w.wic.kinds == std::vector<message_kind>{message_kind::text, message_kind::text});
  const auto counted = w.relaying->counters();
  CHECK(counted.messages_from_wic == 2);
  CHECK(counted.octets_from_wic == 5);
  CHECK(counted.messages_to_wic == 2);
  CHECK(counted.octets_to_wic == 11);
  CHECK(counted.chunks_forwarded == 2);
  CHECK_FALSE(w.ended);
}

TEST_CASE("an answer goes to the side that it answers, between the writes of the other direction") {
  relay_world w;
  w.core.window = 3;
  w.wic.arrive("hello");
  w.settle();
  w.core.arrive("?yes\n");
  w.wic.arrive("?no");
  w.settle();
  CHECK(w.core.sent == "hel");
  w.core.give_room(unlimited);
  w.settle();
  CHECK(w.core.sent == "hello\nyes\n");
  CHECK(w.wic.sent == lines{"no"});
  w.wic.window = 0;
  w.core.arrive("one\n");
  w.settle();
  w.wic.arrive("?two");
  w.settle();
  w.wic.give_room(unlimited);
  w.settle();
  CHECK(w.wic.sent == lines{"no", "one", "two"});
}

TEST_CASE("an answer that its side does not take any more ends nothing: what that side has sent goes on") {
  relay_world w;
  w.wic.arrive("?no");
  w.wic.arrive("hello");
  w.wic.peer_closes();
  w.settle();
  CHECK(w.core.sent == "hello\n");
  w.advance(20ms);
  CHECK(w.failure() == "");
  CHECK(w.closed_first == side::wic);
}

TEST_CASE("a side without room stops the reading of the other one, and nothing is lost") {
  relay_world w;
  w.wic.window = 2;
  w.core.window = 3;
  std::string all;
  lines each;
  for (int i = 0; i < 5000; ++i) {
    each.push_back("line " + std::to_string(i));
    all += each.back() + "\n";
  }
  w.core.arrive(all);
  w.wic.arrive("first");
  w.settle();
  w.wic.arrive("second");
  w.settle();
  CHECK(w.wic.sent.size() == 2);
  CHECK(w.core.waiting() == all.size() - 1024);
  CHECK(w.core.sent == "fir");
  CHECK(w.wic.waiting() == 1);
  w.wic.give_room(unlimited);
  w.core.give_room(unlimited);
  w.settle();
  CHECK(w.wic.sent == each);
  CHECK(w.core.sent == "first\nsecond\n");
}

TEST_CASE("the gate holds each direction, and nothing is read while it is closed") {
  relay_world w;
  w.settle();
  w.gate.set(side::core, stream_mode::inactive);
  w.wic.arrive("out");  // both reads wait already: what they yield is held
  w.core.arrive("in\n");
  w.settle();
  CHECK(w.core.sent.empty());
  CHECK(w.wic.sent.empty());
  CHECK(w.wic.waiting() == 0);
  w.wic.arrive("more");
  w.settle();
  CHECK(w.wic.waiting() == 1);
  w.gate.set(side::core, stream_mode::send_only);
  w.settle();
  CHECK(w.core.sent == "out\nmore\n");
  CHECK(w.wic.sent.empty());
  w.gate.set(side::core, stream_mode::send_receive);
  w.settle();
  CHECK(w.wic.sent == lines{"in"});
}

TEST_CASE("what was read when the gate closed is neither judged nor counted before it opens") {
  for (const auto from : {side::wic, side::core}) {
    relay_world w;
    w.settle();
    w.gate.set(side::core, stream_mode::inactive);
    if (from == side::wic) w.wic.arrive("!");
    if (from == side::core) w.core.arrive("!\n");
    w.settle();
    CHECK_FALSE(w.ended);
    CHECK(w.relaying->counters().messages_from_wic == 0);
    w.gate.set(side::core, stream_mode::send_receive);
    w.settle();
    CHECK(w.failure() == "lines:syntax");
  }
}

TEST_CASE("a gate that closes while a write waits for room holds what was to follow it") {
  relay_world w;
  w.wic.window = 1;
  w.core.arrive("one\ntwo\nthree\n");
  w.settle();
  CHECK(w.wic.sent == lines{"one"});
  w.gate.set(side::wic, stream_mode::inactive);
  w.wic.give_room(1);  // the one that waited
  w.settle();
  w.wic.give_room(unlimited);
  w.settle();
  CHECK(w.wic.sent == lines{"one", "two"});
  w.gate.set(side::wic, stream_mode::send_receive);
  w.settle();
  CHECK(w.wic.sent == lines{"one", "two", "three"});
}

TEST_CASE("the modes of both sides decide which way is open") {
  flow_gate gate;
  CHECK_FALSE(gate.open(side::wic));
  gate.set(side::wic, stream_mode::send_receive);
  CHECK_FALSE(gate.open(side::wic));
  gate.set(side::core, stream_mode::send_only);
  CHECK(gate.open(side::wic));
  CHECK_FALSE(gate.open(side::core));
  gate.set(side::core, stream_mode::receive_only);
  CHECK_FALSE(gate.open(side::wic));
  CHECK(gate.open(side::core));
  gate.set(side::core, stream_mode::loopback);
  CHECK_FALSE(gate.open(side::core));
}

TEST_CASE("what the translator refuses ends the relay under the stage's name, after what came before it") {
  {
    relay_world w;
    w.wic.arrive("good");
    w.wic.arrive("!");
    w.wic.arrive("late");
    w.settle();
    CHECK(w.failure() == "lines:syntax");
    CHECK(w.core.sent == "good\n");
    CHECK(w.relaying->counters().messages_from_wic == 2);
  }
  {
    relay_world w;
    w.core.arrive("good\n!\nlate\n");
    w.settle();
    CHECK(w.failure() == "lines:syntax");
    CHECK(w.wic.sent == lines{"good"});
  }
  {
    relay_world w;
    w.core.arrive(std::string(1002, 'x'));
    w.settle();
    CHECK(w.failure() == "lines:too-large");
  }
  {
    relay_world w;
    w.wic.limit = 100;
    w.core.arrive(std::string(100, 'x') + "\n" + std::string(101, 'x') + "\n");
    w.settle();
    CHECK(w.failure() == "lines:too-large");
    CHECK(w.wic.sent == lines{std::string(100, 'x')});
  }
}

TEST_CASE("a WIC that hangs up while the core is slow loses nothing, though a response finds its channel gone") {
  for (const bool in_time : {true, false}) {
    relay_world w;
    w.core.window = 3;
    for (const auto* text : {"one", "two", "three"}) w.wic.arrive(text);
    w.settle();
    w.wic.peer_closes();
    w.core.arrive("200 OK\n");
    w.settle();
    w.advance(490ms);
    CHECK_FALSE(w.ended);
    CHECK(w.core.sent == "one");
    if (in_time) w.core.give_room(unlimited);
    w.advance(10ms);
    REQUIRE(w.ended);
    CHECK(w.failure() == (in_time ? "" : "lines:timeout"));
    if (!in_time) continue;
    CHECK(w.closed_first == side::wic);
    CHECK(w.core.sent == "one\ntwo\nthree\n");
  }
}

TEST_CASE("a core that resets its connection while the WIC is slow loses nothing, and then the error is told") {
  relay_world w;
  w.wic.window = 1;
  w.core.arrive("one\ntwo\nthree\n");
  w.settle();
  w.core.peer_resets();
  w.wic.arrive("into nothing");
  w.settle();
  CHECK_FALSE(w.ended);
  w.wic.give_room(unlimited);
  w.settle();
  CHECK(w.wic.sent == lines{"one", "two", "three"});
  CHECK(w.failure() == "tcp:reset");
}

TEST_CASE("a core that has closed and reads no more ends the relay orderly, whatever the WIC still sends") {
  relay_world w;
  w.wic.window = 1;
  w.core.arrive("one\ntwo\n");
  w.settle();
  w.core.peer_is_gone();
  w.wic.arrive("into nothing");
  w.settle();
  CHECK_FALSE(w.ended);
  w.wic.give_room(unlimited);
  w.settle();
  CHECK(w.wic.sent == lines{"one", "two"});
  CHECK(w.failure() == "");
  CHECK(w.closed_first == side::core);
}

TEST_CASE("an association that fails is told when what had arrived on the channel was passed on") {
  relay_world w;
  w.core.window = 1;
  w.wic.arrive("one");
  w.settle();
  w.wic.arrive("two");
  w.wic.fail("sctp", "abort");
  w.core.arrive("into nothing\n");
  w.settle();
  CHECK_FALSE(w.ended);
  w.core.give_room(unlimited);
  w.settle();
  CHECK(w.core.sent == "one\ntwo\n");
  CHECK(w.failure() == "sctp:abort");
}

TEST_CASE("a side that closes is named, and what the other one has sent by then still reaches it") {
  {
    relay_world w;
    w.wic.arrive("bye");
    w.wic.peer_closes();
    w.settle();
    w.advance(20ms);
    CHECK(w.failure() == "");
    CHECK(w.closed_first == side::wic);
    CHECK(w.core.sent == "bye\n");
  }
  {
    relay_world w;
    w.core.arrive("bye");  // without its end
    w.core.peer_closes();
    w.wic.arrive("bye");
    w.settle();
    w.advance(20ms);
    CHECK(w.failure() == "");
    CHECK(w.closed_first == side::core);
    CHECK(w.wic.sent == lines{"bye"});
    CHECK(w.core.sent == "bye\n");
  }
}

TEST_CASE("a core that has closed and does not read is waited for no longer than the flush time") {
  for (const bool reads_on : {true, false}) {
    relay_world w;
    w.core.window = 2;
    w.wic.arrive("hello");
    w.settle();
    w.core.peer_closes();
    w.settle();
    w.advance(490ms);
    CHECK_FALSE(w.ended);
    if (reads_on) w.core.give_room(unlimited);
    w.advance(10ms);
    if (reads_on) w.advance(20ms);
    CHECK(w.ended);
    CHECK(w.failure() == "");
    CHECK(w.closed_first == side::core);
    CHECK(w.core.sent == (reads_on ? "hello\n" : "he"));
  }
}

TEST_CASE("data that the gate holds outlives the flush time") {
  relay_world w;
  w.wic.arrive("one");
  w.settle();
  w.gate.set(side::wic, stream_mode::send_only);
  w.wic.arrive("two");
  w.settle();
  w.wic.peer_closes();
  w.core.arrive("into nothing\n");
  w.advance(5s);
  CHECK_FALSE(w.ended);
  w.gate.set(side::wic, stream_mode::send_receive);
  w.settle();
  CHECK(w.core.sent == "one\ntwo\n");
  CHECK(w.failure() == "");
  CHECK(w.closed_first == side::wic);
}

TEST_CASE("finish passes on what has arrived and what is under way, and then ends the relay without a side") {
  relay_world w;
  w.wic.arrive("last words");
  w.settle();
  w.finish();
  w.finish();
  w.settle();
  CHECK_FALSE(w.ended);
  w.core.arrive("inde");
  w.advance(20ms);
  CHECK_FALSE(w.ended);  // something moved meanwhile
  w.advance(200ms);
  CHECK_FALSE(w.ended);  // a line has begun
  w.core.arrive("ed\n");
  w.settle();
  w.advance(40ms);
  CHECK(w.ended);
  CHECK(w.failure() == "");
  CHECK_FALSE(w.closed_first);
  CHECK(w.core.sent == "last words\n");
  CHECK(w.wic.sent == lines{"indeed"});
  w.finish();  // without effect
}

TEST_CASE("finish waits for a side that does not read for as long as the caller lets it") {
  relay_world w;
  w.core.window = 2;
  w.wic.arrive("hello");
  w.settle();
  w.finish();
  w.advance(10s);
  CHECK_FALSE(w.ended);
}

TEST_CASE("a failure while the relay finishes is told") {
  relay_world w;
  w.settle();
  w.finish();
  w.wic.fail();
  w.settle();
  CHECK(w.failure() == "channel:reset");
  w.finish();  // without effect
  w.settle();
}

TEST_CASE("cancel ends the relay at every wait") {
  const auto cancelled = [](relay_world& w) {
    w.settle();
    CHECK_FALSE(w.ended);
    w.cancel.emit(asio::cancellation_type::terminal);
    w.settle();
    CHECK(w.ended);
    CHECK(w.failure() == "cancelled");
  };
  {
    relay_world w;  // reading
    cancelled(w);
  }
  {
    relay_world w;  // at the gate
    w.gate.set(side::wic, stream_mode::inactive);
    cancelled(w);
  }
  {
    relay_world w;  // at the gate, with what was read
    w.settle();
    w.gate.set(side::wic, stream_mode::inactive);
    w.wic.arrive("hello");
    w.core.arrive("hello\n");
    cancelled(w);
  }
  {
    relay_world w;  // writing, both ways, and waiting for the turn to write
    w.core.window = 1;
    w.wic.window = 0;
    w.wic.arrive("hello");
    w.core.arrive("hello\n");
    w.settle();
    cancelled(w);
  }
  {
    relay_world w;  // flushing
    w.core.window = 1;
    w.wic.arrive("hello");
    w.core.peer_closes();
    cancelled(w);
  }
  {
    relay_world w;  // finishing
    w.settle();
    w.finish();
    cancelled(w);
  }
}

TEST_CASE("the read buffer grows while reads fill it, and shrinks again") {
  relay_world w;
  std::string all;
  for (int i = 0; i < 60000; ++i) all += "line\n";
  w.wic.window = 0;
  w.core.arrive(all);
  w.settle();
  std::vector<std::size_t> reads;
  for (auto left = w.core.waiting(); left > 0; left = w.core.waiting()) {
    w.wic.give_room(200);
    w.settle();
    if (w.core.waiting() != left) reads.push_back(left - w.core.waiting());
  }
  CHECK(reads.front() == 4 * 1024);
  CHECK(*std::ranges::max_element(reads) == 64 * 1024);
}
