// Who may speak on an open path, and how long without a check.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include "ice_fixture.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::ice_fixture;
using test::cause_of;
using test::loopback;

TEST_CASE("consent is lost when no valid check comes for the configured time, and every one renews it") {
  ice_fixture f;
  std::string cause;
  {
    test::manual_clock time(f.context);
    std::unique_ptr<datagram_pipe> path;
    std::exception_ptr ended;
    bool done = false;
    auto call = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        path = co_await ice::connect(tasks, *f.endpoint, f.remote());
        datagram_batch batch;
        for (;;) co_await path->receive(batch);
      };
      cause = co_await cause_of(with_tasks("call", body));
    };
    asio::co_spawn(f.context, call, [&](std::exception_ptr e) {
      ended = e;
      done = true;
    });
    f.send(f.client.valid_check(true));
    time.settle();
    REQUIRE(f.endpoint->remote_address());
    time.advance(29s);
    f.send(f.client.valid_check());
    time.settle();
    time.advance(29s);
    REQUIRE_FALSE(done);
    auto wrong = f.client.valid_check();
    wrong.password = "not-the-password-at-all-xx";
    f.send(wrong);  // does not count
    time.settle();
    time.advance(1s);
    time.settle();
    REQUIRE(done);
    REQUIRE_FALSE(ended);
    const auto sent = f.endpoint->counted().datagrams_out;
    datagram_batch batch;
    batch.push(test::dtls_like(1));
    for (int i = 0; i < 10; ++i) path->send(batch);
    REQUIRE(f.endpoint->counted().datagrams_out == sent);
  }
  REQUIRE(cause == "ice:consent");
  REQUIRE_FALSE(f.endpoint->remote_address());
}

TEST_CASE("a batch holds datagrams of one source") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      const auto check = f.client.compose(f.client.valid_check());
      const auto from_other = [&](const std::vector<std::byte>& d) { other.send(bytes_view(d), f.endpoint->local().address); };
      std::vector<std::vector<unsigned>> batches;
      datagram_batch batch;
      from_other(check);
      f.send(test::dtls_like(0));
      co_await path->receive(batch);  // the check has been seen with it
      f.send(test::dtls_like(1));
      from_other(test::dtls_like(2));
      from_other(test::dtls_like(3));
      f.send(test::dtls_like(4));
      for (std::size_t all = 0; all < 4; all += batch.size()) {
        batch.clear();
        co_await path->receive(batch);
        auto& numbers = batches.emplace_back();
        for (std::size_t i = 0; i < batch.size(); ++i) numbers.push_back(std::to_integer<unsigned>(batch[i][1]));
      }
      REQUIRE(batches == std::vector<std::vector<unsigned>>{{1}, {2, 3}, {4}});
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("a later nomination moves the path, and data of the old address still counts") {
  ice_fixture f;
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      auto better = f.client.valid_check(true);
      better.priority = 0x7EFFFFFF;
      const auto datagram = f.client.compose(better);
      other.send(bytes_view(datagram), f.endpoint->local().address);
      f.send(test::dtls_like(1));
      datagram_batch batch;
      co_await path->receive(batch);
      REQUIRE(batch.size() == 1);
      REQUIRE(f.endpoint->remote_address() == other.local());
    };
    co_await with_tasks("call", body);
  });
}

