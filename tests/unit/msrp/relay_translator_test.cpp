#include "agw/msrp/relay_translator.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "agw/core/relay.hpp"
#include "agw/testing/memory_pipes.hpp"
#include "support/loop.hpp"
#include "unit/msrp/sample.hpp"

using namespace agw;
using namespace agw::msrp;
using namespace agw::msrp::test;
using namespace std::chrono_literals;
using agw::testing::memory_channel;
using agw::testing::memory_stream;
using agw::testing::unlimited;

namespace {

// A relay of MSRP that runs on a test clock between two pipes in memory.
struct call {
  explicit call(relay_paths paths = {}, std::size_t channel_limit = 65536, std::shared_ptr<session_directory> sessions = nullptr) {
    channel.limit = channel_limit;
    relay_options options;
    options.paths = std::move(paths);
    options.sessions = std::move(sessions);
    translates.emplace(std::move(options), channel_limit);
    relay_config config;
    config.name = "msrp";
    relaying.emplace(config, *translates, channel, stream, gate);
    auto body = [this]() -> awaitable<void> { ended_by = co_await relaying->run(); };
    asio::co_spawn(context, std::move(body), asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e) {
                     error = std::move(e);
                     ended = true;
                   }));
    settle();
  }
  ~call() {
    if (!ended) {
      cancel.emit(asio::cancellation_type::terminal);
      settle();
    }
    if (!ended) std::terminate();
  }
  void settle() { time.settle(); }
  std::string failure() { return agw::testing::failure_of(error); }

  asio::io_context context{1};
  agw::test::manual_clock time{context};
  memory_channel channel;
  memory_stream stream;
  flow_gate gate{stream_mode::send_receive, stream_mode::send_receive};
  std::optional<relay_translator> translates;
  std::optional<relay> relaying;
  asio::cancellation_signal cancel;
  std::optional<side> ended_by;
  std::exception_ptr error;
  bool ended = false;
};

relay_paths aware_paths() {
  relay_paths paths;
  paths.mode = relay_mode::aware;
  paths.core.own = "msrp://gw.example.com:4000/core;tcp";
  paths.core.peer = alice;
  paths.wic.own = "msrps://gw.example.com:9/wic;dc";
  paths.wic.peer = bob;
  return paths;
}

}  // namespace

TEST_CASE("chunks pass in both directions") {
  call c;
  const auto hello = make_chunk("hello");
  const auto world = make_chunk("world");
  c.stream.arrive(hello.substr(0, 30));
  c.settle();
  CHECK(c.channel.sent.empty());
  c.stream.arrive(hello.substr(30) + world);
  c.channel.arrive(world);
  c.settle();
  CHECK(c.channel.sent == std::vector<std::string>{hello, world});
  CHECK(c.channel.kinds == std::vector<message_kind>{message_kind::binary, message_kind::binary});
  CHECK(c.stream.sent == world);
  CHECK(c.translates->to_wic().chunks == 2);
  CHECK(c.translates->to_wic().bytes == hello.size() + world.size());
  CHECK(c.translates->to_core().messages == 1);
  CHECK_FALSE(c.ended);
}

TEST_CASE("messages that arrive together are written together") {
  call c;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const auto chunk = make_chunk("message " + std::to_string(i));
    c.channel.arrive(chunk);
    all += chunk;
  }
  c.settle();
  CHECK(c.stream.sent == all);
  CHECK(c.stream.writes == 1);
}

TEST_CASE("a split chunk is answered once, with its own transaction id") {
  call c({}, 2000);
  c.stream.arrive(make_chunk(std::string(10000, 'x')));
  c.settle();
  REQUIRE(c.channel.sent.size() >= 6);
  for (const auto& piece : c.channel.sent) {
    CHECK(c.stream.sent.empty());
    const auto id = parse_whole(piece).chunks.at(0).transaction_id;
    c.channel.arrive("MSRP " + id + " 200 OK\r\nTo-Path: a\r\nFrom-Path: b\r\n-------" + id + "$\r\n");
    c.settle();
  }
  CHECK(c.stream.sent == "MSRP d93kswow 200 OK\r\nTo-Path: a\r\nFrom-Path: b\r\n-------d93kswow$\r\n");
  CHECK(c.translates->to_core().absorbed == c.channel.sent.size());
}

