#include <catch2/catch.hpp>

#include <string>

#include <agw/core/metrics.hpp>

#include "transaction_bench.hpp"

using namespace agw;
using namespace agw::h248;
using namespace agw::h248::test;
using namespace std::chrono_literals;

TEST_CASE("an unanswered request is repeated with growing gaps of at most 4 s, and given up after T-MAX") {
  bench b;
  const auto id = b.request();
  const auto first = b.sent();
  REQUIRE(first.size() == 1);
  const auto begin = b.now;
  std::vector<clock::duration> gaps;
  for (auto before = b.now; b.last.failed.empty(); before = b.now) {
    b.step();
    gaps.push_back(b.now - before);
    if (b.last.failed.empty()) REQUIRE(b.sent() == first);
  }
  REQUIRE(gaps.front() == b.config.first_timeout);
  for (const auto gap : gaps) REQUIRE(gap <= 4s);
  REQUIRE(gaps[1] >= 200ms);
  REQUIRE(gaps[2] >= 400ms);
  REQUIRE(gaps[3] >= 800ms);
  REQUIRE(gaps[4] >= 1600ms);
  REQUIRE(gaps.size() >= 9);
  REQUIRE(gaps.size() <= 14);
  REQUIRE(b.now - begin == b.config.t_max);
  REQUIRE(b.last.failed.front().id == id);
  REQUIRE(b.last.failed.front().why == errc::timed_out);
  REQUIRE(b.machine.requests().size() == 0);
  REQUIRE(b.machine.next_deadline() == no_deadline);
  REQUIRE_FALSE(b.reply(id));
}

TEST_CASE("the first timeout follows the measured delays") {
  bench b;
  for (int i = 0; i < 50; ++i) {
    const auto id = b.request();
    b.now += 300ms;
    REQUIRE(b.reply(id));
  }
  b.request();
  const auto steady = b.machine.next_deadline() - b.now;
  REQUIRE(steady >= 300ms);
  REQUIRE(steady < 400ms);
  // A reply to a repeated request says little of the delay: the next request gets twice the time, no more.
  bench slow;
  const auto id = slow.request();
  slow.step();
  slow.step();
  slow.now += 100ms;
  REQUIRE(slow.reply(id));
  slow.request();
  REQUIRE(slow.machine.next_deadline() - slow.now == 2 * slow.config.first_timeout);
}

TEST_CASE("a reply is taken once, and only from the host that was asked") {
  bench b;
  const auto id = b.request();
  auto other = peer;
  other.host = asio::ip::make_address("10.9.9.9");
  REQUIRE_FALSE(b.machine.requests().on_reply(other, 3, id, false, b.now));
  other = peer;
  other.port = 5000;
  REQUIRE(b.machine.requests().on_reply(other, 3, id, false, b.now));
  REQUIRE_FALSE(b.reply(id));
}

TEST_CASE("ImmAckRequired is acknowledged at once, also when the reply comes again") {
  bench b;
  const auto id = b.request();
  b.sent();
  REQUIRE(b.reply(id, true));
  const auto ack = "K{" + std::to_string(id.value) + "}";
  REQUIRE(b.sent() == std::vector<std::string>{ack});
  REQUIRE_FALSE(b.reply(id, true));
  REQUIRE(b.sent() == std::vector<std::string>{ack});
}

TEST_CASE("other replies are acknowledged in ranges, beside the next transaction") {
  bench b;
  std::vector<transaction_id> ids;
  for (int i = 0; i < 5; ++i) ids.push_back(b.request());
  b.sent();
  for (const auto i : {3, 0, 1, 4}) REQUIRE(b.reply(ids[static_cast<std::size_t>(i)]));
  REQUIRE(b.sent().empty());
  b.request();
  const auto text = b.sent().at(0);
  const auto n = [&](std::size_t i) { return std::to_string(ids[i].value); };
  REQUIRE(text.starts_with("K{" + n(0) + "-" + n(1) + "," + n(3) + "-" + n(4) + "}T="));
}

TEST_CASE("a Pending lets the requester wait longer, for as long as Pendings come") {
  bench b;
  const auto id = b.request();
  b.sent();
  for (int i = 0; i < 12; ++i) {
    b.now += 3s;
    b.machine.requests().on_pending(peer, id, b.now);
    REQUIRE(b.machine.next_deadline() == b.now + b.config.provisional_timeout);
  }
  REQUIRE(b.sent().empty());
  b.step();
  REQUIRE(b.sent().size() == 1);  // then it asks again
  REQUIRE(b.reply(id));
}

