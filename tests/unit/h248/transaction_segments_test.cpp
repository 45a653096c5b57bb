#include <catch2/catch.hpp>

#include <string>

#include <agw/h248/text.hpp>
#include <agw/h248/transaction_segments.hpp>

#include "transaction_bench.hpp"

using namespace agw;
using namespace agw::h248;
using namespace agw::h248::test;
using namespace std::chrono_literals;

namespace {

// Answers of four commands, 300 bytes each.
transaction_reply long_reply() {
  static const std::string text(300, 'x');
  transaction_reply out;
  for (std::uint32_t n = 1; n <= 2; ++n) {
    auto& a = out.actions.emplace_back();
    a.context = {n};
    a.properties.priority = static_cast<std::uint16_t>(n);
    for (const auto name : {"ip/1", "ip/2"}) {
      auto& c = a.commands.emplace_back();
      c.kind = command_kind::audit_value;
      c.terminations.push_back({name});
      c.add(error_descriptor{h248::error_code::not_ready, text});
    }
  }
  return out;
}

// As the answer to C=*{AV=ROOT{AT{}}}.
transaction_reply list_of_contexts(std::uint32_t count) {
  transaction_reply out;
  for (std::uint32_t n = 1; n <= count; ++n) {
    auto& a = out.actions.emplace_back();
    a.context = {n};
    auto& c = a.commands.emplace_back();
    c.kind = command_kind::audit_value;
    c.terminations.push_back(termination_id::root());
  }
  return out;
}

std::size_t occurrences(const std::string& text, std::string_view word) {
  std::size_t out = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) ++out;
  return out;
}

transaction_config with_segments() {
  transaction_config out;
  out.segment_replies = true;
  out.datagram_bytes = 600;
  return out;
}

}  // namespace

TEST_CASE("a long reply goes out in segments, and each that is acknowledged is not sent again") {
  bench b(with_segments());
  b.machine.replies().answer(b.receive(5), long_reply(), b.now);
  const auto first = b.sent();
  REQUIRE(first.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto number = "P=5/" + std::to_string(i + 1) + (i == 3 ? "/&{" : "{");
    REQUIRE(first[i].starts_with(number + "C=" + std::to_string(i / 2 + 1) + "{"));
    REQUIRE(first[i].size() + 7 <= 600);
  }
  const auto bytes = b.machine.replies().remembered_bytes();
  b.machine.replies().on_segment_ack(peer_mid, {5}, {1, false});
  b.machine.replies().on_segment_ack(peer_mid, {5}, {1, false});
  b.machine.replies().on_segment_ack(peer_mid, {5}, {4, true});
  b.machine.replies().on_segment_ack(peer_mid, {5}, {9, true});
  REQUIRE(b.receive(5) == 0);
  REQUIRE(b.sent() == std::vector<std::string>{first[1], first[2]});
  REQUIRE(b.machine.replies().remembered_bytes() < bytes);
  b.ack(5, 5);
  REQUIRE(b.receive(5) == 0);
  REQUIRE(b.sent().empty());
  REQUIRE(b.machine.replies().remembered_bytes() == 0);
}

TEST_CASE("only peers of version 3 over UDP get segments, and only where they are configured") {
  bench b;
  b.machine.replies().answer(b.receive(5), long_reply(), b.now);
  REQUIRE(b.sent().at(0).starts_with("P=5{"));
  bench old(with_segments());
  const auto execution = old.machine.replies().on_request(peer, peer_mid, 2, {5}, 1, old.now);
  old.machine.replies().answer(execution, long_reply(), old.now);
  std::vector<outgoing_message> out;
  old.machine.outbox().flush(out, old.now);
  REQUIRE(out.at(0).text.starts_with("!/2 mg P=5{"));
}

