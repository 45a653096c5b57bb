// The link over SCTP in UDP: what it carries, whom it hears, and how it gets over a peer that goes.
#include <catch2/catch.hpp>

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>

#include "agw/control/sctp_link.hpp"
#include "agw/core/event.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using h248::peer_address;
using h248::transport;

namespace {

const auto loopback = asio::ip::make_address("127.0.0.1");

control::sctp_link_config config_of(bool listen) {
  control::sctp_link_config out;
  out.listen = listen;
  out.dial = !listen;
  out.sctp.heartbeat = 100ms;
  out.sctp.max_retransmissions = 1;
  out.sctp.max_init_attempts = 1;
  out.first_redial = 1ms;
  return out;
}

/// A link that runs in a group, and what it told.
struct side {
  side(loop_executor executor, bool listen, std::uint16_t port = 0)
      : link(*control::open_sctp_link(executor, {transport::sctp_over_udp, loopback, port}, config_of(listen))), group(executor, "side") {}

  void start() {
    auto main = [this]() -> awaitable<void> {
      auto hear = [this](const peer_address& from, std::string text) {
        heard.push_back(std::move(text));
        last = from;
        changed.set();
      };
      auto see = [this](const peer_address&, bool is_up) {
        states.push_back(is_up);
        changed.set();
      };
      co_await link->run(hear, see);
    };
    group.spawn("link", main);
  }
  awaitable<void> until_true(std::function<bool()> done) {
    while (!done()) co_await until(deadline_after(30s), changed.wait());
  }

  std::unique_ptr<h248::message_link> link;
  task_group group;
  std::vector<std::string> heard;
  std::vector<bool> states;
  peer_address last;
  event changed;
};

std::size_t occurrences(const std::vector<std::string>& all, std::string_view word) {
  std::size_t out = 0;
  for (const auto& text : all) {
    for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) ++out;
  }
  return out;
}

}  // namespace

TEST_CASE("messages of every size go both ways, whole and in order, over the association that the first one made") {
  sctp::stack stack;
  test::run([]() -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    side mgc(executor, true), mg(executor, false);
    mgc.start();
    mg.start();
    CHECK(mg.link->reliable());
    std::vector<std::string> sent;
    for (const std::size_t size : {1u, 1000u, 1200u, 5000u, 65535u, 7u}) {
      sent.emplace_back(size, static_cast<char>('a' + sent.size()));
      mg.link->send(mgc.link->local(), sent.back());
    }
    mg.link->send(mgc.link->local(), std::string(65536, 'x'));  // too long: dropped
    mg.link->send(mgc.link->local(), "end");
    sent.emplace_back("end");
    co_await mgc.until_true([&] { return mgc.heard.size() == sent.size(); });
    CHECK(mgc.heard == sent);
    CHECK(mgc.last.port == mg.link->local().port);
    mgc.link->send(mgc.last, "answer");
    co_await mg.until_true([&] { return !mg.heard.empty(); });
    CHECK(mg.heard.front() == "answer");
    CHECK(mgc.states == std::vector<bool>{true});
    co_await mg.group.stop();
    co_await mgc.until_true([&] { return mgc.states.size() == 2; });  // it aborted its association
    CHECK_FALSE(mgc.states.back());
    mgc.link->send(mgc.last, "nobody dials from here");
    co_await mgc.group.stop();
  });
}

TEST_CASE("who is not a peer gets no association, and neither does a side that only dials") {
  sctp::stack stack;
  test::run([]() -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    side mgc(executor, true), stranger(executor, false), friendly(executor, false);
    const auto known = friendly.link->local().port;
    mgc.link->set_filter([known](const peer_address& from) { return from.port == known; });
    mgc.start();
    stranger.start();
    friendly.start();
    stranger.link->send(mgc.link->local(), "let me in");
    co_await stranger.until_true([&] { return !stranger.states.empty(); });
    CHECK_FALSE(stranger.states.back());
    friendly.link->send(mgc.link->local(), "hello");
    co_await mgc.until_true([&] { return !mgc.heard.empty(); });
    CHECK(mgc.heard == std::vector<std::string>{"hello"});
    // An INIT towards a side that only dials is refused at once, out of the blue.
    stranger.states.clear();
    stranger.link->send(friendly.link->local(), "and you?");
    co_await stranger.until_true([&] { return !stranger.states.empty(); });
    CHECK_FALSE(stranger.states.back());
    co_await stranger.group.stop();
    co_await friendly.group.stop();
    co_await mgc.group.stop();
  });
}

