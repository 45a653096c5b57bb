#include <catch2/catch.hpp>

#include <agw/h248/registration_machine.hpp>

using namespace agw;
using namespace agw::h248;
using namespace std::chrono_literals;

namespace {

peer_name mgc(const char* host) { return peer_name::parse(host).value(); }

struct bench {
  explicit bench(std::vector<peer_name> mgcs) {
    config.mgcs = std::move(mgcs);
    config.max_waiting_delay = 400ms;
  }
  // The next attempt, after the wait in front of it if there is one.
  registration_machine::attempt attempt() {
    auto step = machine.next(now);
    waited = {};
    if (const auto* wait = std::get_if<registration_machine::wait>(&step)) {
      waited = wait->until - now;
      now = wait->until;
      step = machine.next(now);
    }
    REQUIRE(std::holds_alternative<registration_machine::attempt>(step));
    last = std::get<registration_machine::attempt>(step);
    return last;
  }
  void no_reply() { machine.failed(last, std::nullopt, now); }
  void accept() {
    machine.accepted(last, now);
    REQUIRE(std::holds_alternative<registration_machine::stay>(machine.next(now)));
    now += 100s;
  }

  registration_config config;
  registration_machine machine{config, 5};
  clock::time_point now{1000s};
  clock::duration waited{};
  registration_machine::attempt last;
};

using attempt = registration_machine::attempt;

}  // namespace

TEST_CASE("a cold start waits a random time up to MWD and restarts with the primary") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::restart, 901, 3});
  REQUIRE(b.waited <= 400ms);
  b.accept();
  REQUIRE(b.machine.registered());
}

TEST_CASE("without reply the secondaries follow in order, then a growing wait, then the primary again") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2"), mgc("10.0.0.3")});
  for (const auto base : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
    for (const auto* host : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) {
      const auto first = host == std::string("10.0.0.1");
      REQUIRE(b.attempt() == attempt{mgc(host), change_method::restart, 901, 3});
      if (!first) REQUIRE(b.waited == 0s);
      b.no_reply();
    }
    const auto step = b.machine.next(b.now);
    const auto wait = std::get<registration_machine::wait>(step).until - b.now;
    REQUIRE(wait >= base);
    REQUIRE(wait <= base + 400ms);
  }
}

TEST_CASE("a redirection goes to the MGC that is named, with the same method, and does not go round in circles") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  b.attempt();
  b.machine.redirected(b.last, mgc("10.0.0.9"), b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.9"), change_method::restart, 901, 3});
  b.accept();
  b.machine.lost(b.now);
  // The MGC of the redirection is tried last, as the one that knows us.
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::failover, 909, 3});
  for (int i = 0; b.last.to != mgc("10.0.0.2"); ++i) {
    REQUIRE(i < 20);
    b.machine.redirected(b.last, b.last.to == mgc("10.0.0.1") ? mgc("10.0.0.7") : mgc("10.0.0.1"), b.now);
    b.attempt();
  }
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.9"), change_method::disconnected, 900, 3});
}

TEST_CASE("error 406 lowers the offered version, other errors go to the next MGC") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  b.config.min_version = 2;
  REQUIRE(b.attempt().version == 3);
  b.machine.failed(b.last, h248::error_code::version_not_supported, b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::restart, 901, 2});
  b.machine.failed(b.last, h248::error_code::version_not_supported, b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.2"), change_method::restart, 901, 3});
  b.machine.failed(b.last, h248::error_code::unauthorized, b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::restart, 901, 3});
  REQUIRE(b.waited >= 1s);
}

TEST_CASE("a lost MGC is replaced by the others with Failover, itself with Disconnected") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  b.attempt();
  b.accept();
  b.machine.lost(b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.2"), change_method::failover, 909, 3});
  REQUIRE(b.waited == 0s);
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::disconnected, 900, 3});
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::disconnected, 900, 3});
  REQUIRE(b.waited >= 1s);
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.2"), change_method::failover, 909, 3});
  b.accept();
  b.machine.lost(b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::failover, 909, 3});
}

TEST_CASE("an MGC that is lost right after it took us is not asked again at once") {
  bench b({mgc("10.0.0.1")});
  b.attempt();
  b.machine.accepted(b.last, b.now);
  b.machine.lost(b.now + 1ms);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::disconnected, 900, 3});
  REQUIRE(b.waited >= 1s);
}

