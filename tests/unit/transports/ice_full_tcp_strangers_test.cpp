// Connections to a full agent that are nobody's: bounded in number and time.
#include <filesystem>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>

#include "agw/core/sockets.hpp"
#include "agw/transports/connection_quota.hpp"
#include "ice_full_tcp.hpp"

using namespace agw;
using namespace agw::test::full_tcp;
using namespace std::chrono_literals;
using test::closed;
using test::receive;
using test::send;

namespace {

std::size_t descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("strangers' connections to a full agent are few, and cost few descriptors") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  peer p(*a);
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("connect", [&]() -> awaitable<void> { (void)co_await ice::connect(tasks, *a, p.remote()); });
    auto good = dial(executor, *a);
    co_await checked(good, p);
    co_await sleep_until(deadline_after(50ms));
    const auto before = descriptors();
    constexpr std::size_t many = 60;
    auto wrong = p.client.valid_check(true);
    wrong.password = "not-the-password-at-all-xx";
    const auto wrong_check = p.client.compose(wrong);
    std::vector<tcp_socket> strangers;
    for (std::size_t i = 0; i < many; ++i) {
      strangers.push_back(dial(executor, *a));
      send(strangers.back(), wrong_check);
      co_await sleep_until(deadline_after(2ms));
    }
    const bool oldest_gone = co_await closed(strangers.front());
    CHECK(oldest_gone);
    co_await sleep_until(deadline_after(50ms));
    // Seven connections beside the good one, each with its leg.
    CHECK(descriptors() <= before + many + 14);
    co_await checked(good, p);
    strangers.clear();
    while (descriptors() > before) co_await sleep_until(deadline_after(10ms));
  });
  CHECK(ice::extra_tcp_quota().taken() == 0);
}

TEST_CASE("a connection to a full agent without a valid check is closed in time, whatever it sends; one check is enough to stay") {
  asio::io_context context(1);
  port_pool ports(0, 0);
  auto a = *ice::reserve(context.get_executor(), full(), ports);
  peer p(*a);
  bool done = false;
  {
    test::manual_clock time(context);
    auto half = dial(context.get_executor(), *a);
    auto busy = dial(context.get_executor(), *a);
    auto oversize = dial(context.get_executor(), *a);
    auto good = dial(context.get_executor(), *a);
    std::vector<std::string> ended;
    const auto watch = [&](tcp_socket& s, const char* name) {
      auto wait = [&s, name, &ended]() -> awaitable<void> {
        const bool yes = co_await closed(s);
        if (yes) ended.push_back(name);
      };
      asio::co_spawn(context, wait, [](std::exception_ptr) {});
    };
    asio::cancellation_signal stop;
    auto run = [&]() -> awaitable<void> {
      auto body = [&](task_group& tasks) -> awaitable<void> { (void)co_await ice::connect(tasks, *a, p.remote()); };
      co_await with_tasks("call", body);
    };
    asio::co_spawn(context, run, asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr) { done = true; }));
    watch(half, "half");
    watch(busy, "busy");
    watch(oversize, "oversize");
    time.settle();
    const auto check = p.check();
    send(good, check);
    const auto start_of_check = test::framed(check);
    asio::write(half, asio::buffer(start_of_check.data(), 30));
    auto wrong = p.client.valid_check(true);
    wrong.password = "not-the-password-at-all-xx";
    const auto wrong_check = p.client.compose(wrong);
    send(busy, wrong_check);
    asio::write(oversize, asio::buffer(std::string("GET / HTTP/1.1\r\n")));  // a frame of 18245 octets
    while (ended.empty()) time.settle();
    REQUIRE(ended == std::vector<std::string>{"oversize"});
    bool answered = false;
    auto hear = [&]() -> awaitable<void> {
      (void)co_await receive(good);
      answered = true;
      const bool yes = co_await closed(good);
      if (yes) ended.push_back("good");
    };
    asio::co_spawn(context, hear, [](std::exception_ptr) {});
    while (!answered) time.settle();
    for (int second = 0; second < 9; ++second) {
      time.advance(1s);
      send(busy, wrong_check);
      asio::write(half, asio::buffer(start_of_check.data() + 30 + second, 1));
      time.settle();
    }
    REQUIRE(ended.size() == 1);
    time.advance(1s);
    while (ended.size() < 3) {
      error_code ignored;
      asio::write(busy, asio::buffer(test::framed(wrong_check)), ignored);
      time.settle();
    }
    REQUIRE(std::find(ended.begin(), ended.end(), "good") == ended.end());
    time.advance(51s);  // 60 s without a frame
    while (ended.size() < 4) time.settle();
    stop.emit(asio::cancellation_type::terminal);
    while (!done) time.settle();
  }
}
