// Two transaction machines on a network that loses, copies and reorders: every transaction runs exactly once.
#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <string>

#include <agw/h248/text.hpp>
#include <agw/h248/transaction_machine.hpp>

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;

namespace {

struct network_faults {
  double loss = 0;
  double copies = 0;
  clock::duration most_delay = 20ms;  // uniform: what is sent later may arrive earlier
};

struct side {
  side(const char* name, const char* host, const transaction_config& config, std::uint64_t seed)
      : address{transport::udp, asio::ip::make_address(host), 2944}, self(mid_name::parse(name).value()), machine(config, seed) {
    machine.outbox().set_sender(self, layout::compact);
  }
  peer_address address;
  mid_name self;
  transaction_machine machine;
  std::map<std::uint32_t, int> executed;   // by transaction id of the other side
  std::map<std::uint32_t, int> completed;  // by our own
  std::size_t failed = 0;
  std::multimap<clock::time_point, execution_id> working;
};

class lossy_run {
 public:
  lossy_run(network_faults faults, transaction_config config, std::uint64_t seed)
      : faults_(faults), random_(seed), sides_{side("a", "10.0.0.1", config, seed + 1), side("b", "10.0.0.2", config, seed + 2)} {}

  // `each` transactions both ways, started at random moments; `longest` is how long they may execute.
  void play(int each, clock::duration longest) {
    std::multimap<clock::time_point, int> starts;
    for (int i = 0; i < 2 * each; ++i) starts.emplace(now_ + between({}, 60s), i % 2);
    const auto end = now_ + 200s;
    while (now_ < end) {
      for (; !starts.empty() && starts.begin()->first <= now_; starts.erase(starts.begin())) start(starts.begin()->second);
      for (; !flying_.empty() && flying_.begin()->first <= now_; flying_.erase(flying_.begin())) deliver(flying_.begin()->second, longest);
      auto next = std::min(starts.empty() ? end : starts.begin()->first, end);
      for (auto& s : sides_) {
        for (; !s.working.empty() && s.working.begin()->first <= now_; s.working.erase(s.working.begin())) {
          transaction_reply reply;
          reply.actions.emplace_back();  // the NULL context
          s.machine.replies().answer(s.working.begin()->second, std::move(reply), now_);
        }
        s.failed += s.machine.expire(now_).failed.size();
        transmit(s);
        next = std::min({next, s.machine.next_deadline(), s.working.empty() ? end : s.working.begin()->first});
      }
      if (!flying_.empty()) next = std::min(next, flying_.begin()->first);
      now_ = std::max(now_ + 1us, next);
    }
  }

  side& a() { return sides_[0]; }
  side& b() { return sides_[1]; }
  std::size_t datagrams() const { return datagrams_; }

 private:
  struct datagram {
    int to;
    std::string text;
  };

  clock::duration between(clock::duration low, clock::duration high) {
    return clock::duration(std::uniform_int_distribution<clock::rep>(low.count(), high.count())(random_));
  }
  bool chance(double p) { return std::uniform_real_distribution<>(0, 1)(random_) < p; }

  void start(int from) {
    auto& s = sides_[static_cast<std::size_t>(from)];
    const auto id = s.machine.requests().next_id();
    auto text = "T=" + std::to_string(id.value) + "{C=-{AV=ROOT{AT{}}}}";
    const auto started = s.machine.requests().start(sides_[static_cast<std::size_t>(1 - from)].address, 3, id,
                                                    std::make_shared<const std::string>(std::move(text)), now_);
    REQUIRE(started.has_value());
    s.completed[id.value] = 0;
  }

  void transmit(side& s) {
    std::vector<outgoing_message> out;
    s.machine.outbox().flush(out, now_);
    for (auto& m : out) {
      ++datagrams_;
      const int to = m.to == sides_[0].address ? 0 : 1;
      for (int copy = 0; copy < (chance(faults_.copies) ? 2 : 1); ++copy) {
        if (!chance(faults_.loss)) flying_.emplace(now_ + between(1ms, faults_.most_delay), datagram{to, m.text});
      }
    }
  }

