// Calls at rest: checks are answered without their readers, and what they carry again is not lost, not reordered and not kept.
#include <chrono>
#include <deque>
#include <functional>
#include <random>

#include <boost/asio/co_spawn.hpp>

#include "agw/transports/shared_port.hpp"
#include "ice_fixture.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::loopback;

namespace {

enum class port : std::uint8_t { own, shared };

// Calls of one loop, their readers, and what the model knows of them.
struct calls {
  struct call {
    call(calls& of, const ice::config& settings)
        : endpoint(*ice::reserve(of.context.get_executor(), settings, of.ports)),
          client(ice::make_credentials(), endpoint->local().credentials),
          socket(*udp::socket::open(of.context.get_executor(), loopback, of.ports)) {}

    void check(bool nominate = false) {
      send(client.compose(client.valid_check(nominate)));
      ++checks;
    }
    void data() { send(test::record_like(sent++)); }
    void send(const std::vector<std::byte>& datagram) { socket.send(bytes_view(datagram), endpoint->local().address); }
    // What came back are answers.
    void drain() {
      for (auto arrivals = socket.receive(); !arrivals.empty(); arrivals = socket.receive()) answers += arrivals.size();
    }
    bool is_settled() const { return answers == checks && received == sent; }

    std::unique_ptr<ice::endpoint> endpoint;
    test::ice_client client;
    udp::socket socket;
    std::unique_ptr<datagram_pipe> path;
    event go;
    bool reads = true;
    std::size_t checks = 0, answers = 0, reads_done = 0;
    unsigned sent = 0, received = 0;
  };

  calls(std::size_t count, port how) {
    ice::config settings = test::on_loopback();
    settings.consent_timeout = 10min;  // a reader that is held up for long hears no checks
    if (how == port::shared) {
      shared = *table.open(context.get_executor(), loopback, ports);
      settings.shared = &table;
    }
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(*this, settings);
    asio::co_spawn(context, [this] { return live(); }, [this](std::exception_ptr e) {
      error = e;
      ended = true;
    });
    for (auto& c : all) c.check(true);
    wait([this] { return std::ranges::all_of(all, [](const call& c) { return c.path && c.is_settled(); }); });
  }
  ~calls() {
    stop.set();
    while (!ended) step();
    if (error) WARN("the calls ended with " << testing::failure_of(error));
  }

  awaitable<void> live() {
    auto body = [this](task_group& tasks) -> awaitable<void> {
      if (shared) tasks.spawn("port", [this] { return shared->run(); });
      auto inner = [this](task_group& readers) -> awaitable<void> {
        for (auto& c : all) readers.spawn("reader", [this, &readers, &c] { return read(readers, c); });
        co_await stop.wait();
      };
      co_await with_tasks("calls", inner);
    };
    co_await with_tasks("test", body);
  }
  awaitable<void> read(task_group& tasks, call& c) {
    ice::remote_parameters remote;
    remote.credentials = c.client.own();
    c.path = co_await ice::connect(tasks, *c.endpoint, remote);
    datagram_batch batch;
    for (;;) {
      while (!c.reads) co_await c.go.wait();
      batch.clear();
      co_await c.path->receive(batch);
      ++c.reads_done;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        const auto expected = test::record_like(c.received++);
        if (!std::ranges::equal(batch[i], expected)) throw std::logic_error("lost, or out of order");
      }
    }
  }

  void step() {
    time.settle();
    context.restart();
    context.run_for(1ms);  // a crowd is heard every few milliseconds of the system's clock
  }
  void wait(const std::function<bool()>& until) {
    for (int i = 0; i < 5000 && !until(); ++i) {
      step();
      for (auto& c : all) c.drain();
      REQUIRE_FALSE(ended);
    }
    REQUIRE(until());
  }

  asio::io_context context{1};
  test::manual_clock time{context};
  port_pool ports{0, 0};
  ice::shared_ports table;
  ice::shared_port* shared = nullptr;
  std::deque<call> all;
  event stop;
  std::exception_ptr error;
  bool ended = false;
};

}  // namespace

TEST_CASE("a call at rest answers checks without its reader, and carries again") {
  const auto how = GENERATE(port::own, port::shared);
  CAPTURE(how == port::shared);
  calls w(1, how);
  auto& c = w.all.front();
  w.time.advance(2s);
  for (int i = 0; i < 5; ++i) {
    c.check();
    w.wait([&] { return c.is_settled(); });
    w.time.advance(5s);
  }
  CHECK(c.reads_done == 0);
  for (int i = 0; i < 5; ++i) {
    c.data();
    w.wait([&] { return c.is_settled(); });
    c.check();
    w.wait([&] { return c.is_settled(); });
    w.time.advance(i < 3 ? 5s : 10ms);
  }
  CHECK(c.reads_done == 5);
}

TEST_CASE("what nobody reads any more is silent, at rest as otherwise, and goes on with its reader") {
  const auto how = GENERATE(port::own, port::shared);
  CAPTURE(how == port::shared);
  calls w(2, how);  // another reader keeps the loop's sockets at rest watched
  auto& c = w.all.front();
  w.time.advance(2s);
  for (auto& each : w.all) each.check();
  w.wait([&] { return w.all[0].is_settled() && w.all[1].is_settled(); });
  c.reads = false;
  c.data();
  w.wait([&] { return c.is_settled(); });
  c.check();
  for (int i = 0; i < 20; ++i) w.step();
  c.drain();
  CHECK(c.answers == c.checks - 1);
  c.data();
  c.reads = true;
  c.go.set();
  w.wait([&] { return c.is_settled(); });
}

TEST_CASE("checks, data, silence and readers that pause, in any order", "[seeded]") {
  const auto how = GENERATE(port::own, port::shared);
  const auto crowd = GENERATE(false, true);
  const auto seed = GENERATE(range(0U, 8U));
  CAPTURE(seed, crowd, how == port::shared);
  std::mt19937 random(seed);
  calls w(crowd ? 80 : 6, how);
  for (int i = 0; i < 300; ++i) {
    auto& c = w.all[random() % w.all.size()];
    switch (random() % 8) {
      case 0:
      case 1: c.check(random() % 4 == 0); break;
      case 2:
        for (auto left = random() % 4; left > 0; --left) c.data();
        break;
      case 3:
        c.check();
        c.data();
        c.check();
        break;
      case 4: w.time.advance(std::chrono::milliseconds(random() % 1500)); break;
      case 5:
        c.reads = !c.reads;
        c.go.set();
        break;
      case 6: w.step(); break;
      case 7: w.time.settle(); break;
    }
    if (i % 20 == 0) {
      for (auto& other : w.all) other.check();
      for (int turns = 0; turns < 8; ++turns) w.step();
    }
  }
  for (auto& c : w.all) {
    c.reads = true;
    c.go.set();
  }
  w.wait([&] { return std::ranges::all_of(w.all, [](const calls::call& c) { return c.is_settled(); }); });
}