TEST_CASE("more Pendings than the limit end the transaction") {
  transaction_config config;
  config.received_pending_limit = 3;
  bench b(config);
  const auto id = b.request();
  for (int i = 0; i < 4; ++i) b.machine.requests().on_pending(peer, id, b.now);
  b.step();
  REQUIRE(b.last.failed.size() == 1);
  REQUIRE(b.last.failed.front().why == errc::too_many_pendings);
}

TEST_CASE("a reliable transport is not repeated over, but over the next connection when one ended") {
  bench b;
  b.machine.outbox().set_limits(transport::udp, transport_limits{true, 65531});
  b.request();
  const auto first = b.sent();
  b.now += 10s;
  REQUIRE(b.machine.expire(b.now).failed.empty());
  b.machine.requests().connected(peer, b.now);
  REQUIRE(b.sent().empty());
  // It ends: the request is tried again with growing gaps (each try dials), and at once when a connection stands.
  b.machine.requests().disconnected(peer, b.now);
  const auto before = b.now;
  b.step();
  REQUIRE(b.now - before <= 400ms);
  REQUIRE(b.sent() == first);
  b.machine.requests().disconnected(peer, b.now);
  b.machine.requests().connected(peer, b.now);
  REQUIRE(b.sent() == first);
  REQUIRE(b.machine.requests().retransmissions() == 2);
  b.step();
  REQUIRE(b.last.failed.size() == 1);
  REQUIRE(b.now - before == 16s);
}

TEST_CASE("unanswered requests follow a redirection") {
  bench b;
  const auto id = b.request();
  b.sent();
  auto other = peer;
  other.host = asio::ip::make_address("10.0.0.3");
  b.machine.requests().redirect(peer, other, b.now);
  std::vector<outgoing_message> out;
  b.machine.outbox().flush(out, b.now);
  REQUIRE(out.size() == 1);
  REQUIRE(out.front().to == other);
  REQUIRE_FALSE(b.reply(id));
  REQUIRE(b.machine.requests().on_reply(other, 3, id, false, b.now));
}

TEST_CASE("requests beyond the limits are refused") {
  transaction_config config;
  config.max_requests = 2;
  bench b(config);
  b.request();
  const auto id = b.machine.requests().next_id();
  const auto text = std::make_shared<const std::string>(70000, ' ');
  REQUIRE(b.machine.requests().start(peer, 3, id, text, b.now).error() == make_error_code(errc::too_long));
  b.request();
  const auto more = std::make_shared<const std::string>("T=1{}");
  REQUIRE(b.machine.requests().start(peer, 3, id, more, b.now).error() == make_error_code(errc::too_many_requests));
}

TEST_CASE("a repeated request is not executed again: its reply is sent again") {
  bench b;
  const auto execution = b.receive(5);
  REQUIRE(execution != 0);
  b.answer(execution);
  const auto reply = b.sent();
  REQUIRE(reply == std::vector<std::string>{"P=5{}"});
  b.now += 29s;
  REQUIRE(b.receive(5) == 0);
  REQUIRE(b.sent() == reply);
  b.now += 1s;
  REQUIRE(b.receive(5) != 0);  // LONG-TIMER is over
  REQUIRE(b.machine.replies().repeated_requests() == 1);
}

TEST_CASE("ids are remembered by mId, not by address") {
  bench b;
  REQUIRE(b.receive(5) != 0);
  auto from = peer;
  from.port = 999;
  REQUIRE(b.machine.replies().on_request(from, peer_mid, 3, {5}, 1, b.now) == 0);
  const mid same{mid::form::domain, "MGC.Example", {}};
  REQUIRE(b.machine.replies().on_request(peer, same, 3, {5}, 1, b.now) == 0);
  const mid other{mid::form::domain, "other.example", {}};
  REQUIRE(b.machine.replies().on_request(peer, other, 3, {5}, 1, b.now) != 0);
  from.host = asio::ip::make_address("10.0.0.9");
  REQUIRE(b.machine.replies().on_request(from, peer_mid, 3, {5}, 1, b.now) == 0);
}

