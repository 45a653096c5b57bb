#include "agw/transports/sctp_association.hpp"

#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"
#include "sctp_link.hpp"

using namespace agw;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

namespace {

std::string cause_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const stage_error& e) {
    return e.cause();
  }
  return "nothing";
}

}  // namespace

TEST_CASE("two peers that both send INIT get one association, and carry messages both ways") {
  sctp_world world;
  sctp_link wire;
  world.run([&]() -> awaitable<void> {
    auto body = [](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0, "chat", "msrp");
      auto b = co_await pair.right->open_channel(0);
      CHECK(a->label() == "chat");
      const auto hello = pattern(100);
      CHECK(a->try_send(hello));
      CHECK(b->try_send(hello, message_kind::text));
      CHECK(b->try_send({}, message_kind::text));
      CHECK(a->try_send({}));
      const auto at_b = co_await take(*b, 2);
      const auto at_a = co_await take(*a, 2);
      CHECK(at_b[0].bytes == hello);
      CHECK(at_b[0].kind == message_kind::binary);
      CHECK(at_b[1].bytes.empty());
      CHECK(at_b[1].kind == message_kind::binary);
      CHECK(at_a[0].kind == message_kind::text);
      CHECK(at_a[1].bytes.empty());
      CHECK(at_a[1].kind == message_kind::text);
      CHECK(a->statistics().messages_sent == 2);
      CHECK(a->statistics().bytes_received == 100);
      CHECK(pair.left->statistics().interleaving);
      CHECK(pair.left->statistics().outgoing_streams == 64);
    };
    co_await with_pair(wire, {}, {}, body);
  });
  CHECK(wire.left.largest <= 1200);
  CHECK(sctp::stack::associations() == 0);
}

TEST_CASE("an association comes up when only one side sends INIT, whichever") {
  const bool left_waits = GENERATE(true, false);
  sctp_world world;
  sctp_link wire;
  sctp::config waiting;
  waiting.initiate = sctp::initiation::in;
  sctp::config calling;
  calling.initiate = sctp::initiation::out;
  world.run([&]() -> awaitable<void> {
    auto body = [](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(3);
      auto b = co_await pair.right->open_channel(3);
      const auto m = pattern(5000);
      co_await a->send(m);
      co_await b->send(m);
      const auto got1 = co_await take(*a, 1);
      CHECK(got1.at(0).bytes == m);
      const auto got2 = co_await take(*b, 1);
      CHECK(got2.at(0).bytes == m);
    };
    co_await with_pair(wire, left_waits ? waiting : calling, left_waits ? calling : waiting, body);
  });
  CHECK(sctp::stack::associations() == 0);
}

TEST_CASE("different ports, and INITs that cross on a slow link") {
  sctp_world world;
  link_quality slow;
  slow.delay = 80ms;
  sctp_link wire(slow);
  sctp::config left;
  left.local_port = 5001;
  left.remote_port = 6002;
  sctp::config right;
  right.local_port = 6002;
  right.remote_port = 5001;
  world.run([&]() -> awaitable<void> {
    auto body = [](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      co_await a->send(pattern(10));
      const auto got3 = co_await take(*b, 1);
      CHECK(got3.size() == 1);
    };
    co_await with_pair(wire, left, right, body);
  });
}

TEST_CASE("packets are never larger than the path's MTU, and large messages arrive whole") {
  const auto mtu = GENERATE(std::size_t{600}, std::size_t{1200}, std::size_t{1391}, std::size_t{8000});
  sctp_world world;
  link_quality quality;
  quality.mtu = mtu;
  sctp_link wire(quality);
  sctp::config options;
  options.peer_max_message_bytes = 262144;
  world.run([&]() -> awaitable<void> {
    auto body = [](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      for (const std::size_t size : {65536UL, 262144UL, 1UL, 262143UL}) {
        const auto m = pattern(size);
        co_await a->send(m);
        const auto got4 = co_await take(*b, 1);
        CHECK(got4.at(0).bytes == m);
      }
      CHECK_THROWS_AS(a->try_send(pattern(262145)), stage_error);
    };
    co_await with_pair(wire, options, options, body);
  });
  CHECK(wire.left.largest <= mtu);
  CHECK(wire.left.largest > mtu - 8);
}