TEST_CASE("a channel without room stops the reading of the stream, and nothing is lost") {
  call c({}, 65536);
  c.channel.window = 3;
  std::string all;
  for (int i = 0; i < 200; ++i) all += make_chunk(std::string(5000, 'x'));
  c.stream.arrive(all);
  c.settle();
  CHECK(c.channel.sent.size() == 3);
  CHECK(c.stream.waiting() > all.size() - 100000);
  c.channel.give_room(unlimited);
  c.settle();
  std::string got;
  for (const auto& m : c.channel.sent) got += m;
  CHECK(got == all);
}

TEST_CASE("garbage ends the relay with the word of the vocabulary, after what came before it") {
  const auto chunk = make_chunk("hello");
  {
    call c;
    c.stream.arrive(chunk + "garbage");
    c.settle();
    CHECK(c.failure() == "msrp:syntax");
    CHECK(c.channel.sent == std::vector<std::string>{chunk});
    CHECK(c.translates->to_wic().rejected == 1);
  }
  {
    call c;
    c.channel.arrive(chunk);
    c.channel.arrive("garbage");
    c.settle();
    CHECK(c.failure() == "msrp:syntax");
    CHECK(c.stream.sent == chunk);
    CHECK(c.translates->to_core().rejected == 1);
  }
  {
    call c({}, 300);
    c.stream.arrive(make_chunk(std::string(1000, 'x')));
    c.settle();
    CHECK(c.failure() == "msrp:too-large");
  }
}

TEST_CASE("an orderly close of either side ends the relay and names the side") {
  const auto chunk = make_chunk("hello");
  {
    call c;
    c.stream.arrive(chunk);
    c.stream.peer_closes();
    c.settle();
    c.time.advance(20ms);
    CHECK(c.failure() == "");
    CHECK(c.ended_by == side::core);
    CHECK(c.channel.sent == std::vector<std::string>{chunk});
  }
  {
    call c;
    c.channel.arrive(chunk);
    c.channel.peer_closes();
    c.settle();
    c.time.advance(20ms);
    CHECK(c.failure() == "");
    CHECK(c.ended_by == side::wic);
    CHECK(c.stream.sent == chunk);
  }
}

TEST_CASE("a stream that closes inside a split chunk aborts the message") {
  call c({}, 2000);
  const auto chunk = make_chunk(std::string(10000, 'x'));
  c.stream.arrive(chunk.substr(0, 5000));
  c.stream.peer_closes();
  c.settle();
  c.time.advance(20ms);
  CHECK(c.ended_by == side::core);
  REQUIRE(c.channel.sent.size() >= 2);
  CHECK(parse_whole(c.channel.sent.back()).chunks.at(0).flag == '#');
}

TEST_CASE("finish waits for the rest of a chunk that the stream has begun") {
  call c;
  const auto chunk = make_chunk("hello");
  c.stream.arrive(chunk.substr(0, 2));
  c.settle();
  asio::post(c.context, [&] { c.relaying->finish(); });
  c.time.advance(20ms);
  c.time.advance(20ms);
  CHECK_FALSE(c.ended);
  c.stream.arrive(chunk.substr(2));
  c.time.advance(20ms);
  c.time.advance(20ms);
  CHECK(c.ended);
  CHECK(c.channel.sent == std::vector<std::string>{chunk});
}