TEST_CASE("what a sender has finished can be forgotten, and what runs still runs once") {
  bench b;
  b.answer(b.receive(5));
  const auto running = b.receive(6);
  REQUIRE(running != 0);
  b.machine.replies().forget_finished(mid{mid::form::domain, "mgc.EXAMPLE", {}});
  REQUIRE(b.machine.replies().remembered_bytes() == 0);
  const auto again = b.receive(5);
  REQUIRE(again != 0);
  REQUIRE(b.receive(6) == 0);
  b.answer(again);
  b.answer(running);
  REQUIRE(b.receive(5) == 0);
  REQUIRE(b.receive(6) == 0);
  b.now += 31s;
  REQUIRE(b.machine.expire(b.now).given_up.empty());
  REQUIRE(b.machine.replies().remembered() == 0);
}

TEST_CASE("the reply goes to where the request last came from") {
  bench b;
  const auto execution = b.receive(5);
  auto from = peer;
  from.port = 999;
  b.machine.replies().on_request(from, peer_mid, 3, {5}, 1, b.now);
  b.answer(execution);
  std::vector<outgoing_message> out;
  b.machine.outbox().flush(out, b.now);
  REQUIRE(out.back().to == from);
}

TEST_CASE("with contents compared, an id used anew is a new transaction of a peer that has restarted") {
  bench b;
  b.answer(b.receive(5, 1));
  b.sent();
  const auto execution = b.receive(5, 2);
  REQUIRE(execution != 0);
  REQUIRE(b.receive(5, 1) == 0);  // while it runs, nothing else does under this id
  b.sent();
  b.answer(execution);
  REQUIRE(b.receive(5, 2) == 0);
  b.now += 31s;
  REQUIRE(b.machine.expire(b.now).given_up.empty());
  REQUIRE(b.machine.replies().remembered() == 0);
  REQUIRE(b.machine.replies().remembered_bytes() == 0);
}

TEST_CASE("an acknowledged reply is forgotten, its id is not") {
  bench b;
  for (std::uint32_t id = 10; id < 15; ++id) b.answer(b.receive(id));
  b.sent();
  b.ack(11, 0xFFFFFFFF);
  REQUIRE(b.machine.replies().remembered_bytes() == std::string("P=10{}").size());
  for (std::uint32_t id = 11; id < 15; ++id) REQUIRE(b.receive(id) == 0);
  REQUIRE(b.sent().empty());
  REQUIRE(b.receive(10) == 0);
  REQUIRE(b.sent().size() == 1);
}

TEST_CASE("a long execution sends Pendings, and its reply asks for an acknowledgement") {
  bench b;
  const auto execution = b.receive(5);
  b.step();
  REQUIRE(b.sent() == std::vector<std::string>{"PN=5{}"});
  b.step();
  REQUIRE(b.sent() == std::vector<std::string>{"PN=5{}"});
  b.now += 200ms;
  REQUIRE(b.receive(5) == 0);  // the requester is impatient
  REQUIRE(b.sent() == std::vector<std::string>{"PN=5{}"});
  REQUIRE(b.receive(5) == 0);
  REQUIRE(b.sent().empty());  // but a burst of copies is answered once
  b.answer(execution);
  REQUIRE(b.sent() == std::vector<std::string>{"P=5{IA}"});
  REQUIRE(b.machine.replies().running() == 0);
}

TEST_CASE("an execution beyond the Pending limit is given up with error 506") {
  transaction_config config;
  config.sent_pending_limit = 2;
  bench b(config);
  const auto execution = b.receive(5);
  b.step();
  b.step();
  REQUIRE(b.last.given_up.empty());
  b.sent();
  b.step();
  REQUIRE(b.last.given_up == std::vector<execution_id>{execution});
  REQUIRE(b.sent().at(0).starts_with("P=5{IA,ER=506{"));
  b.answer(execution);  // too late
  REQUIRE(b.sent().empty());
  REQUIRE(b.receive(5) == 0);
  REQUIRE(b.sent().at(0).starts_with("P=5{IA,ER=506{"));
}

TEST_CASE("a reply too long for the transport becomes error 533") {
  bench b;
  const auto execution = b.receive(5);
  const std::string big(70000, 'x');
  transaction_reply reply;
  reply.error.emplace(error_descriptor{h248::error_code::internal_software_failure, big});
  b.machine.replies().answer(execution, std::move(reply), b.now);
  REQUIRE(b.sent().at(0).starts_with("P=5{ER=533{"));
}

