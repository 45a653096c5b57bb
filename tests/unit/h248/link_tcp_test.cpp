#include <catch2/catch.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <agw/core/metrics.hpp>
#include <agw/h248/link_tcp.hpp>
#include <agw/h248/link_tpkt.hpp>

#include "connections.hpp"

using namespace agw;
using namespace agw::h248;
using namespace agw::h248::test;
using asio::ip::tcp;

namespace {

std::unique_ptr<endpoint> make(asio::any_io_executor executor, const char* name, tcp_link_config config, std::uint16_t port = 0) {
  auto link = open_tcp_link(executor, {transport::tcp, loopback, port}, config);
  REQUIRE(link.has_value());
  return over(executor, name, std::move(*link));
}

tcp_link_config listening() { return server<tcp_link_config>(); }
tcp_link_config dialling() { return client<tcp_link_config>(); }

}  // namespace

TEST_CASE("requests go both ways over the connection that one side dialled") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto mgc = make(executor, "mgc", listening());
    auto mg = make(executor, "mg", dialling());
    co_await requests_go_both_ways(*mg, *mgc, transport::tcp);
  });
}

TEST_CASE("a request survives the end of its connection") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    // A peer that takes the request and closes, then one that answers at the same port.
    tcp::acceptor acceptor(executor, tcp::endpoint(loopback, 0));
    const peer_address to{transport::tcp, loopback, acceptor.local_endpoint().port()};
    auto mg = make(executor, "mg", dialling());
    std::vector<peer_event> states;
    mg->on_peer([&](const peer_address&, peer_event what) { states.push_back(what); });
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg->run(); });
      std::optional<result<incoming_reply>> outcome;
      event done;
      group.spawn("request", [&]() -> awaitable<void> {
        auto actions = modify();
        outcome.emplace(co_await mg->request(to, std::move(actions)));
        done.set();
      });
      {
        auto socket = co_await acceptor.async_accept(asio::use_awaitable);
        std::string buffer(100, '\0');
        co_await socket.async_read_some(asio::buffer(buffer), asio::use_awaitable);
      }
      acceptor.close();
      auto mgc = make(executor, "mgc", listening(), to.port);
      auto inner = [&](task_group& second) -> awaitable<void> {
        second.spawn("mgc", [&]() -> awaitable<void> { co_await mgc->run(); });
        co_await done.wait();
      };
      co_await with_tasks("second", std::move(inner));
      REQUIRE(outcome->has_value());
      REQUIRE(std::ranges::count(states, peer_event::disconnected) >= 1);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("connections of strangers and streams that are no TPKT are closed and counted") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto mgc = make(executor, "mgc", listening());
    auto config = listening();
    config.max_connections = 1;
    auto small = make(executor, "small", config);
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc->run(); });
      group.spawn("small", [&]() -> awaitable<void> { co_await small->run(); });
      const auto port = mgc->local(transport::tcp).value().port;
      auto closed = [&](std::uint16_t at, std::string text) -> awaitable<bool> {
        tcp::socket socket(executor);
        co_await socket.async_connect(tcp::endpoint(loopback, at), asio::use_awaitable);
        boost::system::error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        if (!text.empty()) co_await asio::async_write(socket, asio::buffer(text), token);
        std::string buffer(10, '\0');
        co_await socket.async_read_some(asio::buffer(buffer), token);
        co_return ec == asio::error::eof || ec == asio::error::connection_reset;
      };
      const auto frames = drops("h248", "bad-frame");
      const bool no_tpkt = co_await closed(port, "!/1 mg T=1{C=1{A=ip/1}}");
      REQUIRE(no_tpkt);
      REQUIRE(drops("h248", "bad-frame") == frames + 1);
      tcp::socket first(executor);
      co_await first.async_connect(tcp::endpoint(loopback, small->local(transport::tcp).value().port), asio::use_awaitable);
      const bool too_many = co_await closed(small->local(transport::tcp).value().port, "");
      REQUIRE(too_many);
      std::vector<trusted_peer> nobody;
      mgc->set_peers(std::move(nobody));
      const auto refused = drops("h248", "refused-peer");
      const bool stranger = co_await closed(port, "");
      REQUIRE(stranger);
      REQUIRE(drops("h248", "refused-peer") == refused + 1);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("one host takes so many connections and no more, and loses those that bring nothing") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto config = listening();
    config.max_connections_of_host = 1;
    config.first_message_timeout = std::chrono::milliseconds(200);
    auto mgc = make(executor, "mgc", config);
    auto mg = make(executor, "mg", dialling());
    int endings = 0;
    mg->on_peer([&](const peer_address&, peer_event what) { endings += what == peer_event::alive ? 0 : 1; });
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc->run(); });
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg->run(); });
      const auto at = mgc->local(transport::tcp).value();
      const auto end_of = [&]() -> awaitable<void> {
        tcp::socket socket(executor);
        co_await socket.async_connect(tcp::endpoint(loopback, at.port), asio::use_awaitable);
        char octet = 0;
        boost::system::error_code ec;
        auto buffer = asio::buffer(&octet, 1);
        co_await socket.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
        REQUIRE(ec);
      };
      const auto refused = drops("h248", "too-many-connections");
      tcp::socket silent(executor);
      co_await silent.async_connect(tcp::endpoint(loopback, at.port), asio::use_awaitable);
      co_await end_of();  // one more from here
      REQUIRE(drops("h248", "too-many-connections") == refused + 1);
      char octet = 0;
      boost::system::error_code ec;
      auto buffer = asio::buffer(&octet, 1);
      co_await silent.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
      REQUIRE(ec == asio::error::eof);
      // A connection that has brought a message stays: two requests on one, the time of silence between them.
      for (int i = 0; i < 2; ++i) {
        auto actions = modify();
        const auto reply = co_await mg->request(at, std::move(actions));
        REQUIRE(reply.has_value());
        co_await sleep_until(deadline_after(2 * config.first_message_timeout));
      }
      REQUIRE(endings == 0);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("a peer that keeps its connection and does not answer is connected with anew") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    tcp::acceptor acceptor(executor, tcp::endpoint(loopback, 0));
    const peer_address to{transport::tcp, loopback, acceptor.local_endpoint().port()};
    endpoint_config config;
    config.mid = mid_name::parse("mg").value();
    config.transactions.t_max = std::chrono::milliseconds(50);
    endpoint mg(executor, std::move(config));
    auto link = open_tcp_link(executor, {transport::tcp, loopback, 0}, dialling());
    mg.add_link(std::move(*link));
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg.run(); });
      auto ask = [&]() -> awaitable<void> {
        auto actions = modify();
        const auto reply = co_await mg.request(to, std::move(actions));
        REQUIRE(reply.error() == make_error_code(errc::timed_out));
      };
      co_await ask();
      auto mute = co_await acceptor.async_accept(asio::use_awaitable);
      std::string buffer(1000, '\0');
      boost::system::error_code ended;
      auto token = asio::redirect_error(asio::use_awaitable, ended);
      while (!ended) co_await mute.async_read_some(asio::buffer(buffer), token);
      REQUIRE(ended == asio::error::eof);
      co_await ask();
      co_await acceptor.async_accept(asio::use_awaitable);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("a request for one peer alone fails with its connection; others are repeated until there is one") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    std::uint16_t port = 0;
    {
      tcp::acceptor gone(executor, tcp::endpoint(loopback, 0));
      port = gone.local_endpoint().port();
    }
    auto config = dialling();
    config.first_redial = config.longest_redial = std::chrono::milliseconds(10);
    auto mg = make(executor, "mg", config);
    std::unique_ptr<endpoint> mgc;
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg->run(); });
      const peer_address to{transport::tcp, loopback, port};
      auto actions = modify();
      const auto alone = co_await mg->request(to, std::move(actions), 1, {}, std::chrono::seconds(60));
      REQUIRE(alone.error() == make_error_code(errc::disconnected));
      // The peer rests now; what is asked for meanwhile is not lost.
      mgc = make(executor, "mgc", listening(), port);
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc->run(); });
      auto again = modify();
      const auto reply = co_await mg->request(to, std::move(again));
      INFO((reply ? std::string() : reply.error().message()));
      REQUIRE(reply.has_value());
    };
    co_await with_tasks("test", std::move(body));
  });
}
