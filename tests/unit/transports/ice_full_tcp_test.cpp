// A full agent over TCP: against another full agent whose datagrams a tunnel carries in frames, and against peers by hand.
#include <filesystem>

#include <catch2/catch.hpp>

#include "agw/core/until.hpp"
#include "agw/transports/connection_quota.hpp"
#include "agw/transports/ice_stage.hpp"
#include "ice/framing.hpp"
#include "ice_client.hpp"
#include "ice_frames.hpp"
#include "support/ice_told.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::closed;
using test::receive;
using test::send;
using test::tcp_port;
using test::told;

namespace {

const asio::ip::address v4 = asio::ip::address_v4::loopback();

ice::config full(bool controlling = false, bool tcp = true, const asio::ip::address& address = v4) {
  ice::config c;
  c.mode = ice::agent_mode::full;
  c.local_address = address;
  c.controlling = controlling;
  c.tcp = tcp;
  return c;
}

std::string udp_candidate(const udp::endpoint& address) {
  ice::candidate c;
  c.foundation = "1";
  c.priority = ice::candidate_priority(ice::candidate_type::host, 65535);
  c.address = address;
  return ice::format_candidate(c);
}

asio::ip::tcp::socket dial(asio::any_io_executor executor, const ice::endpoint& to) {
  asio::ip::tcp::socket s(executor);
  s.connect(asio::ip::tcp::endpoint(to.local().address.address(), tcp_port(to.local())));
  return s;
}

udp::endpoint address_of(const asio::ip::tcp::socket& s) { return {s.local_endpoint().address(), s.local_endpoint().port()}; }

// What its UDP socket takes from an agent goes to the gateway in frames, and back.
struct tunnel {
  tunnel(asio::any_io_executor executor, port_pool& ports, const ice::endpoint& to)
      : inner(*udp::socket::open(executor, to.local().address.address(), ports)), outer(dial(executor, to)) {}

  awaitable<void> outwards() {
    for (;;) {
      std::vector<std::byte> frames;
      for (auto all = inner.receive(); !all.empty(); all = inner.receive()) {
        for (const auto& a : all) {
          inside = *a.source;
          ice::append_frame(frames, a.bytes);
        }
      }
      if (frames.empty()) {
        co_await inner.wait_readable();
      } else {
        co_await asio::async_write(outer, asio::buffer(frames), asio::use_awaitable);
      }
    }
  }
  awaitable<void> inwards() {
    for (;;) {
      const auto datagram = co_await receive(outer);
      ++frames_in;
      inner.send(bytes_view(datagram), inside);
    }
  }

  udp::socket inner;
  asio::ip::tcp::socket outer;
  udp::endpoint inside;
  unsigned frames_in = 0;
};

awaitable<void> exchange(datagram_pipe& from, datagram_pipe& to, unsigned number) {
  datagram_batch batch;
  for (unsigned i = 0; i < 50; ++i) batch.push(test::dtls_like(number + i, 1200));
  from.send(batch);
  datagram_batch got;
  while (got.size() < batch.size()) co_await to.receive(got);
  for (std::size_t i = 0; i < got.size(); ++i) {
    const bool same = std::equal(got[i].begin(), got[i].end(), batch[i].begin(), batch[i].end());
    REQUIRE(same);
  }
}

// A peer by hand that answers checks.
struct peer {
  explicit peer(const ice::endpoint& gateway) : client(ice::make_credentials(), gateway.local().credentials) {
    const auto flags = STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT;
    stun_agent_init(&agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389, static_cast<StunAgentUsageFlags>(flags));
  }

  ice::remote_parameters remote() const {
    ice::remote_parameters r;
    r.credentials = client.own();
    return r;
  }