TEST_CASE("what was cut is joined to what it was") {
  auto whole = long_reply();
  whole.id = {5};
  whole.immediate_ack = true;
  const reply_measure size_of = [](const transaction_reply& r) {
    std::string text;
    write_transaction(text, transaction(r), 3);
    return text.size();
  };
  for (const std::size_t room : {1u, 400u, 800u, 100'000u}) {
    const auto parts = cut(whole, room, size_of);
    REQUIRE((room == 100'000) == (parts.size() == 1));
    transaction_reply again;
    again.id = whole.id;
    for (const auto& part : parts) join(again, part);
    REQUIRE(again == whole);
  }
}

TEST_CASE("a Segment is the last transaction of its message") {
  bench b;
  const auto id = b.request();
  b.sent();
  b.machine.requests().on_segment(peer, 3, id, {3, true}, false, b.now);
  b.machine.requests().on_segment(peer, 3, id, {1, false}, false, b.now);
  const auto next = std::to_string(b.request().value);
  const auto before = "SM=" + std::to_string(id.value);
  REQUIRE(b.sent() == std::vector<std::string>{"T=" + next + "{C=1{S=ip/1}}" + before + "/3/&", before + "/1"});
}

TEST_CASE("segments are acknowledged, and the last one to arrive ends the request") {
  bench b;
  const auto id = b.request();
  b.sent();
  auto& requests = b.machine.requests();
  using arrival = request_table::arrival;
  const auto segment = [&](std::uint16_t n, bool last) { return requests.on_segment(peer, 3, id, {n, last}, last, b.now); };
  const auto acked = [&](const std::string& which) { return std::vector<std::string>{"SM=" + std::to_string(id.value) + which}; };
  REQUIRE(segment(3, true) == arrival::part);
  REQUIRE(b.sent() == acked("/3/&"));
  REQUIRE(segment(3, true) == arrival::stray);  // again: the acknowledgement may have been lost
  REQUIRE(b.sent() == acked("/3/&"));
  REQUIRE(segment(0, false) == arrival::stray);
  REQUIRE(segment(4, false) == arrival::stray);
  REQUIRE(segment(65, false) == arrival::stray);
  REQUIRE(b.sent().empty());
  REQUIRE(segment(1, false) == arrival::part);
  b.sent();
  // One is missing: the request is repeated, for the peer to send what was not acknowledged.
  const auto before = b.now;
  b.step();
  REQUIRE(b.now - before == b.config.segmentation_timeout);
  REQUIRE(b.sent().at(0).starts_with("T=" + std::to_string(id.value)));
  REQUIRE(segment(2, false) == arrival::whole);
  REQUIRE(b.sent().size() == 1);
  REQUIRE(requests.size() == 0);
  REQUIRE(segment(2, false) == arrival::stray);
}

TEST_CASE("a reply of which segments stay away is not a peer that does not answer") {
  bench b;
  const auto id = b.request();
  REQUIRE(b.machine.requests().on_segment(peer, 3, id, {1, false}, false, b.now) == request_table::arrival::part);
  while (b.last.failed.empty()) b.step();
  REQUIRE(b.last.failed.front().why == errc::segments_missing);
}

TEST_CASE("over TCP a reply beyond one message is cut where segments are allowed, and error 533 where not") {
  for (const bool allowed : {true, false}) {
    bench b(allowed ? with_segments() : transaction_config());
    b.machine.outbox().set_limits(transport::tcp, {true, 700});
    auto from = peer;
    from.via = transport::tcp;
    const auto execution = b.machine.replies().on_request(from, peer_mid, 3, {5}, 1, b.now);
    b.machine.replies().answer(execution, long_reply(), b.now);
    std::vector<outgoing_message> out;
    b.machine.outbox().flush(out, b.now);
    REQUIRE((out.size() > 1) == allowed);
    for (const auto& m : out) {
      REQUIRE(m.to == from);
      REQUIRE(m.text.size() <= 700);
    }
    REQUIRE(out.front().text.find(allowed ? "P=5/1{" : "P=5{ER=533{") != std::string::npos);
  }
}

TEST_CASE("a reply is bound by its octets, and by what its segments or its message can hold") {
  auto c = with_segments();
  c.max_reply_bytes = 1000;
  bench b(c);
  const auto execution = b.receive(5);
  REQUIRE(b.machine.replies().max_reply_bytes(execution) == 1000);
  b.machine.replies().answer(execution, long_reply(), b.now);
  REQUIRE(b.sent().at(0).starts_with("P=5{ER=533{"));
  c.max_reply_bytes = 1u << 20;
  c.max_segments = 2;
  bench few(c);
  const auto other = few.receive(5);
  REQUIRE(few.machine.replies().max_reply_bytes(other) < 1200);
  few.machine.replies().answer(other, long_reply(), few.now);
  REQUIRE(few.sent().at(0).starts_with("P=5{ER=533{"));
  bench whole;
  REQUIRE(whole.machine.replies().max_reply_bytes(whole.receive(5)) < 65507);
}

TEST_CASE("a list of contexts is cut with work that grows as the list does") {
  const auto measured = [](std::uint32_t contexts) {
    const auto whole = list_of_contexts(contexts);
    std::size_t octets = 0;
    const auto size_of = [&](const transaction_reply& part) {
      message m;
      m.from = peer_mid;
      m.transactions.emplace_back(part);
      const auto size = to_text(m, layout::compact).size();
      octets += size;
      return size;
    };
    const auto pieces = cut(whole, 60'000, size_of);
    std::size_t listed = 0;
    for (const auto& piece : pieces) listed += piece.actions.size();
    CHECK(listed == contexts);
    return octets;
  };
  const auto few = measured(2000), many = measured(20'000);
  INFO(few << " octets measured for 2 000 contexts, " << many << " for 20 000");
  CHECK(many <= 11 * few);
}

TEST_CASE("a piece of a long list costs what its own octets are") {
  constexpr std::size_t room = 60'000;
  const auto whole = list_of_contexts(20'000);
  std::size_t octets = 0, pieces = 0;
  reply_cutter cutter(whole, room, [&](const transaction_reply& part) {
    std::string text;
    write_transaction(text, transaction(part), 3);
    octets += text.size();
    return text.size();
  });
  while (cutter.next()) {
    ++pieces;
    CHECK(octets <= room + 100);  // and the part that did not fit
    octets = 0;
  }
  CHECK(pieces > 5);
}

TEST_CASE("20 000 contexts are listed over TCP, in as many segments as their octets need") {
  transaction_config c;
  c.segment_replies = true;
  bench b(c);
  b.machine.outbox().set_limits(transport::tcp, {true, 65531});
  auto from = peer;
  from.via = transport::tcp;
  const auto execution = b.machine.replies().on_request(from, peer_mid, 3, {5}, 1, b.now);
  b.machine.replies().answer(execution, list_of_contexts(20'000), b.now);
  std::vector<outgoing_message> out;
  b.machine.outbox().flush(out, b.now);
  std::size_t octets = 0, contexts = 0;
  for (const auto& m : out) {
    CHECK(m.text.size() <= 65531);
    octets += m.text.size();
    contexts += occurrences(m.text, "AV=ROOT");
  }
  INFO(out.size() << " messages of " << octets << " octets");
  CHECK(contexts == 20'000);
  CHECK(octets < 20'000 * 20);
  CHECK(out.size() <= 3 * (octets / 65531 + 1));
  std::string all;
  for (const auto& m : out) all += m.text;
  CHECK(occurrences(all, "P=5/" + std::to_string(occurrences(all, "P=5/")) + "/&{") == 1);
}