TEST_CASE("a hand-over goes to the MGC that is named, and on to the others if that is silent") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  b.attempt();
  b.accept();
  b.machine.hand_off(mgc("10.0.0.5"));
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.5"), change_method::hand_off, 903, 3});
  REQUIRE(b.waited == 0s);
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.2"), change_method::failover, 909, 3});
  b.machine.hand_off(mgc("10.0.0.6"));
  const auto old = b.last;
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.6"), change_method::hand_off, 903, 3});
  b.machine.failed(old, std::nullopt, b.now);  // the attempt that the hand-over overtook
  b.machine.accepted(old, b.now);
  REQUIRE_FALSE(b.machine.registered());
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.6"), change_method::hand_off, 903, 3});
  b.accept();
}

TEST_CASE("without any MGC there is nothing to do") {
  bench b({});
  auto step = b.machine.next(b.now);
  b.now = std::get<registration_machine::wait>(step).until;
  step = b.machine.next(b.now);
  REQUIRE(std::get<registration_machine::wait>(step).until == no_deadline);
}

TEST_CASE("an MGC whose connection ended is asked first, once, and then the others") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2"), mgc("10.0.0.3")});
  b.attempt();
  b.accept();
  b.machine.disconnected(b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::disconnected, 900, 3});
  REQUIRE(b.waited == 0s);
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.2"), change_method::failover, 909, 3});
  b.no_reply();
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.3"), change_method::failover, 909, 3});
  b.accept();
  // One of the two that are left is not asked twice.
  b.machine.lost(b.now);
  REQUIRE(b.attempt() == attempt{mgc("10.0.0.1"), change_method::failover, 909, 3});
}

TEST_CASE("the MGC is asked when it was silent for long enough since it registered us, spoke, or was asked") {
  bench b({mgc("10.0.0.1")});
  CHECK(b.machine.question_due(b.now) == no_deadline);
  b.attempt();
  const auto registered = b.now;
  b.accept();
  CHECK(b.machine.question_due(std::nullopt) == registered + 60s);
  CHECK(b.machine.question_due(registered + 20s) == registered + 80s);
  b.machine.asked(registered + 80s);
  CHECK(b.machine.question_due(registered + 20s) == registered + 140s);
  b.config.silence = 0s;
  CHECK(b.machine.question_due(std::nullopt) == no_deadline);
  b.config.silence = 5s;
  b.machine.lost(b.now);
  CHECK(b.machine.question_due(std::nullopt) == no_deadline);
}

TEST_CASE("an MGC that is not configured any more is left, and never asked again") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  b.attempt();
  b.accept();
  b.config.mgcs = {mgc("10.0.0.3"), mgc("10.0.0.2")};
  b.machine.mgcs_changed(true, b.now);
  CHECK_FALSE(b.machine.registered());
  for (int round = 0; round < 3; ++round) {
    for (const auto* host : {"10.0.0.3", "10.0.0.2"}) {
      CHECK(b.attempt() == attempt{mgc(host), change_method::failover, 909, 3});
      b.no_reply();
    }
  }
  b.attempt();
  b.accept();
  b.machine.lost(b.now);
  CHECK(b.attempt().to == mgc("10.0.0.2"));
  b.no_reply();
  CHECK(b.attempt() == attempt{mgc("10.0.0.3"), change_method::disconnected, 900, 3});
}

TEST_CASE("other MGCs beside the one that took us change nothing now, and are asked when it is lost") {
  bench b({mgc("10.0.0.1")});
  b.attempt();
  b.accept();
  b.config.mgcs = {mgc("10.0.0.1"), mgc("10.0.0.2")};
  b.machine.mgcs_changed(false, b.now);
  CHECK(b.machine.registered());
  b.machine.lost(b.now);
  CHECK(b.attempt() == attempt{mgc("10.0.0.2"), change_method::failover, 909, 3});
}

TEST_CASE("an MGC that answers that it does not know us is asked first, with the highest version") {
  bench b({mgc("10.0.0.1"), mgc("10.0.0.2")});
  b.attempt();
  b.machine.failed(b.last, h248::error_code::version_not_supported, b.now);
  REQUIRE(b.attempt().version == 2);
  b.accept();
  CHECK_FALSE(b.machine.disowned(h248::error_code::unexpected_request_id, b.now));
  CHECK(b.machine.disowned(h248::error_code::unauthorized_entity, b.now));
  CHECK(b.attempt() == attempt{mgc("10.0.0.1"), change_method::disconnected, 900, 3});
  CHECK(b.waited == 0s);
  b.machine.accepted(b.last, b.now);
  CHECK_FALSE(b.machine.disowned(h248::error_code::unauthorized_entity, b.now + 5s));
  CHECK(b.machine.registered());
}