  // Empty: it is no valid request.
  std::vector<std::byte> answer(bytes_view request, const udp::endpoint& source) {
    const auto give_key = [](StunAgent*, StunMessage*, std::uint8_t*, std::uint16_t, std::uint8_t** password, std::size_t* bytes, void* data) {
      auto& pwd = *static_cast<std::string*>(data);
      *password = reinterpret_cast<std::uint8_t*>(pwd.data());
      *bytes = pwd.size();
      return true;
    };
    auto pwd = client.own().pwd;
    StunMessage m{};
    StunMessage out{};
    std::vector<std::uint8_t> buffer(500);
    const auto status = stun_agent_validate(&agent, &m, reinterpret_cast<const std::uint8_t*>(request.data()), request.size(), give_key, &pwd);
    if (status != STUN_VALIDATION_SUCCESS || stun_message_get_class(&m) != STUN_REQUEST) return {};
    sockaddr_storage storage{};
    std::memcpy(&storage, source.data(), source.size());
    stun_agent_init_response(&agent, &out, buffer.data(), buffer.size(), &m);
    stun_message_append_xor_addr(&out, STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS, &storage, static_cast<socklen_t>(source.size()));
    const auto size = stun_agent_finish_message(&agent, &out, nullptr, 0);
    const auto* begin = reinterpret_cast<const std::byte*>(buffer.data());
    return std::vector<std::byte>(begin, begin + size);
  }

  std::vector<std::byte> check(bool nominate = false, std::uint32_t priority = 0x59FFFFFF) {
    auto c = client.valid_check(nominate);
    c.priority = priority;
    c.controlled = controlled;
    return client.compose(c);
  }

  test::ice_client client;
  bool controlled = false;
  StunAgent agent{};
};

// What tasks refer to belongs outside of the coroutine.
template <class F>
void call(asio::io_context& context, F with_path) {
  test::run(context, [&]() -> awaitable<void> {
    auto body = [&](task_group& tasks) -> awaitable<void> {
      auto limited = with_path(tasks);
      co_await until(deadline_after(60s), std::move(limited));
    };
    co_await with_tasks("call", body);
  });
}

std::size_t descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("with tcp a full agent has one passive candidate behind those of UDP, with the address that is shown and a port of the range") {
  asio::io_context context(1);
  for (std::uint16_t low = 42000; low < 60000; low = static_cast<std::uint16_t>(low + 7)) {
    port_pool ports(low, low);
    auto settings = full();
    settings.advertised_address = asio::ip::make_address("203.0.113.9");
    const auto e = ice::reserve(context.get_executor(), settings, ports);
    if (e.has_error()) continue;
    const auto& lines = (*e)->local().candidates;
    REQUIRE(lines.size() == 2);
    CHECK(lines[0].find(" UDP ") != std::string::npos);
    CHECK(lines[1] == "tcp 1 TCP 1520435199 203.0.113.9 " + std::to_string(low) + " typ host tcptype passive");
    CHECK((*ice::parse_candidate(lines[0]))->priority > 1520435199);
    CHECK(ports.leased(port_protocol::tcp) == 1);
    return;
  }
  FAIL("no port is free");
}

TEST_CASE("two full agents meet over TCP alone, and datagrams pass both ways in frames") {
  const bool controlling = GENERATE(false, true);
  const auto address = asio::ip::make_address(GENERATE(as<std::string>{}, "127.0.0.1", "127.0.0.2", "::1"));
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(controlling, true, address), ports);
  auto b = *ice::reserve(executor, full(!controlling, false, address), ports);
  std::vector<udp::endpoint> reflexive;
  a->on_peer_reflexive = [&](const udp::endpoint& found) { reflexive.push_back(found); };
  tunnel between(executor, ports, *a);
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("out", [&] { return between.outwards(); });
    tasks.spawn("in", [&] { return between.inwards(); });
    auto of_a = told(*a);
    of_a.candidates = {udp_candidate(between.inner.local())};
    auto of_b = told(*b);
    of_b.candidates = {"1 1 TCP 1518149375 127.0.0.1 9 typ host tcptype active"};
    std::unique_ptr<datagram_pipe> path_a;
    std::unique_ptr<datagram_pipe> path_b;
    task_group both(executor, "both");
    both.spawn("a", [&]() -> awaitable<void> { path_a = co_await ice::connect(tasks, *a, of_b); });
    both.spawn("b", [&]() -> awaitable<void> { path_b = co_await ice::connect(tasks, *b, of_a); });
    co_await both.join();
    CHECK(a->remote_address() == address_of(between.outer));
    CHECK(b->remote_address() == between.inner.local());
    co_await exchange(*path_a, *path_b, 1);
    co_await exchange(*path_b, *path_a, 100);
    CHECK(between.frames_in >= 50);
    CHECK(a->counted().datagrams_in >= 50);
    CHECK(reflexive == std::vector<udp::endpoint>{address_of(between.outer)});
  });
}

