// How channels are opened.
#include "channels.hpp"

#include <catch2/catch.hpp>

#include "agw/core/metrics.hpp"

using namespace agw;
using namespace agw::sctp_test;
using namespace std::chrono_literals;

TEST_CASE("a channel that the peer opens by DCEP meets the expectation that was there first and matches") {
  sctp_world world;
  with_channels(world, [](sctp_pair& pair) -> awaitable<void> {
    task_group children(co_await asio::this_coro::executor);
    std::unique_ptr<sctp::data_channel> chat;
    std::unique_ptr<sctp::data_channel> file;
    children.spawn("file", [&]() -> awaitable<void> { file = co_await pair.right->accept_channel(expect_msrp("file")); });
    children.spawn("any", [&]() -> awaitable<void> { chat = co_await pair.right->accept_channel(expect_msrp()); });
    auto opening = pair.left->open_with_dcep(msrp_open("chat"));
    auto a = co_await std::move(opening);
    auto unordered = msrp_open("file");
    unordered.ordered = false;
    opening = pair.left->open_with_dcep(unordered, 10);
    auto b = co_await std::move(opening);
    REQUIRE(chat);
    REQUIRE(file);
    CHECK(a->id() == 1);  // a DTLS server's ids are odd
    CHECK(chat->id() == 1);
    CHECK(chat->label() == "chat");
    CHECK(chat->protocol() == "msrp");
    CHECK(file->id() == 10);
    co_await b->send(pattern(10));
    co_await file->send(pattern(11));
    co_await chat->send(pattern(12));
    const auto at_file = co_await take(*file, 1);
    const auto at_b = co_await take(*b, 1);
    const auto at_a = co_await take(*a, 1);
    CHECK(at_file[0].bytes.size() == 10);
    CHECK(at_b[0].bytes.size() == 11);
    CHECK(at_a[0].bytes.size() == 12);
    co_await children.join();
  });
}

TEST_CASE("an OPEN and data that come before the channel is configured wait for it, and then count as its first") {
  sctp_world world;
  with_channels(world, [](sctp_pair& pair) -> awaitable<void> {
    task_group children(co_await asio::this_coro::executor);
    auto early = co_await pair.left->open_channel(4);
    co_await early->send(pattern(100));
    std::unique_ptr<sctp::data_channel> opened;
    children.spawn("open", [&]() -> awaitable<void> { opened = co_await pair.left->open_with_dcep(msrp_open()); });
    co_await sleep_until(deadline_after(500ms));
    CHECK(!opened);
    auto four = co_await pair.right->open_channel(4);
    const auto first = co_await take(*four, 1);
    CHECK(first[0].bytes == pattern(100));
    auto chat = co_await pair.right->accept_channel(expect_msrp("chat"));
    co_await sleep_until(deadline_after(50ms));
    REQUIRE(opened);
    CHECK(chat->label() == "chat");
    co_await children.join();
  });
}

TEST_CASE("a negotiated channel acknowledges an OPEN on its id, whether it comes before or after") {
  const bool before = GENERATE(true, false);
  sctp_world world;
  with_channels(world, [&](sctp_pair& pair) -> awaitable<void> {
    task_group children(co_await asio::this_coro::executor);
    std::unique_ptr<sctp::data_channel> mine;
    if (!before) mine = co_await pair.right->open_channel(7);
    std::unique_ptr<sctp::data_channel> opened;
    children.spawn("open", [&]() -> awaitable<void> { opened = co_await pair.left->open_with_dcep(msrp_open("x"), 7); });
    co_await sleep_until(deadline_after(100ms));
    if (before) mine = co_await pair.right->open_channel(7);
    co_await sleep_until(deadline_after(100ms));
    REQUIRE(opened);
    CHECK(mine->protocol() == "msrp");
    CHECK(mine->label() == "x");
    co_await children.join();
  });
}

TEST_CASE("an OPEN that nothing matches is reset after the hold and counted, and its id is free again") {
  sctp_world world;
  const auto before = drops("dcep", "unmatched");
  with_channels(world, [](sctp_pair& pair) -> awaitable<void> {
    task_group children(co_await asio::this_coro::executor);
    auto open = msrp_open();
    open.protocol = "bfcp";
    children.spawn("never matched", [&]() -> awaitable<void> { co_await pair.right->accept_channel(expect_msrp()); });
    auto opening = pair.left->open_with_dcep(open, 8);
    const auto start = clock::now();
    const auto cause = co_await outcome(std::move(opening));
    CHECK(cause == "channel:reset");
    CHECK(clock::now() - start >= 2s);
    auto a = co_await pair.left->open_channel(8);
    auto b = co_await pair.right->open_channel(8);
    co_await a->send(pattern(5));
    const auto got = co_await take(*b, 1);
    CHECK(got.size() == 1);
    co_await children.stop();
  });
  CHECK(drops("dcep", "unmatched") == before + 1);
}

TEST_CASE("data for a stream without a channel is reset after the hold, and the sender sees its channel close") {
  sctp_world world;
  const auto before = drops("sctp", "unclaimed");
  with_channels(world, [](sctp_pair& pair) -> awaitable<void> {
    auto a = co_await pair.left->open_channel(2);
    co_await a->send(pattern(1000));
    const auto got = co_await take(*a, 1);
    CHECK(got.empty());
    const auto cause = co_await outcome(a->send(pattern(1)));
    CHECK(cause == "channel:reset");
  });
  CHECK(drops("sctp", "unclaimed") == before + 1);
}

TEST_CASE("more streams are asked for when an id needs them, and refused beyond the bound") {
  sctp_world world;
  sctp::config few;
  few.streams = 4;
  few.max_inbound_streams = 128;
  with_channels(
      world,
      [](sctp_pair& pair) -> awaitable<void> {
        CHECK(pair.left->statistics().outgoing_streams == 4);
        auto a = co_await pair.left->open_channel(100);
        auto b = co_await pair.right->open_channel(100);
        co_await a->send(pattern(50));
        const auto got = co_await take(*b, 1);
        CHECK(got.size() == 1);
        co_await b->send(pattern(50));
        const auto back = co_await take(*a, 1);
        CHECK(back.size() == 1);
        CHECK(pair.left->statistics().outgoing_streams == 128);
        CHECK(pair.left->statistics().incoming_streams == 128);
        const auto beyond = co_await outcome(pair.left->open_channel(128));
        CHECK(beyond == "channel:streams");
      },
      few, few);
}
