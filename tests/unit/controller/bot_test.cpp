#include "bot.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include "agw/testing/memory_pipes.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::controller;
using Catch::Matchers::Contains;

namespace {

const std::string bot_path = "msrp://192.0.2.1:7001/bot;tcp";
const std::string wic_path = "msrps://wic.invalid:2855/wic;dc";

// A bot on a stream in memory, whose far end the test plays.
struct fixture {
  fixture() {
    bot.on_first_message = [this] { ++first_messages; };
    auto body = [this]() -> awaitable<void> { co_await bot.run(stream); };
    asio::co_spawn(context, std::move(body), asio::bind_cancellation_slot(cancel.slot(), [this](std::exception_ptr e) {
      error = std::move(e);
      ended = true;
    }));
    time.settle();
  }
  ~fixture() {
    cancel.emit(asio::cancellation_type::terminal);
    time.settle();
    if (!ended) std::terminate();
  }
  void give(std::string_view wire) {
    stream.arrive(wire);
    time.settle();
  }
  void text(std::string_view body, const std::string& id) { give(send(body, id)); }
  static std::string send(std::string_view body, const std::string& id, const std::string& extra = "") {
    const auto size = std::to_string(body.size());
    return "MSRP " + id + " SEND\r\nTo-Path: " + bot_path + "\r\nFrom-Path: " + wic_path + "\r\nMessage-ID: m" + id +
           "\r\nByte-Range: 1-" + size + "/" + size + "\r\n" + extra + "Content-Type: text/plain\r\n\r\n" + std::string(body) +
           "\r\n-------" + id + "$\r\n";
  }

  asio::io_context context{1};
  test::manual_clock time{context};
  testing::memory_stream stream;
  bot_session bot{bot_path, wic_path};
  asio::cancellation_signal cancel;
  std::exception_ptr error;
  bool ended = false;
  int first_messages = 0;
};

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a digest of nothing, and of something") {
  CHECK(sha256().finish() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  sha256 abc;
  abc.add(msrp::as_bytes("ab"));
  abc.add(msrp::as_bytes("c"));
  CHECK(abc.finish() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("a text is acknowledged and comes back") {
  fixture f;
  f.text("hello", "t1aaaa");
  CHECK(f.first_messages == 1);
  CHECK_THAT(f.stream.sent, Contains("MSRP t1aaaa 200"));
  CHECK_THAT(f.stream.sent, Contains("\r\n\r\nhello\r\n-------"));
  CHECK_THAT(f.stream.sent, Contains("To-Path: " + wic_path));
  f.text("again", "t2aaaa");
  CHECK(f.first_messages == 1);
}

TEST_CASE("an empty SEND is acknowledged and nothing comes back") {
  fixture f;
  f.give("MSRP t1aaaa SEND\r\nTo-Path: " + bot_path + "\r\nFrom-Path: " + wic_path + "\r\nMessage-ID: m1aaaa\r\nByte-Range: 1-0/0\r\n-------t1aaaa$\r\n");
  CHECK_THAT(f.stream.sent, Contains("MSRP t1aaaa 200"));
  CHECK(count(f.stream.sent, " SEND\r\n") == 0);
}

TEST_CASE("a file is answered with its name, size and hash, and sent back") {
  fixture f;
  f.give(fixture::send("abc", "t1aaaa", "Content-Disposition: attachment; filename=\"a.txt\"; size=3\r\n"));
  CHECK_THAT(f.stream.sent,
             Contains("received a.txt: 3 bytes, SHA-256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
  CHECK_THAT(f.stream.sent, Contains("Content-Disposition: attachment; filename=\"a.txt\"; size=3"));
  CHECK(count(f.stream.sent, " SEND\r\n") == 2);
}

TEST_CASE("orders are carried out and not sent back") {
  fixture f;
  f.text("/quiet", "t1aaaa");
  f.text("to nobody", "t2aaaa");
  CHECK(count(f.stream.sent, " SEND\r\n") == 0);
  f.text("/loud", "t3aaaa");
  f.text("/file 5 five.bin", "t4aaaa");
  CHECK_THAT(f.stream.sent, Contains("sending five.bin: 5 bytes, SHA-256 ") && Contains("filename=\"five.bin\"; size=5"));
  f.text("/file 2000000000", "t5aaaa");
  CHECK_THAT(f.stream.sent, Contains("a file has 0 to "));
  f.text("/nonsense", "t6aaaa");
  CHECK_THAT(f.stream.sent, Contains("orders: "));
  f.text("/close", "t7aaaa");
  CHECK(f.ended);
  CHECK_FALSE(f.error);
}

TEST_CASE("a peer that asks and takes nothing is owed a bounded amount, and nothing is stuck") {
  fixture f;
  f.stream.window = 0;
  for (int i = 0; i < 500; ++i) f.text("echo me", "t" + std::to_string(1000 + i));
  f.stream.give_room(testing::unlimited);
  f.time.settle();
  const auto echoes = count(f.stream.sent, "\r\n\r\necho me\r\n");
  CHECK(echoes > 10);
  CHECK(echoes < 200);
  CHECK(count(f.stream.sent, " 200") == 500);
  f.text("still there?", "t9zzzz");  // its echo waits for answers to those that went before
  CHECK_THAT(f.stream.sent, Contains("MSRP t9zzzz 200"));
}

TEST_CASE("the bot ends with what is no MSRP") {
  fixture f;
  f.give("HTTP/1.1 400 Bad Request\r\n\r\n");
  CHECK(f.ended);
  CHECK(f.error);
}

TEST_CASE("the bot keeps to what the peer takes: types and sizes") {
  fixture f;
  f.bot.set_limits({"text/*"}, 20);
  f.text("short", "t1aaaa");
  CHECK_THAT(f.stream.sent, Contains("short"));
  f.text("this is longer than twenty octets", "t2aaaa");
  CHECK_THAT(f.stream.sent, !Contains("longer than twenty"));
  f.bot.set_limits({"image/png"}, std::nullopt);
  f.text("again", "t3aaaa");
  CHECK_THAT(f.stream.sent, !Contains("again"));
}