  void deliver(const datagram& d, clock::duration longest) {
    auto& s = sides_[static_cast<std::size_t>(d.to)];
    const auto from = sides_[static_cast<std::size_t>(1 - d.to)].address;
    const auto in = parse_view(d.text);
    REQUIRE(in.ok());
    REQUIRE(in->transactions.size() <= 10);
    for (const auto& t : in->transactions) {
      if (const auto* request = std::get_if<transaction_request>(&t)) {
        const auto execution = s.machine.replies().on_request(from, in->from, in->version, request->id, 1, now_);
        if (execution == 0) continue;
        ++s.executed[request->id.value];
        s.working.emplace(now_ + between({}, longest), execution);
      } else if (const auto* reply = std::get_if<transaction_reply>(&t)) {
        if (s.machine.requests().on_reply(from, 3, reply->id, reply->immediate_ack, now_)) ++s.completed[reply->id.value];
      } else if (const auto* pending = std::get_if<transaction_pending>(&t)) {
        s.machine.requests().on_pending(from, pending->id, now_);
      } else if (const auto* ack = std::get_if<transaction_ack>(&t)) {
        for (const auto& range : ack->ranges) s.machine.replies().on_ack(in->from, range, now_);
      }
    }
  }

  network_faults faults_;
  std::mt19937_64 random_;
  side sides_[2];
  clock::time_point now_{1000s};
  std::multimap<clock::time_point, datagram> flying_;
  std::size_t datagrams_ = 0;
};

// T-MAX so long that no transaction is given up at 30 % loss each way (with the default of 26 s it is one in ten thousand).
transaction_config patient() {
  transaction_config config;
  config.t_max = 60s;
  config.long_timer = 65s;
  return config;
}

void check(side& asking, side& executing, int each) {
  REQUIRE(asking.completed.size() == static_cast<std::size_t>(each));
  REQUIRE(asking.failed == 0);
  for (const auto& [id, times] : asking.completed) REQUIRE(times == 1);
  REQUIRE(executing.executed.size() == static_cast<std::size_t>(each));
  for (const auto& [id, times] : executing.executed) REQUIRE(times == 1);
  REQUIRE(asking.machine.requests().size() == 0);
  REQUIRE(executing.machine.replies().running() == 0);
  REQUIRE(executing.machine.replies().remembered() == 0);
  REQUIRE(executing.machine.replies().remembered_bytes() == 0);
}

}  // namespace

TEST_CASE("every transaction is executed exactly once at any loss, duplication and reordering up to 30 %") {
  const int each = 300;
  for (const double faults : {0.0, 0.05, 0.1, 0.2, 0.3}) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
      CAPTURE(faults, seed);
      lossy_run run({faults, faults, faults > 0 ? clock::duration(400ms) : clock::duration(2ms)}, patient(), seed * 1000);
      run.play(each, 30ms);
      check(run.a(), run.b(), each);
      check(run.b(), run.a(), each);
    }
  }
}

TEST_CASE("long executions run once too: Pendings hold the requester back") {
  const int each = 100;
  auto config = patient();
  config.normal_execution_time = 500ms;
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    lossy_run run({0.3, 0.3, 300ms}, config, seed);
    run.play(each, 6s);
    check(run.a(), run.b(), each);
    check(run.b(), run.a(), each);
    REQUIRE(run.a().machine.replies().pendings() > 0);
  }
}

TEST_CASE("a network too bad for T-MAX makes transactions fail, but none run twice") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    lossy_run run({0.7, 0.3, 400ms}, {}, seed);
    run.play(200, 30ms);
    REQUIRE(run.a().failed > 0);
    std::size_t done = 0;
    for (const auto& [id, times] : run.a().completed) {
      REQUIRE(times <= 1);
      done += static_cast<std::size_t>(times);
    }
    REQUIRE(done + run.a().failed == 200);
    for (const auto& [id, times] : run.b().executed) REQUIRE(times == 1);
  }
}

TEST_CASE("a good network costs one datagram each way and no repetition") {
  lossy_run run({0, 0, 5ms}, {}, 3);
  run.play(200, 1ms);
  check(run.a(), run.b(), 200);
  REQUIRE(run.a().machine.requests().retransmissions() == 0);
  REQUIRE(run.b().machine.requests().retransmissions() == 0);
  REQUIRE(run.datagrams() <= 800);
}
