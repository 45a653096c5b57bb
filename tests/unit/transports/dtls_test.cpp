#include <catch2/catch.hpp>

#include <deque>
#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "agw/core/error.hpp"
#include "agw/core/event.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/error.hpp"
#include "dtls_pair.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace agw::dtls;
using namespace std::chrono_literals;

namespace {

/// One end of a wire in memory.
class wire_end final : public datagram_pipe {
 public:
  void join(wire_end& other) {
    far_ = &other;
    other.far_ = this;
  }
  awaitable<void> receive(datagram_batch& into) override {
    ++receives;
    while (arrived_.empty() && !failure_) co_await ready_.wait();
    if (arrived_.empty()) throw stage_error("ice", "consent");
    for (const auto& d : arrived_) into.push(d);
    arrived_.clear();
  }
  void send(const datagram_batch& batch) override {
    batches.push_back(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      if (lose > 0) {
        --lose;
      } else {
        far_->arrive(batch[i]);
      }
    }
  }
  std::size_t max_datagram_bytes() const noexcept override { return 1472; }
  void arrive(bytes_view d) {
    arrived_.push_back(test::copy(d));
    ready_.set();
  }
  void forget() { arrived_.clear(); }
  void fail() {
    failure_ = true;
    ready_.set();
  }
  int lose = 0;
  int receives = 0;
  std::vector<std::size_t> batches;

 private:
  wire_end* far_ = nullptr;
  std::deque<test::datagram> arrived_;
  event ready_;
  bool failure_ = false;
};

struct wire {
  wire() { left.join(right); }
  wire_end left;
  wire_end right;
};

struct sessions {
  std::unique_ptr<session> client;
  std::unique_ptr<session> server;
};

awaitable<void> establish(wire& w, sessions& s) {
  task_group group(co_await asio::this_coro::executor, "handshakes");
  group.spawn("client", [&]() -> awaitable<void> { s.client = co_await handshake(w.left, test::client_config()); });
  group.spawn("server", [&]() -> awaitable<void> { s.server = co_await handshake(w.right, test::server_config()); });
  co_await group.join();
}

std::vector<std::string> strings(const datagram_batch& b) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < b.size(); ++i) out.push_back(test::string(b[i]));
  return out;
}

datagram_batch batch_of(std::initializer_list<const char*> payloads) {
  datagram_batch b;
  for (const auto* p : payloads) b.push(test::text(p));
  return b;
}

awaitable<std::optional<stage_error>> failure_of(awaitable<void> operation) {
  std::optional<stage_error> out;
  try {
    co_await std::move(operation);
  } catch (const stage_error& e) {
    out = e;
  }
  co_return out;
}

}  // namespace

TEST_CASE("two pipes shake hands and carry batches, each encrypted into one batch") {
  wire w;
  sessions s;
  test::run([&]() -> awaitable<void> {
    co_await establish(w, s);
    REQUIRE(s.client->max_datagram_bytes() == 1163);
    REQUIRE(s.client->cipher() == s.server->cipher());
    w.left.batches.clear();
    const auto batch = batch_of({"one", "two", "three"});
    s.client->send(batch);
    REQUIRE(w.left.batches == std::vector<std::size_t>{3});
    auto got = batch_of({"kept"});
    co_await s.server->receive(got);
    REQUIRE(strings(got) == std::vector<std::string>{"kept", "one", "two", "three"});
    const auto answer = batch_of({"four"});
    s.server->send(answer);
    got.clear();
    co_await s.client->receive(got);
    REQUIRE(strings(got) == std::vector<std::string>{"four"});
  });
}

