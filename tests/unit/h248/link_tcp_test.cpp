#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <agw/core/metrics.hpp>
#include <agw/core/sockets.hpp>
#include <agw/h248/link_tcp.hpp>
#include <agw/h248/link_tpkt.hpp>
#include <agw/h248/registration.hpp>

#include "connections.hpp"

using namespace agw;
using namespace agw::h248;
using namespace agw::h248::test;
using asio::ip::tcp;

namespace {

std::unique_ptr<endpoint> make(loop_executor executor, const char* name, tcp_link_config config, std::uint16_t port = 0) {
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
    tcp_acceptor acceptor(executor, tcp::endpoint(loopback, 0));
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
        auto socket = co_await acceptor.async_accept(use_awaitable);
        std::string buffer(100, '\0');
        co_await socket.async_read_some(asio::buffer(buffer), use_awaitable);
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
        tcp_socket socket(executor);
        co_await socket.async_connect(tcp::endpoint(loopback, at), use_awaitable);
        boost::system::error_code ec;
        auto token = asio::redirect_error(use_awaitable, ec);
        if (!text.empty()) co_await asio::async_write(socket, asio::buffer(text), token);
        std::string buffer(10, '\0');
        co_await socket.async_read_some(asio::buffer(buffer), token);
        co_return ec == asio::error::eof || ec == asio::error::connection_reset;
      };
      const auto frames = drops("h248", "bad-frame");
      const bool no_tpkt = co_await closed(port, "!/1 mg T=1{C=1{A=ip/1}}");
      REQUIRE(no_tpkt);
      REQUIRE(drops("h248", "bad-frame") == frames + 1);
      tcp_socket first(executor);
      co_await first.async_connect(tcp::endpoint(loopback, small->local(transport::tcp).value().port), use_awaitable);
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
        tcp_socket socket(executor);
        co_await socket.async_connect(tcp::endpoint(loopback, at.port), use_awaitable);
        char octet = 0;
        boost::system::error_code ec;
        auto buffer = asio::buffer(&octet, 1);
        co_await socket.async_read_some(buffer, asio::redirect_error(use_awaitable, ec));
        REQUIRE(ec);
      };
      const auto refused = drops("h248", "too-many-connections");
      tcp_socket silent(executor);
      co_await silent.async_connect(tcp::endpoint(loopback, at.port), use_awaitable);
      co_await end_of();  // one more from here
      REQUIRE(drops("h248", "too-many-connections") == refused + 1);
      char octet = 0;
      boost::system::error_code ec;
      auto buffer = asio::buffer(&octet, 1);
      co_await silent.async_read_some(buffer, asio::redirect_error(use_awaitable, ec));
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
    tcp_acceptor acceptor(executor, tcp::endpoint(loopback, 0));
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
      auto mute = co_await acceptor.async_accept(use_awaitable);
      std::string buffer(1000, '\0');
      boost::system::error_code ended;
      auto token = asio::redirect_error(use_awaitable, ended);
      while (!ended) co_await mute.async_read_some(asio::buffer(buffer), token);
      REQUIRE(ended == asio::error::eof);
      co_await ask();
      co_await acceptor.async_accept(use_awaitable);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("a request for one peer alone fails with its connection; others are repeated until there is one") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    std::uint16_t port = 0;
    {
      tcp_acceptor gone(executor, tcp::endpoint(loopback, 0));
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

namespace {

// What `socket` brings until `count` of `word` have come.
awaitable<std::string> read_until(tcp_socket& socket, std::string_view word, std::size_t count) {
  std::string all, buffer(65536, '\0');
  for (std::size_t seen = 0, from = 0; seen < count;) {
    const auto size = co_await socket.async_read_some(asio::buffer(buffer), use_awaitable);
    all.append(buffer, 0, size);
    for (auto at = all.find(word, from); at != std::string::npos; at = all.find(word, from)) {
      from = at + word.size();
      ++seen;
    }
  }
  co_return all;
}

}  // namespace

TEST_CASE("every request of one connection is answered, however many come at once") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    endpoint_config config;
    config.mid = mid_name::parse("mgc").value();
    config.transactions.max_running_per_peer = 100;
    endpoint mgc(executor, std::move(config));
    auto link = open_tcp_link(executor, {transport::tcp, loopback, 0}, listening());
    mgc.add_link(std::move(*link));
    std::size_t most = 0, running = 0;
    mgc.on_request([&](const incoming_request& request, outgoing_reply& reply) -> awaitable<void> {
      most = std::max(most, ++running);
      for (int turn = 0; turn < 50; ++turn) co_await asio::post(executor, use_awaitable);
      --running;
      reply.actions().emplace_back().context = request->actions.front().context;
    });
    const auto dropped = drops("h248", "too-many-transactions");
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc.run(); });
      tcp_socket socket(executor);
      co_await socket.async_connect(tcp::endpoint(loopback, mgc.local(transport::tcp).value().port), use_awaitable);
      std::string out;
      for (int n = 1; n <= 3000; n += 10) {
        std::string message = "!/3 mg ";
        for (int i = n; i < n + 10; ++i) message += "T=" + std::to_string(i) + "{C=1{A=ip/1}}";
        append_tpkt(out, message);
      }
      group.spawn("writer", [&]() -> awaitable<void> { co_await asio::async_write(socket, asio::buffer(out), use_awaitable); });
      const auto answers = co_await read_until(socket, "{C=1}", 3000);
      for (const int n : {1, 1500, 3000}) REQUIRE(answers.find("P=" + std::to_string(n) + "{C=1}") != std::string::npos);
    };
    co_await with_tasks("test", std::move(body));
    REQUIRE(most <= 100);
    REQUIRE(most > 80);
    REQUIRE(drops("h248", "too-many-transactions") == dropped);
  });
}