TEST_CASE("running transactions are bounded, and by peer") {
  transaction_config config;
  config.max_running = 5;
  config.max_running_per_peer = 3;
  bench b(config);
  const auto before = drops("h248", "too-many-transactions");
  std::vector<execution_id> running;
  for (std::uint32_t id = 1; id <= 3; ++id) running.push_back(b.receive(id));
  REQUIRE(b.receive(4) == 0);
  const mid other{mid::form::device, "other", {}};
  for (std::uint32_t id = 1; id <= 3; ++id) b.machine.replies().on_request(peer, other, 3, {id}, 1, b.now);
  REQUIRE(b.machine.replies().running() == 5);
  REQUIRE(drops("h248", "too-many-transactions") == before + 2);
  b.answer(running[0]);
  REQUIRE(b.receive(4) != 0);  // its sender repeats it, and there is room now
}

TEST_CASE("what is remembered is bounded in number, in bytes, and in peers") {
  transaction_config config;
  config.max_remembered = 100;
  config.max_remembered_bytes = 400;
  config.max_peers = 10;
  bench b(config);
  for (std::uint32_t id = 1; id <= 1000; ++id) {
    const auto name = "mg" + std::to_string(id % 40);
    const mid from{mid::form::device, name, {}};
    const auto execution = b.machine.replies().on_request(peer, from, 3, {id}, 1, b.now);
    if (execution != 0) b.answer(execution);
    REQUIRE(b.machine.replies().remembered() <= 100);
    REQUIRE(b.machine.replies().remembered_bytes() <= 400);
    if (id % 40 == 0) b.now += 31s;
  }
  b.now += 31s;
  b.machine.expire(b.now);
  REQUIRE(b.machine.replies().remembered() == 0);
  REQUIRE(b.machine.replies().remembered_bytes() == 0);
}

TEST_CASE("an execution without a reply leaves no trace") {
  bench b;
  const auto execution = b.receive(5);
  b.machine.replies().forget(execution);
  REQUIRE(b.machine.replies().running() == 0);
  REQUIRE(b.machine.next_deadline() == no_deadline);
  REQUIRE(b.receive(5) != 0);
}

TEST_CASE("messages hold at most ten transactions and at most a datagram's bytes") {
  bench b;
  for (int i = 0; i < 25; ++i) b.request();
  auto sizes = std::vector<std::size_t>{};
  for (const auto& text : b.sent()) sizes.push_back(static_cast<std::size_t>(std::ranges::count(text, 'T')));
  REQUIRE(sizes == std::vector<std::size_t>{10, 10, 5});
  for (int i = 0; i < 4; ++i) b.request(600);
  b.request(5000);
  b.request();
  sizes.clear();
  for (const auto& text : b.sent()) {
    sizes.push_back(static_cast<std::size_t>(std::ranges::count(text, 'T')));
    if (sizes.back() > 1) REQUIRE(text.size() <= b.config.datagram_bytes);
  }
  REQUIRE(sizes == std::vector<std::size_t>{2, 2, 1, 1});
}

TEST_CASE("the first Pending comes within the time that the controller was promised, the next ones as always") {
  transaction_config c;
  c.provisional_response_time = 400ms;
  bench b(c);
  const auto begin = b.now;
  b.receive(5);
  b.step();
  REQUIRE(b.now - begin == 400ms);
  REQUIRE(b.sent() == std::vector<std::string>{"PN=5{}"});
  b.step();
  REQUIRE(b.now - begin == 400ms + c.normal_execution_time);
  // It makes nothing later.
  c.provisional_response_time = 10s;
  bench late(c);
  const auto since = late.now;
  late.receive(5);
  late.step();
  REQUIRE(late.now - since == c.normal_execution_time);
}

TEST_CASE("a request is not repeated before the peer's normal execution time is over") {
  transaction_config c;
  c.peer_execution_time = 900ms;
  bench b(c);
  b.request();
  REQUIRE(b.machine.next_deadline() - b.now == 900ms);
  c.peer_execution_time = 60s;
  bench slow(c);
  slow.request();
  REQUIRE(slow.machine.next_deadline() - slow.now == c.max_timeout);
}
