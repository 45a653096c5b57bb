// Two endpoints, as programs use them, on a link that loses, copies and reorders datagrams: every request runs exactly once, and every
// reply belongs to its request.
#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>

#include <agw/core/task_group.hpp>
#include <agw/core/until.hpp>
#include <agw/h248/endpoint.hpp>

#include "support/loop.hpp"

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;

namespace {

peer_address at(const char* host) { return {transport::udp, asio::ip::make_address(host), 2944}; }

class lossy_network {
 public:
  lossy_network(double faults, std::uint64_t seed) : faults_(faults), random_(seed) {}

  void send(const peer_address& from, const peer_address& to, std::string_view text) {
    for (int copy = 0; copy < (chance() ? 2 : 1); ++copy) {
      ++datagrams;
      if (chance()) continue;
      // Up to 400 ms of delay: what is sent later may arrive earlier.
      const auto delay = faults_ > 0 ? std::chrono::milliseconds(1 + random_() % 400) : 1ms;
      flying_.emplace(clock::now() + delay, datagram{from, to, std::string(text)});
    }
  }
  void deliver_due() {
    while (!flying_.empty() && flying_.begin()->first <= clock::now()) {
      const auto d = std::move(flying_.begin()->second);
      flying_.erase(flying_.begin());
      if (const auto found = receivers.find(d.to); found != receivers.end()) found->second(d.from, d.text);
    }
  }
  std::chrono::milliseconds up_to(std::chrono::milliseconds most) {
    return std::chrono::milliseconds(random_() % (static_cast<std::uint64_t>(most.count()) + 1));
  }

  std::map<peer_address, message_link::receiver> receivers;
  std::size_t datagrams = 0;

 private:
  struct datagram {
    peer_address from;
    peer_address to;
    std::string text;
  };
  bool chance() { return std::uniform_real_distribution<>(0, 1)(random_) < faults_; }

  double faults_;
  std::mt19937_64 random_;
  std::multimap<clock::time_point, datagram> flying_;
};

class lossy_link final : public message_link {
 public:
  lossy_link(lossy_network& network, const peer_address& address) : network_(network), address_(address) {}
  transport kind() const noexcept override { return transport::udp; }
  peer_address local() const override { return address_; }
  bool reliable() const noexcept override { return false; }
  std::size_t max_message_bytes() const noexcept override { return 65507; }
  awaitable<void> run(receiver on_message, state_observer) override {
    network_.receivers[address_] = std::move(on_message);
    co_await sleep_until(no_deadline);
  }
  bool send(const peer_address& to, std::string_view text) override {
    network_.send(address_, to, text);
    return true;
  }

 private:
  lossy_network& network_;
  peer_address address_;
};

struct side {
  side(lossy_network& network, loop_executor executor, const char* host, std::uint64_t seed, std::size_t parts)
      : address(at(host)), answers(parts) {
    endpoint_config config;
    config.seed = seed;
    // T-MAX so long that no transaction is given up at 30 % loss each way.
    config.transactions.t_max = 60s;
    config.transactions.long_timer = 65s;
    config.transactions.segment_replies = true;
    control = std::make_unique<endpoint>(executor, std::move(config));
    control->add_link(std::make_unique<lossy_link>(network, address));
    control->on_request([this, &network](const incoming_request& request, outgoing_reply& reply) { return serve(network, request, reply); });
  }

  awaitable<void> serve(lossy_network& network, const incoming_request& request, outgoing_reply& reply) {
    const auto& asked = request->actions.front().commands.front();
    ++executed[std::string(asked.termination().name)];
    const auto ready = deadline_after(network.up_to(longest));
    co_await sleep_until(ready);
    auto& a = reply.actions().emplace_back();
    a.context = request->actions.front().context;
    for (std::size_t i = 0; i < answers; ++i) {
      auto& c = a.commands.emplace_back();
      c.kind = asked.kind;
      c.terminations = asked.terminations;
      if (answers == 1) continue;
      const auto text = std::to_string(i) + ' ' + std::string(200, 'x');
      c.add(reply.error(h248::error_code::temporarily_busy, text));
    }
  }