TEST_CASE("what one message asks beyond the limit is refused with error 510 over a connection, and not dropped") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    endpoint_config config;
    config.mid = mid_name::parse("mgc").value();
    config.transactions.max_running_per_peer = 2;
    endpoint mgc(executor, std::move(config));
    auto link = open_tcp_link(executor, {transport::tcp, loopback, 0}, listening());
    mgc.add_link(std::move(*link));
    mgc.on_request([&](const incoming_request&, outgoing_reply& reply) -> awaitable<void> {
      co_await asio::post(executor, use_awaitable);
      reply.actions().emplace_back().context = {1};
    });
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc.run(); });
      tcp_socket socket(executor);
      co_await socket.async_connect(tcp::endpoint(loopback, mgc.local(transport::tcp).value().port), use_awaitable);
      std::string out;
      append_tpkt(out, "!/3 mg T=1{C=1{A=ip/1}}T=2{C=1{A=ip/1}}T=3{C=1{A=ip/1}}");
      append_tpkt(out, "!/3 mg T=4{C=1{A=ip/1}}");
      co_await asio::async_write(socket, asio::buffer(out), use_awaitable);
      const auto answers = co_await read_until(socket, "P=", 4);
      REQUIRE(answers.find("P=3{ER=510{") != std::string::npos);
      REQUIRE(answers.find("P=4{C=1}") != std::string::npos);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("a message that comes octet by octet has one time for all of them") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    auto config = listening();
    config.frame_timeout = std::chrono::milliseconds(300);
    auto mgc = make(executor, "mgc", config);
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc->run(); });
      tcp_socket socket(executor);
      co_await socket.async_connect(tcp::endpoint(loopback, mgc->local(transport::tcp).value().port), use_awaitable);
      std::string whole;
      append_tpkt(whole, "!/3 mg T=1{C=1{A=ip/1}}" + std::string(2000, ' '));
      boost::system::error_code ec;
      group.spawn("dribble", [&]() -> awaitable<void> {
        for (const char& octet : whole) {
          boost::system::error_code ignored;
          auto token = asio::redirect_error(use_awaitable, ignored);
          co_await asio::async_write(socket, asio::buffer(&octet, 1), token);
          co_await sleep_until(deadline_after(std::chrono::milliseconds(20)));
        }
      });
      // At 20 ms each, no pause is as long as the time; all of them are longer.
      std::string buffer(1000, '\0');
      auto token = asio::redirect_error(use_awaitable, ec);
      co_await socket.async_read_some(asio::buffer(buffer), token);
      REQUIRE(ec);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("a connection that ends is dialled again to the same MGC, which is told Disconnected") {
  agw::test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    tcp_acceptor first(executor, tcp::endpoint(loopback, 0)), second(executor, tcp::endpoint(loopback, 0));
    auto mg = make(executor, "mg", dialling());
    registration_config config;
    for (const auto* at : {&first, &second}) config.mgcs.push_back({transport::tcp, "127.0.0.1", at->local_endpoint().port()});
    config.max_waiting_delay = {};
    config.min_retry_delay = std::chrono::milliseconds(1);
    registration registering(*mg, config);
    std::vector<std::string> asked;
    // Takes the gateway on the next connection.
    auto take = [&](tcp_acceptor& at) -> awaitable<tcp_socket> {
      auto socket = co_await at.async_accept(use_awaitable);
      asked.push_back(co_await read_until(socket, "}}}}", 1));
      const auto& text = asked.back();
      const auto id = text.substr(text.find("T=") + 2, text.find('{') - text.find("T=") - 2);
      std::string out;
      append_tpkt(out, "!/1 mgc P=" + id + "{C=-{SC=ROOT{SV{V=3}}}}");
      co_await asio::async_write(socket, asio::buffer(out), use_awaitable);
      co_return socket;
    };
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg->run(); });
      group.spawn("registration", [&]() -> awaitable<void> { co_await registering.run(); });
      {
        auto socket = co_await take(first);
        const bool there = co_await registering.registered(deadline_after(std::chrono::seconds(5)));
        REQUIRE(there);
      }
      auto again = co_await take(first);
      const bool there = co_await registering.registered(deadline_after(std::chrono::seconds(5)));
      REQUIRE(there);
      REQUIRE(asked.at(1).find("MT=DC") != std::string::npos);
      // One that is not there any more is left for the next.
      first.close();
      again.close();
      auto other = co_await take(second);
      REQUIRE(asked.at(2).find("MT=FL") != std::string::npos);
    };
    co_await with_tasks("test", std::move(body));
  });
}