TEST_CASE("a full agent's answer over TCP names the address that the connection comes from") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  peer p(*a);
  auto s = dial(executor, *a);
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("connect", [&]() -> awaitable<void> { (void)co_await ice::connect(tasks, *a, p.remote()); });
    const auto check = p.check();
    send(s, check);
    udp::endpoint mapped;
    for (;;) {
      const auto got = co_await receive(s);
      if (p.client.read_answer(got, &mapped) == 0) break;
    }
    CHECK(mapped == address_of(s));
  });
}

namespace {

// Not the address of a leg, which would look as if a NAT had moved the peer.
const asio::ip::address elsewhere = asio::ip::make_address("127.0.0.3");

// A peer with a UDP socket and a TCP connection; each answers checks while it lives.
struct two_ways {
  two_ways(asio::any_io_executor executor, port_pool& ports, const ice::endpoint& gateway)
      : by_hand(gateway), at(gateway.local().address), udp_socket(*udp::socket::open(executor, elsewhere, ports)), stream(dial(executor, gateway)) {}

  awaitable<void> over_udp() {
    for (;;) {
      for (auto all = udp_socket.receive(); !all.empty(); all = udp_socket.receive()) {
        for (const auto& a : all) {
          if (!udp_lives) continue;
          if (a.bytes[0] == std::byte{22}) ++data_by_udp;
          const auto answer = by_hand.answer(a.bytes, at);
          if (!answer.empty()) udp_socket.send(bytes_view(answer), at);
        }
      }
      co_await udp_socket.wait_readable();
    }
  }
  awaitable<void> over_tcp() {
    try {
      for (;;) {
        const auto got = co_await receive(stream);
        if (got[0] == std::byte{22}) ++data_by_tcp;
        const auto answer = by_hand.answer(got, at);
        if (!answer.empty()) send(stream, answer);
      }
    } catch (const system_error& e) {
      if (e.code() != asio::error::operation_aborted && e.code() != asio::error::bad_descriptor) throw;
    }
  }
  void nominate_udp() {
    const auto check = by_hand.check(true, 0x6E0000FF);
    udp_socket.send(bytes_view(check), at);
  }
  void nominate_tcp() { send(stream, by_hand.check(true)); }

  peer by_hand;
  udp::endpoint at;
  udp::socket udp_socket;
  asio::ip::tcp::socket stream;
  bool udp_lives = true;
  unsigned data_by_udp = 0;
  unsigned data_by_tcp = 0;
};

}  // namespace

TEST_CASE("a full agent moves from UDP to TCP when the peer nominates that and UDP is silent, and back") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  two_ways p(executor, ports, *a);
  std::unique_ptr<datagram_pipe> path;
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("udp", [&] { return p.over_udp(); });
    tasks.spawn("tcp", [&] { return p.over_tcp(); });
    tasks.spawn("connect", [&]() -> awaitable<void> { path = co_await ice::connect(tasks, *a, p.by_hand.remote()); });
    while (!path) {
      p.nominate_udp();
      co_await sleep_until(deadline_after(50ms));
    }
    REQUIRE(a->remote_address() == p.udp_socket.local());
    // Both live: UDP stays.
    datagram_batch batch;
    for (int i = 0; i < 6; ++i) {
      p.nominate_udp();
      p.nominate_tcp();
      (void)co_await within(deadline_after(500ms), path->receive(batch));
    }
    REQUIRE(a->remote_address() == p.udp_socket.local());

    p.udp_lives = false;
    const auto silent_since = clock::now();
    const auto tcp_address = address_of(p.stream);
    while (a->remote_address() != tcp_address) {
      p.nominate_tcp();
      (void)co_await within(deadline_after(100ms), path->receive(batch));
    }
    CHECK(clock::now() - silent_since < 5s);  // libnice takes longer to see that UDP is lost
    batch.clear();
    batch.push(test::dtls_like(2));
    path->send(batch);
    while (p.data_by_tcp == 0) co_await sleep_until(deadline_after(10ms));
    send(p.stream, test::dtls_like(3));
    batch.clear();
    while (batch.empty()) co_await path->receive(batch);
    CHECK(batch[0][1] == std::byte{3});

    p.udp_lives = true;
    p.stream.close();
    const auto before = p.data_by_udp;
    while (p.data_by_udp == before) {
      p.nominate_udp();
      batch.clear();
      batch.push(test::dtls_like(4));
      path->send(batch);
      batch.clear();
      (void)co_await within(deadline_after(100ms), path->receive(batch));
    }
    CHECK(a->remote_address() == p.udp_socket.local());
  });
}