TEST_CASE("messages survive loss, reordering and delay, in order and unchanged") {
  const auto seed = GENERATE(1U, 2U, 3U);
  sctp_world world;
  link_quality bad;
  bad.seed = seed;
  bad.loss = 0.05;
  bad.reorder = 0.1;
  bad.delay = 20ms;
  sctp_link wire(bad);
  sctp::config options;
  options.peer_max_message_bytes = 262144;
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      auto a2 = co_await pair.left->open_channel(1);
      auto b2 = co_await pair.right->open_channel(1);
      auto sender = [](sctp::data_channel& c, std::size_t size) -> awaitable<void> {
        for (unsigned i = 0; i < 40; ++i) co_await c.send(pattern(size + i, i));
      };
      task_group senders(world.context.get_executor());
      senders.spawn("a", [&] { return sender(*a, 30000); });
      senders.spawn("a2", [&] { return sender(*a2, 10); });
      senders.spawn("b", [&] { return sender(*b, 5000); });
      const auto at_b = co_await take(*b, 40);
      const auto at_b2 = co_await take(*b2, 40);
      const auto at_a = co_await take(*a, 40);
      co_await senders.join();
      for (unsigned i = 0; i < 40; ++i) {
        CHECK(at_b[i].bytes == pattern(30000 + i, i));
        CHECK(at_b2[i].bytes == pattern(10 + i, i));
        CHECK(at_a[i].bytes == pattern(5000 + i, i));
      }
      CHECK(pair.left->statistics().retransmitted_chunks > 0);
    };
    co_await with_pair(wire, options, options, body);
  });
}

TEST_CASE("a message of two packets that are lost on an idle path is sent again before usrsctp's timer") {
  sctp_world world;
  link_quality quality;
  quality.delay = 100ms;
  sctp_link wire(quality);
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      co_await a->send(pattern(100));
      (void)co_await take(*b, 1);
      co_await sleep_until(deadline_after(5s));
      const auto began = clock::now();
      wire.left.down = true;
      co_await a->send(pattern(2000));
      co_await sleep_until(deadline_after(20ms));
      wire.left.down = false;
      (void)co_await take(*b, 1);
      CHECK(clock::now() - began < 800ms);
    };
    co_await with_pair(wire, {}, {}, body);
  });
}

TEST_CASE("a message that may be given up in the middle of lost ones leaves their recovery to usrsctp, which loses none") {
  const auto seed = GENERATE(1U, 3U);
  const auto after = GENERATE(120ms, 400ms);
  sctp_world world;
  link_quality bad;
  bad.seed = seed;
  bad.loss = 0.1;
  bad.delay = 50ms;
  sctp_link wire(bad);
  sctp::config options;
  options.peer_max_message_bytes = 262144;
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      sctp::channel_transfer once;
      once.policy = sctp::reliability::retransmits;
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      auto a2 = co_await pair.left->open_channel(1, {}, {}, once);
      auto sender = [&]() -> awaitable<void> {
        for (unsigned i = 0; i < 40; ++i) co_await a->send(pattern(30000 + i, i));
      };
      task_group senders(world.context.get_executor());
      auto other = [&]() -> awaitable<void> {
        co_await sleep_until(deadline_after(after));
        co_await a2->send(pattern(100));
      };
      senders.spawn("a", sender);
      senders.spawn("a2", other);
      const auto at_b = co_await take(*b, 40);
      co_await senders.join();
      for (unsigned i = 0; i < 40; ++i) CHECK(at_b[i].bytes == pattern(30000 + i, i));
    };
    co_await with_pair(wire, options, options, body);
  });
}

TEST_CASE("an aborting peer ends the association with sctp:abort, and its channels too") {
  sctp_world world;
  sctp_link wire;
  std::string at_channel;
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        pair.right.reset();
        try {
          co_await take(*a, 1);
        } catch (const stage_error& e) {
          at_channel = e.cause();
          CHECK_THROWS_AS(a->try_send(pattern(1)), stage_error);
        }
        event never;
        co_await never.wait();
      };
      co_await with_pair(wire, {}, {}, body);
    });
  });
  CHECK(cause == "sctp:abort");
  CHECK(at_channel == "sctp:abort");
  CHECK(sctp::stack::associations() == 0);
}

TEST_CASE("close() shuts down after what was sent, and the peer sees sctp:closed") {
  sctp_world world;
  sctp_link wire;
  std::size_t received = 0;
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        auto b = co_await pair.right->open_channel(0);
        for (int i = 0; i < 10; ++i) co_await a->send(pattern(20000));
        const auto before = clock::now();
        co_await pair.left->close(deadline_after(1min));
        CHECK(clock::now() - before < 200ms);
        CHECK_THROWS_AS(a->try_send(pattern(1)), stage_error);
        received = (co_await take(*b, 10)).size();
        event never;
        co_await never.wait();
      };
      co_await with_pair(wire, {}, {}, body);
    });
  });
  CHECK(cause == "sctp:closed");
  CHECK(received == 10);
}