TEST_CASE("the call follows a peer that a NAT has moved, by what DTLS says of the batch that was read") {
  ice_fixture f;
  {
    test::manual_clock time(f.context);
    auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
    std::unique_ptr<datagram_pipe> path;
    bool authentic = false;
    asio::cancellation_signal stop;
    bool done = false;
    auto call = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        path = co_await ice::connect(tasks, *f.endpoint, f.remote());
        datagram_batch batch;
        for (;;) {
          batch.clear();
          co_await path->receive(batch);
          if (authentic) f.endpoint->heard();
        }
      };
      co_await with_tasks("call", body);
    };
    asio::co_spawn(f.context, call, asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { done = true; }));
    const auto send_other = [&](const std::vector<std::byte>& d) { other.send(bytes_view(d), f.endpoint->local().address); };
    f.send(f.client.valid_check(true));
    while (!f.endpoint->remote_address()) time.settle();
    time.advance(5s);
    send_other(f.client.compose(f.client.valid_check()));
    const auto in = [&] { return f.endpoint->counted().datagrams_in; };
    for (auto want = in() + 1; in() < want;) time.settle();
    send_other(test::dtls_like(1));  // garbage, DTLS says nothing
    for (auto want = in() + 1; in() < want;) time.settle();
    REQUIRE(f.endpoint->remote_address() == f.socket.local());
    authentic = true;
    send_other(test::dtls_like(2));
    for (auto want = in() + 1; in() < want;) time.settle();
    REQUIRE(f.endpoint->remote_address() == other.local());
    stop.emit(asio::cancellation_type::terminal);
    while (!done) time.settle();
  }
}

TEST_CASE("once strangers have found the open path the kernel drops what is neither STUN nor from a verified source") {
  ice_fixture f;
  const auto drops_before = drops("udp", "kernel");
  const auto unverified = drops("ice", "unverified");
  test::run(f.context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      f.send(f.client.valid_check(true));
      auto path = co_await ice::connect(tasks, *f.endpoint, f.remote());
      auto other = *udp::socket::open(f.context.get_executor(), loopback, f.ports);
      const auto from_stranger = [&](unsigned count) {
        for (unsigned i = 0; i < count; ++i) {
          const auto foreign = test::dtls_like(i);
          other.send(bytes_view(foreign), f.endpoint->local().address);
        }
      };
      from_stranger(4);
      f.send(test::dtls_like(8));
      datagram_batch first;
      co_await path->receive(first);
      REQUIRE(first.size() == 1);
      from_stranger(5);
      const auto check = f.client.compose(f.client.valid_check(true));
      other.send(bytes_view(check), f.endpoint->local().address);
      f.send(test::dtls_like(9));
      datagram_batch batch;
      co_await path->receive(batch);
      REQUIRE(batch.size() == 1);
      REQUIRE(batch[0][1] == std::byte{9});
      const auto moved = test::dtls_like(10);  // verified by now
      other.send(bytes_view(moved), f.endpoint->local().address);
      batch.clear();
      co_await path->receive(batch);
      REQUIRE(batch[0][1] == std::byte{10});
    };
    co_await with_tasks("call", body);
  });
  f.endpoint.reset();
  REQUIRE(drops("ice", "unverified") == unverified + 4);
  REQUIRE(drops("udp", "kernel") == drops_before + 5);
}

TEST_CASE("the consent of a peer that was learnt and takes to ICE later is watched from its first nomination on") {
  ice_fixture f;
  std::string cause;
  {
    test::manual_clock time(f.context);
    std::unique_ptr<datagram_pipe> path;
    bool done = false;
    auto learnt = ice::remote_parameters();
    learnt.latching = true;
    auto call = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> {
        path = co_await ice::connect(tasks, *f.endpoint, learnt);
        datagram_batch batch;
        for (;;) co_await path->receive(batch);
      };
      cause = co_await cause_of(with_tasks("call", body));
    };
    asio::co_spawn(f.context, call, [&](std::exception_ptr) { done = true; });
    time.settle();
    f.send(test::record_like());
    while (!path) time.settle();
    REQUIRE_FALSE(f.endpoint->update(f.remote()));
    time.settle();
    time.advance(5min);
    REQUIRE_FALSE(done);
    f.send(f.client.valid_check(true));
    while (!f.endpoint->remote_address()) time.settle();
    time.settle();
    time.advance(29s);
    time.settle();
    REQUIRE_FALSE(done);
    time.advance(1s);
    time.settle();
    REQUIRE(done);
  }
  REQUIRE(cause == "ice:consent");
}