TEST_CASE("a full agent that controls follows what the peer sends by TCP while UDP is silent, and returns when the connection ends") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(true), ports);
  two_ways p(executor, ports, *a);
  p.by_hand.controlled = true;
  std::unique_ptr<datagram_pipe> path;
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("udp", [&] { return p.over_udp(); });
    tasks.spawn("tcp", [&] { return p.over_tcp(); });
    auto remote = p.by_hand.remote();
    remote.candidates = {udp_candidate(p.udp_socket.local())};
    path = co_await ice::connect(tasks, *a, remote);
    REQUIRE(a->remote_address() == p.udp_socket.local());
    p.udp_lives = false;
    const auto tcp_address = address_of(p.stream);
    datagram_batch batch;
    while (a->remote_address() != tcp_address) {
      send(p.stream, p.by_hand.check());
      send(p.stream, test::dtls_like(1));
      (void)co_await within(deadline_after(100ms), path->receive(batch));
    }
    p.udp_lives = true;
    p.stream.close();
    const auto before = p.data_by_udp;
    while (p.data_by_udp == before) {
      batch.clear();
      batch.push(test::dtls_like(4));
      path->send(batch);
      co_await sleep_until(deadline_after(100ms));
    }
    CHECK(a->remote_address() == p.udp_socket.local());
  });
}

TEST_CASE("consent is lost with the only connection") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  two_ways p(executor, ports, *a);
  std::unique_ptr<datagram_pipe> path;
  std::string why;
  try {
    call(context, [&](task_group& tasks) -> awaitable<void> {
      tasks.spawn("tcp", [&] { return p.over_tcp(); });
      tasks.spawn("connect", [&]() -> awaitable<void> { path = co_await ice::connect(tasks, *a, p.by_hand.remote()); });
      while (!path) {
        p.nominate_tcp();
        co_await sleep_until(deadline_after(50ms));
      }
      p.stream.close();
      co_await sleep_until(deadline_after(60s));
    });
  } catch (const stage_error& e) {
    why = e.what();
  }
  CHECK(why.find("consent") != std::string::npos);
}

TEST_CASE("strangers' connections to a full agent are few, and cost few descriptors") {
  asio::io_context context(1);
  auto executor = context.get_executor();
  port_pool ports(0, 0);
  auto a = *ice::reserve(executor, full(), ports);
  peer p(*a);
  call(context, [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("connect", [&]() -> awaitable<void> { (void)co_await ice::connect(tasks, *a, p.remote()); });
    const auto good_check = p.check();
    auto good = dial(executor, *a);
    send(good, good_check);
    for (;;) {
      const auto got = co_await receive(good);
      if (p.client.read_answer(got) == 0) break;
    }
    co_await sleep_until(deadline_after(50ms));
    const auto before = descriptors();
    constexpr std::size_t many = 60;
    auto wrong = p.client.valid_check(true);
    wrong.password = "not-the-password-at-all-xx";
    const auto wrong_check = p.client.compose(wrong);
    std::vector<asio::ip::tcp::socket> strangers;
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
    const auto again = p.check();
    send(good, again);
    for (;;) {
      const auto got = co_await receive(good);
      if (p.client.read_answer(got) == 0) break;
    }
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
    const auto watch = [&](asio::ip::tcp::socket& s, const char* name) {
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