TEST_CASE("close() gives up after 200 ms when the peer is silent, and frees the path for another association") {
  sctp_world world;
  sctp_link wire;
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      wire.left.down = true;
      const auto before = clock::now();
      co_await pair.left->close(deadline_after(1min));
      CHECK(clock::now() - before >= 200ms);
      CHECK(clock::now() - before < 250ms);
      wire.left.down = false;
      co_await pair.right->close(deadline_after(1min));
      event other;
      pair.tasks->spawn("again", [&]() -> awaitable<void> {
        pair.right = co_await sctp::open(*pair.tasks, wire.right, {});
        other.set();
      });
      pair.left = co_await sctp::open(*pair.tasks, wire.left, {});
      while (!pair.right) co_await other.wait();
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      co_await a->send(pattern(9));
      const auto got5 = co_await take(*b, 1);
      CHECK(got5.size() == 1);
    };
    co_await with_pair(wire, {}, {}, body);
  });
}

TEST_CASE("a path that fails ends the pump with its error") {
  sctp_world world;
  sctp_link wire;
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair&) -> awaitable<void> {
        wire.left.fail();
        event never;
        co_await never.wait();
      };
      co_await with_pair(wire, {}, {}, body);
    });
  });
  CHECK(cause == "dtls:alert");
}

TEST_CASE("data that nobody acknowledges while no timer runs is a stall: sctp:stalled") {
  sctp_world world;
  sctp_link wire;
  const auto before = drops("sctp", "stalled-association");
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        wire.left.down = true;
        co_await a->send(pattern(100));
        co_await sleep_until(deadline_after(1ms));
        // agw's time passes and usrsctp's does not: as if its retransmission timer had been lost.
        for (int i = 0; i < 21; ++i) clock::manual_now += 1'000'000'000;
        event never;
        co_await never.wait();
      };
      co_await with_pair(wire, {}, {}, body);
    });
  });
  CHECK(cause == "sctp:stalled");
  CHECK(drops("sctp", "stalled-association") == before + 1);
}

TEST_CASE("a peer that vanishes is noticed by SCTP itself: sctp:timeout, and never taken for a stall") {
  sctp_world world;
  sctp_link wire;
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        wire.left.down = true;
        co_await a->send(pattern(100));
        event never;
        co_await never.wait();
      };
      co_await with_pair(wire, {}, {}, body);
    });
  });
  CHECK(cause == "sctp:timeout");
}

TEST_CASE("a peer that vanishes from an idle association is noticed after 30 s; one that is idle and there is not") {
  sctp_world world;
  sctp_link wire;
  clock::time_point gone{};
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair&) -> awaitable<void> {
        co_await sleep_until(deadline_after(10min));
        wire.left.down = wire.right.down = true;
        gone = clock::now();
        event never;
        co_await never.wait();
      };
      co_await with_pair(wire, {}, {}, body);
    }, 20min);
  });
  CHECK(cause == "sctp:timeout");
  CHECK(clock::now() - gone <= 31s);
}

TEST_CASE("a peer that begins the association anew ends it with sctp:restart, not with a stall") {
  sctp_world world;
  sctp_link wire;
  const auto cause = cause_of([&] {
    world.run([&]() -> awaitable<void> {
      auto body = [&](sctp_pair& pair) -> awaitable<void> {
        auto a = co_await pair.left->open_channel(0);
        co_await a->send(pattern(100));
        wire.right.down = true;  // its ABORT is lost
        pair.right.reset();
        co_await sleep_until(deadline_after(100ms));
        wire.right.down = false;
        auto inside = [&](task_group& again) -> awaitable<void> {
          pair.right = co_await sctp::open(again, wire.right, {});
          event never;
          co_await never.wait();
        };
        co_await with_tasks("again", inside);
      };
      co_await with_pair(wire, {}, {}, body);
    });
  });
  CHECK(cause == "sctp:restart");
  CHECK(sctp::stack::associations() == 0);
}

