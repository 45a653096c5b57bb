// A transaction machine, its peer and its time.
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <string>
#include <vector>

#include <agw/h248/transaction_machine.hpp>

namespace agw::h248::test {

inline const peer_address peer{transport::udp, asio::ip::make_address("10.0.0.2"), 2944};
inline const mid peer_mid{mid::form::domain, "mgc.example", {}};

// A machine with its time; sent() gives the messages since the last call, each without its header.
struct bench {
  explicit bench(transaction_config c = {}) : config(c), machine(c, 7) {
    machine.outbox().set_sender(mid_name::parse("mg").value(), layout::compact);
  }
  std::vector<std::string> sent() {
    std::vector<outgoing_message> out;
    machine.outbox().flush(out, now);
    std::vector<std::string> texts;
    for (auto& m : out) {
      REQUIRE(m.text.starts_with("!/3 mg "));
      texts.push_back(m.text.substr(7));
    }
    return texts;
  }
  // Moves the time to the next deadline; what failed and what was given up are kept.
  void step() {
    REQUIRE(machine.next_deadline() != no_deadline);
    now = std::max(now, machine.next_deadline());
    last = machine.expire(now);
  }
  transaction_id request(std::size_t filler = 0) {
    const auto id = machine.requests().next_id();
    auto text = "T=" + std::to_string(id.value) + "{C=1{S=ip/1" + std::string(filler, ' ') + "}}";
    const auto started = machine.requests().start(peer, 3, id, std::make_shared<const std::string>(std::move(text)), now);
    REQUIRE(started.has_value());
    return id;
  }
  execution_id receive(std::uint32_t id, std::uint64_t digest = 1) {
    return machine.replies().on_request(peer, peer_mid, 3, {id}, digest, now);
  }
  void answer(execution_id execution) { machine.replies().answer(execution, transaction_reply{}, now); }
  bool reply(transaction_id id, bool immediate_ack = false) { return machine.requests().on_reply(peer, 3, id, immediate_ack, now); }
  void ack(std::uint32_t first, std::uint32_t last_id) {
    machine.replies().on_ack(peer_mid, ack_range{{first}, {last_id}}, now);
  }

  transaction_config config;
  transaction_machine machine;
  clock::time_point now{std::chrono::seconds(100)};
  transaction_machine::expired last;
};

}  // namespace agw::h248::test