TEST_CASE("what comes right behind the handshake is not lost") {
  wire w;
  std::vector<std::string> got;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "handshakes");
    sessions s;
    group.spawn("server", [&]() -> awaitable<void> {
      s.server = co_await handshake(w.right, test::server_config());
      const auto early = batch_of({"early", "bird"});
      s.server->send(early);
      s.server->close();
    });
    group.spawn("client", [&]() -> awaitable<void> { s.client = co_await handshake(w.left, test::client_config()); });
    co_await group.join();
    datagram_batch batch;
    while (got.size() < 2) {
      batch.clear();
      co_await s.client->receive(batch);
      for (auto& t : strings(batch)) got.push_back(t);
    }
    auto receiving = s.client->receive(batch);
    const auto end = co_await failure_of(std::move(receiving));
    REQUIRE(end);
    REQUIRE(end->cause() == "dtls:closed");
  });
  REQUIRE(got == std::vector<std::string>{"early", "bird"});
}

TEST_CASE("lost flights are repeated by the clock that the stage is given") {
  asio::io_context context(1);
  test::manual_clock time(context);
  wire w;
  sessions s;
  w.left.lose = 1;
  bool done = false;
  asio::co_spawn(
      context, [&]() -> awaitable<void> { co_await establish(w, s); },
      [&](std::exception_ptr e) {
        done = true;
        REQUIRE_FALSE(e);
      });
  time.settle();
  REQUIRE_FALSE(done);
  time.advance(199ms);
  REQUIRE_FALSE(done);
  w.right.lose = 100;
  time.advance(1ms);
  REQUIRE_FALSE(done);
  w.right.lose = 0;
  time.advance(400ms);
  REQUIRE(done);
  REQUIRE(s.client);
  REQUIRE(s.server);
}

TEST_CASE("a wrong fingerprint is told as dtls:fingerprint here and dtls:alert there") {
  wire w;
  test::run([&]() -> awaitable<void> {
    task_group group(co_await asio::this_coro::executor, "handshakes");
    std::string at_client, at_server;
    group.spawn("client", [&]() -> awaitable<void> {
      auto config = test::client_config();
      config.fingerprints = {certificate::self_signed().fingerprint()};
      try {
        co_await handshake(w.left, std::move(config));
      } catch (const stage_error& e) {
        at_client = e.cause();
        REQUIRE(e.code() == transport_error::fingerprint_mismatch);
      }
    });
    group.spawn("server", [&]() -> awaitable<void> {
      try {
        co_await handshake(w.right, test::server_config());
      } catch (const stage_error& e) {
        at_server = e.cause();
      }
    });
    co_await group.join();
    REQUIRE(at_client == "dtls:fingerprint");
    REQUIRE(at_server == "dtls:alert");
  });
}

TEST_CASE("garbage on the wire does not end the session, and the failure of the lower pipe does") {
  wire w;
  sessions s;
  test::run([&]() -> awaitable<void> {
    w.right.arrive(test::text("not DTLS at all"));
    co_await establish(w, s);
    const auto before = drops("dtls", "malformed");
    w.right.arrive(test::text("nor is this"));
    const auto payload = batch_of({"payload"});
    s.client->send(payload);
    datagram_batch got;
    co_await s.server->receive(got);
    REQUIRE(strings(got) == std::vector<std::string>{"payload"});
    REQUIRE(drops("dtls", "malformed") == before + 1);
    w.right.fail();
    auto receiving = s.server->receive(got);
    const auto end = co_await failure_of(std::move(receiving));
    REQUIRE(end);
    REQUIRE(end->cause() == "ice:consent");
  });
}

TEST_CASE("after close nothing is sent, and both sides' receive says closed") {
  wire w;
  sessions s;
  test::run([&]() -> awaitable<void> {
    co_await establish(w, s);
    s.client->close();
    s.client->close();
    w.left.batches.clear();
    const auto before = drops("dtls", "closed");
    const auto late = batch_of({"too", "late"});
    s.client->send(late);
    REQUIRE(w.left.batches.empty());
    REQUIRE(drops("dtls", "closed") == before + 2);
    datagram_batch got;
    for (auto* end : {s.client.get(), s.server.get()}) {
      auto receiving = end->receive(got);
      const auto failure = co_await failure_of(std::move(receiving));
      REQUIRE(failure);
      REQUIRE(failure->cause() == "dtls:closed");
    }
    REQUIRE(got.empty());
  });
}