TEST_CASE("an id that is known before INIT can be had, up to the last there is") {
  const auto id = GENERATE(std::uint16_t{64}, std::uint16_t{1000}, std::uint16_t{65534});
  sctp_world world;
  sctp_link wire;
  sctp::config options;
  options.streams = options.max_inbound_streams = static_cast<std::uint16_t>(id + 1);
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      CHECK(pair.left->statistics().outgoing_streams == id + 1);
      CHECK(pair.left->statistics().incoming_streams == id + 1);
      CHECK(pair.left->obstacle(id).empty());
      auto a = co_await pair.left->open_channel(id);
      auto b = co_await pair.right->open_channel(id);
      co_await a->send(pattern(5000));
      co_await b->send(pattern(6000));
      const auto at_b = co_await take(*b, 1);
      const auto at_a = co_await take(*a, 1);
      CHECK(at_b.at(0).bytes == pattern(5000));
      CHECK(at_a.at(0).bytes == pattern(6000));
      co_await a->close(deadline_after(5s));
      const auto closed = co_await b->peer_closed();
      CHECK(closed);
    };
    co_await with_pair(wire, options, options, body);
  });
}

TEST_CASE("whose limit it is that an id cannot be had is said beforehand and in the error") {
  sctp_world world;
  sctp_link wire;
  sctp::config generous;
  generous.max_inbound_streams = 2000;
  sctp::config strict;
  strict.max_inbound_streams = 64;
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto why = [](awaitable<std::unique_ptr<sctp::data_channel>> opening) -> awaitable<std::string> {
        try {
          co_await std::move(opening);
        } catch (const stage_error& e) {
          co_return e.cause() + " " + e.what();
        }
        co_return std::string();
      };
      CHECK(pair.left->obstacle(1000).empty());  // only the peer can tell
      auto refused = co_await why(pair.left->open_channel(1000));
      CHECK(refused.starts_with("channel:streams"));
      CHECK(refused.find("the peer allows") != std::string::npos);
      CHECK(pair.left->obstacle(1000).find("the peer allows") != std::string_view::npos);
      refused = co_await why(pair.left->open_channel(2000));
      CHECK(refused.find("the gateway allows") != std::string::npos);
      CHECK(pair.left->obstacle(65535).find("the gateway allows") != std::string_view::npos);
      CHECK(pair.left->obstacle(63).empty());
    };
    co_await with_pair(wire, generous, strict, body);
  });
}

TEST_CASE("open() can be cancelled while INIT is not answered, and leaves nothing behind") {
  sctp_world world;
  sctp_link wire;
  bool timed_out = false;
  world.run([&]() -> awaitable<void> {
    auto inside = [&](task_group& tasks) -> awaitable<void> {
      try {
        auto opening = sctp::open(tasks, wire.left, {});
        co_await until(deadline_after(3s), std::move(opening));
      } catch (const system_error& e) {
        timed_out = e.code() == core_error::timed_out;
      }
      CHECK(sctp::stack::associations() == 0);
    };
    co_await with_tasks("open", inside);
  });
  CHECK(timed_out);
  CHECK(wire.left.datagrams >= 4);  // INIT was repeated
}

TEST_CASE("garbage and packets of other associations change nothing") {
  sctp_world world;
  sctp_link wire;
  world.run([&]() -> awaitable<void> {
    auto body = [&](sctp_pair& pair) -> awaitable<void> {
      auto a = co_await pair.left->open_channel(0);
      auto b = co_await pair.right->open_channel(0);
      std::mt19937 random(5);
      for (std::size_t size = 0; size < 300; ++size) {
        auto junk = pattern(size, random());
        wire.right.inject(junk);
      }
      co_await a->send(pattern(77));
      const auto got6 = co_await take(*b, 1);
      CHECK(got6.at(0).bytes == pattern(77));
    };
    co_await with_pair(wire, {}, {}, body);
  });
}

TEST_CASE("200 associations, opened and dropped in every way, leave none behind") {
  sctp_world world;
  for (int i = 0; i < 200; ++i) {
    sctp_link wire;
    sctp::config options;
    options.local_port = options.remote_port = static_cast<std::uint16_t>(5000 + i % 7);
    try {
      world.run([&]() -> awaitable<void> {
        auto body = [&](sctp_pair& pair) -> awaitable<void> {
          auto a = co_await pair.left->open_channel(0);
          auto b = co_await pair.right->open_channel(0);
          co_await a->send(pattern(3000));
          if (i % 2 == 0) co_await take(*b, 1);
          if (i % 3 == 0) co_await a->close(deadline_after(50ms));
          if (i % 5 == 0) co_await pair.left->close(deadline_after(50ms));
        };
        co_await with_pair(wire, options, options, body);
      });
    } catch (const stage_error& e) {
      CHECK(e.stage() == "sctp");  // one side sees the other's end
    }
    REQUIRE(sctp::stack::associations() == 0);
  }
}