  awaitable<void> ask(peer_address to, std::string name, deadline when) {
    co_await sleep_until(when);
    list<action> actions;
    auto& a = actions.emplace_back();
    a.context = context_id{1};
    auto& c = a.commands.emplace_back();
    c.kind = command_kind::subtract;
    c.terminations.push_back({name});
    const auto reply = co_await control->request(to, std::move(actions));
    REQUIRE(reply.has_value());
    REQUIRE((reply->error() == nullptr) == (answers == 1));
    REQUIRE((*reply)->actions.size() == 1);
    REQUIRE((*reply)->actions.front().commands.size() == answers);
    std::size_t n = 0;
    for (const auto& told : (*reply)->actions.front().commands) {
      REQUIRE(told.termination() == termination_id{name});
      if (answers > 1) REQUIRE(told.error()->text.starts_with(std::to_string(n++) + ' '));
    }
    ++answered[name];
  }

  peer_address address;
  std::unique_ptr<endpoint> control;
  std::size_t answers;
  std::chrono::milliseconds longest = 30ms;  // a request executes for up to this
  std::map<std::string, int> executed;
  std::map<std::string, int> answered;
};

// `parts`: how many answers a reply has; ten of them fill two datagrams.
void play(double faults, std::uint64_t seed, std::size_t each, std::chrono::milliseconds longest, std::size_t parts = 1) {
  asio::io_context context(1);
  agw::test::manual_clock time(context);
  lossy_network network(faults, seed);
  side sides[]{{network, context.get_executor(), "10.0.0.1", seed + 1, parts}, {network, context.get_executor(), "10.0.0.2", seed + 2, parts}};
  task_group group(context.get_executor(), "test");
  for (int i = 0; i < 2; ++i) {
    auto& s = sides[i];
    s.longest = longest;
    group.spawn("endpoint", [&s]() -> awaitable<void> { co_await s.control->run(); });
    for (std::size_t n = 0; n < each; ++n) {
      auto name = "ip/" + std::to_string(n);
      const auto when = deadline_after(network.up_to(20s));
      group.spawn("request", [&s, to = sides[1 - i].address, name, when]() -> awaitable<void> { co_await s.ask(to, name, when); });
    }
  }
  const auto complete = [&] { return sides[0].answered.size() == each && sides[1].answered.size() == each; };
  // Some time after the last reply shows what copies and repetitions that are still under way do.
  int after = 0;
  for (int step = 0; step < 12000 && after < 500; ++step) {
    time.advance(10ms);
    network.deliver_due();
    if (complete()) ++after;
  }
  REQUIRE(complete());
  for (auto& s : sides) {
    REQUIRE(s.executed.size() == each);
    for (const auto& [name, times] : s.executed) REQUIRE(times == 1);
    for (const auto& [name, times] : s.answered) REQUIRE(times == 1);
    REQUIRE(s.control->unanswered() == 0);
    REQUIRE(s.control->executing() == 0);
  }
  if (faults == 0) REQUIRE(network.datagrams <= 5 * each * (1 + parts / 4));
  if (faults > 0.2) REQUIRE(network.datagrams > 5 * each);
  group.cancel();
  time.settle();
  REQUIRE(group.empty());
}

}  // namespace

TEST_CASE("endpoints execute every request exactly once at any loss, duplication and reordering up to 30 %") {
  for (const double faults : {0.0, 0.1, 0.2, 0.3}) {
    for (const std::uint64_t seed : {1u, 2u}) {
      CAPTURE(faults, seed);
      play(faults, seed * 1000, 100, 30ms);
    }
  }
}

TEST_CASE("replies in segments arrive whole and in order on a bad network") {
  for (const double faults : {0.0, 0.3}) {
    CAPTURE(faults);
    play(faults, 7, 60, 30ms, 20);
  }
}

TEST_CASE("requests that take long run once too on a bad network") { play(0.3, 5, 60, 5s); }