TEST_CASE("a handshake is cancelled at each of its awaits and leaves a pipe that the next one can use") {
  // So many flights arrive before the cancel: 0 = none has arrived yet.
  for (const auto as : {role::active, role::passive}) {
    for (int flights = 0; flights < 4; ++flights) {
      asio::io_context context(1);
      test::manual_clock time(context);
      wire w;
      bool cancelled = false;
      bool established = false;
      {
        task_group group(context.get_executor(), "one");
        machine far(as == role::active ? test::server_config() : test::client_config());
        datagram_batch out, payload;
        far.start(clock::now(), out);
        group.spawn("handshake", [&]() -> awaitable<void> {
          try {
            auto config = as == role::active ? test::client_config() : test::server_config();
            co_await handshake(w.left, std::move(config));
            established = true;
          } catch (const system_error& e) {
            cancelled = e.code() == asio::error::operation_aborted;
            throw;
          }
        });
        time.settle();
        for (int i = 0; i < flights; ++i) {
          datagram_batch arrived;
          bool ended = false;
          for (std::size_t k = 0; k < out.size(); ++k) w.left.arrive(std::as_const(out)[k]);
          out.clear();
          time.settle();
          asio::co_spawn(
              context, [&]() -> awaitable<void> { co_await until(clock::now(), w.right.receive(arrived)); },
              [&](std::exception_ptr) { ended = true; });
          time.advance(1ms);
          REQUIRE(ended);
          for (std::size_t k = 0; k < arrived.size(); ++k) far.receive(std::as_const(arrived)[k], clock::now(), out, payload);
        }
        group.cancel();
        time.settle();
        REQUIRE(group.empty());
        REQUIRE(cancelled != established);
      }
      if (established) continue;
      w.left.forget();  // what the first handshake left on the wire would not fit into the second
      w.right.forget();
      sessions s;
      bool done = false;
      std::exception_ptr error;
      asio::co_spawn(
          context, [&]() -> awaitable<void> { co_await establish(w, s); },
          [&](std::exception_ptr e) {
            done = true;
            error = e;
          });
      time.settle();
      for (int i = 0; i < 20 && !done; ++i) time.advance(500ms);
      INFO(describe(error));
      REQUIRE(done);
      REQUIRE(s.client);
    }
  }
}

TEST_CASE("a cancelled receive loses nothing") {
  wire w;
  sessions s;
  test::run([&]() -> awaitable<void> {
    co_await establish(w, s);
    datagram_batch got;
    auto receiving = s.server->receive(got);
    bool timed_out = false;
    try {
      co_await until(deadline_after(1ms), std::move(receiving));
    } catch (const system_error& e) {
      timed_out = e.code() == core_error::timed_out;
    }
    REQUIRE(timed_out);
    const auto payload = batch_of({"later"});
    s.client->send(payload);
    co_await s.server->receive(got);
    REQUIRE(strings(got) == std::vector<std::string>{"later"});
  });
}

TEST_CASE("a handshake that nobody answers ends in dtls:timeout by itself") {
  asio::io_context context(1);
  test::manual_clock time(context);
  wire w;
  std::optional<stage_error> failure;
  task_group group(context.get_executor(), "alone");
  group.spawn("client", [&]() -> awaitable<void> {
    try {
      co_await handshake(w.left, test::client_config());
    } catch (const stage_error& e) {
      failure = e;
    }
  });
  time.settle();
  for (int i = 0; i < 40 && !failure; ++i) time.advance(1s);
  REQUIRE(group.empty());
  REQUIRE(failure);
  REQUIRE(failure->cause() == "dtls:timeout");
}