TEST_CASE("a peer that vanishes is noticed, and found again when it is back") {
  sctp::stack stack;
  test::run([]() -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    side mg(executor, false);
    mg.start();
    std::optional<side> mgc(std::in_place, executor, true);
    const auto at = mgc->link->local();
    mgc->start();
    mg.link->send(at, "one");
    co_await mgc->until_true([&] { return mgc->heard.size() == 1; });
    co_await mgc->group.stop();
    mgc.reset();
    co_await mg.until_true([&] { return mg.states.size() == 2; });
    CHECK_FALSE(mg.states.back());
    mg.link->send(at, "into the void");  // dialled in vain
    co_await mg.until_true([&] { return mg.states.size() == 3; });
    CHECK_FALSE(mg.states.back());
    mgc.emplace(executor, true, at.port);
    mgc->start();
    while (mgc->heard.empty()) {
      mg.link->send(at, "again");
      try {
        co_await until(deadline_after(50ms), mgc->changed.wait());
      } catch (const system_error&) {  // not yet
      }
    }
    CHECK(mgc->heard.front() == "again");
    co_await mg.group.stop();
    co_await mgc->group.stop();
  });
}

TEST_CASE("garbage on the port of the link does no harm") {
  sctp::stack stack;
  test::run([]() -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    side mgc(executor, true), mg(executor, false);
    mgc.start();
    mg.start();
    udp_socket noise(executor, asio::ip::udp::endpoint(loopback, 0));
    const asio::ip::udp::endpoint to(loopback, mgc.link->local().port);
    for (std::size_t size = 0; size < 64; ++size) {
      std::string bytes(size, static_cast<char>(size * 37));
      if (size > 12) bytes[12] = 1;  // looks like an INIT
      noise.send_to(asio::buffer(bytes), to);
    }
    mg.link->send(mgc.link->local(), "still here");
    co_await mgc.until_true([&] { return !mgc.heard.empty(); });
    CHECK(mgc.heard.front() == "still here");
    co_await mg.group.stop();
    co_await mgc.group.stop();
  });
}

TEST_CASE("a request beyond those that may run is refused with error 510 over an association, and none is dropped") {
  sctp::stack stack;
  test::run([]() -> awaitable<void> {
    const auto executor = co_await asio::this_coro::executor;
    h248::endpoint_config config;
    config.mid = h248::mid_name::parse("mgc").value();
    config.transactions.max_running_per_peer = 2;
    h248::endpoint mgc(executor, std::move(config));
    auto link = control::open_sctp_link(executor, {transport::sctp_over_udp, loopback, 0}, config_of(true));
    REQUIRE(link);
    const auto to = (*link)->local();
    mgc.add_link(std::move(*link));
    std::size_t most = 0, running = 0;
    mgc.on_request([&](const h248::incoming_request&, h248::outgoing_reply& reply) -> awaitable<void> {
      most = std::max(most, ++running);
      for (int turn = 0; turn < 50; ++turn) co_await asio::post(executor, use_awaitable);
      --running;
      reply.actions().emplace_back().context = {1};
    });
    const auto dropped = drops("h248", "too-many-transactions");
    task_group group(executor, "mgc");
    group.spawn("endpoint", [&]() -> awaitable<void> { co_await mgc.run(); });
    side mg(executor, false);
    mg.start();
    for (int n = 1; n <= 300; n += 10) {
      std::string message = "!/3 mg ";
      for (int i = n; i < n + 10; ++i) message += "T=" + std::to_string(i) + "{C=1{A=ip/1}}";
      mg.link->send(to, message);
    }
    co_await mg.until_true([&] { return occurrences(mg.heard, "P=") == 300; });
    const auto refused = occurrences(mg.heard, "ER=510{");
    CHECK(refused > 0);
    CHECK(occurrences(mg.heard, "{C=1}") == 300 - refused);
    CHECK(occurrences(mg.heard, "{C=1}") >= 2);
    CHECK(most == 2);
    CHECK(drops("h248", "too-many-transactions") == dropped);
    co_await mg.group.stop();
    co_await group.stop();
  });
}