TEST_CASE("in aware mode a stranger is answered on its own side, between the other writes") {
  const auto paths = aware_paths();
  send_options to_core;
  to_core.to = paths.wic.own;
  to_core.from = bob;
  call c(paths);
  c.stream.window = 20;
  const auto chunk = make_chunk(std::string(1000, 'x'), to_core);
  c.channel.arrive(chunk);
  c.settle();
  c.stream.arrive(make_chunk("for somebody else"));
  c.settle();
  CHECK(c.stream.sent.size() == 20);
  c.stream.give_room(unlimited);
  c.settle();
  const auto seen = parse_whole(c.stream.sent);
  REQUIRE_FALSE(seen.error);
  REQUIRE(seen.chunks.size() == 2);
  CHECK(seen.chunks[0].body == std::string(1000, 'x'));
  CHECK(seen.chunks[1].kind == chunk_kind::response);
  CHECK(c.channel.sent.empty());
  c.channel.arrive(make_chunk("astray"));
  c.settle();
  REQUIRE(c.channel.sent.size() == 1);
  CHECK(c.channel.sent[0].substr(0, 17) == "MSRP d93kswow 481");
}

TEST_CASE("in aware mode a WIC that takes only 100 octets loses what does not fit, and not the session") {
  const auto paths = aware_paths();
  call c(paths, 100);
  c.channel.arrive(make_chunk("astray"));  // the 481 does not fit
  c.settle();
  CHECK_FALSE(c.ended);
  CHECK(c.channel.sent.empty());
  CHECK(c.translates->to_core().rejected == 1);
  send_options to_wic;
  to_wic.to = paths.core.own;
  to_wic.from = alice;
  c.stream.arrive(make_chunk("hello", to_wic));  // nor does this
  c.settle();
  CHECK_FALSE(c.ended);
  CHECK(c.stream.sent.substr(0, 17) == "MSRP d93kswow 413");
  send_options to_core;
  to_core.to = paths.wic.own;
  to_core.from = bob;
  c.channel.arrive(make_chunk("hello", to_core));
  c.settle();
  CHECK(parse_whole(c.stream.sent).chunks.at(1).body == "hello");
}

TEST_CASE("keep-alives are swallowed towards the channel and pass to the stream") {
  call c;
  const auto chunk = make_chunk("hello");
  c.stream.arrive("\r\n" + chunk + "\r\n\r\n");
  c.channel.arrive("\r\n");
  c.channel.arrive(chunk);
  c.settle();
  CHECK(c.channel.sent == std::vector<std::string>{chunk});
  CHECK(c.stream.sent == "\r\n" + chunk);
}

TEST_CASE("two relays with one session: the second refuses with 506 while the first runs") {
  const auto sessions = std::make_shared<session_directory>();
  const auto paths = aware_paths();
  send_options to_wic;
  to_wic.to = paths.core.own;
  to_wic.from = alice;
  const auto chunk = make_chunk("hello", to_wic);
  {
    call first(paths, 65536, sessions);
    CHECK(sessions->size() == 2);
    call second(paths, 65536, sessions);
    second.stream.arrive(chunk);
    second.settle();
    CHECK(second.channel.sent.empty());
    CHECK(second.stream.sent.substr(0, 17) == "MSRP d93kswow 506");
    first.stream.arrive(chunk);
    first.settle();
    CHECK(first.channel.sent.size() == 1);
  }
  CHECK(sessions->size() == 0);
  call third(paths, 65536, sessions);
  third.stream.arrive(chunk);
  third.settle();
  CHECK(third.channel.sent.size() == 1);
  call agnostic({}, 65536, sessions);
  CHECK(sessions->size() == 2);
}

TEST_CASE("a path that both sides have is one session, and not in use elsewhere") {
  auto paths = aware_paths();
  paths.wic.own = paths.core.own;
  const auto sessions = std::make_shared<session_directory>();
  call c(paths, 65536, sessions);
  send_options to_us;
  to_us.to = paths.core.own;
  c.stream.arrive(make_chunk("hello", to_us));
  c.settle();
  CHECK(c.channel.sent.size() == 1);
}
