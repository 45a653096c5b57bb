// Two DTLS machines and a network between them that loses, repeats and reorders as its seed says, all on a clock of numbers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/core/pipe.hpp"
#include "agw/transports/dtls_machine.hpp"

namespace agw::test {

using datagram = std::vector<std::byte>;

inline datagram copy(bytes_view d) { return datagram(d.begin(), d.end()); }
inline bytes_view text(std::string_view s) { return std::as_bytes(std::span(s.data(), s.size())); }
inline std::string string(bytes_view d) { return std::string(reinterpret_cast<const char*>(d.data()), d.size()); }

/// The processes' contexts: key generation is the slow part, so they are made once.
inline std::shared_ptr<const dtls::context> client_context() {
  static const auto c = std::make_shared<dtls::context>(dtls::certificate::self_signed());
  return c;
}
inline std::shared_ptr<const dtls::context> server_context() {
  static const auto c = std::make_shared<dtls::context>(dtls::certificate::self_signed());
  return c;
}

inline dtls::handshake_config client_config() {
  return dtls::handshake_config(client_context(), dtls::role::active, {server_context()->own().fingerprint()});
}
inline dtls::handshake_config server_config() {
  return dtls::handshake_config(server_context(), dtls::role::passive, {client_context()->own().fingerprint()});
}

struct network_quality {
  double loss = 0;
  double repeated = 0;
  double reordered = 0;
};

class machine_pair {
 public:
  explicit machine_pair(unsigned seed = 1, network_quality of_network = {}, dtls::handshake_config client_side = client_config(),
                        dtls::handshake_config server_side = server_config())
      : random(seed), quality(of_network), client(client_side), server(server_side) {}

  /// Both start; a client that starts sends.
  void start() {
    server.start(now, out);
    dispatch(false);
    client.start(now, out);
    dispatch(true);
  }

  /// Delivers, and lets time pass from one deadline to the next, until `done()` or nothing is left to happen, or `by`. Yields
  /// done().
  bool run(const std::function<bool()>& done, clock::duration within = std::chrono::seconds(60)) {
    const auto by = now + within;
    while (!done()) {
      auto next = std::min(client.next_deadline(), server.next_deadline());
      if (!in_flight.empty()) next = std::min(next, in_flight.begin()->first);
      if (next == no_deadline || next > by) return false;
      now = std::max(now, next);
      if (!in_flight.empty() && in_flight.begin()->first <= now) {
        auto next_hop = std::move(in_flight.begin()->second);
        in_flight.erase(in_flight.begin());
        deliver(next_hop.to_server, next_hop.bytes);
      } else {
        client.timeout(now, out);
        dispatch(true);
        server.timeout(now, out);
        dispatch(false);
      }
    }
    return true;
  }

  bool handshake() {
    start();
    return run([this] { return established(); });
  }
  bool established() const {
    return client.state() == dtls::machine::status::established && server.state() == dtls::machine::status::established;
  }
  bool over() const { return client.state() == dtls::machine::status::ended && server.state() == dtls::machine::status::ended; }
  void settle() {
    run([this] { return in_flight.empty(); });
  }

  void send(bool from_client, std::string_view payload) {
    (from_client ? client : server).send(text(payload), out);
    dispatch(from_client);
  }
  void close(bool from_client) {
    (from_client ? client : server).close(out);
    dispatch(from_client);
  }
  void deliver(bool to_server, bytes_view bytes) {
    auto& receiver = to_server ? server : client;
    datagram_batch payload;
    if (tap) tap(to_server, bytes);
    receiver.receive(bytes, now, out, payload);
    for (std::size_t i = 0; i < payload.size(); ++i) (to_server ? at_server : at_client).push_back(string(payload[i]));
    dispatch(!to_server);
  }

  /// Puts what the last call sent on the network.
  void dispatch(bool to_server) {
    for (std::size_t i = 0; i < out.size(); ++i) {
      sent.push_back(copy(out[i]));
      if (filter && !filter(to_server, sent.back())) continue;
      if (chance(quality.loss)) continue;
      const int copies = chance(quality.repeated) ? 2 : 1;
      for (int c = 0; c < copies; ++c) {
        const auto delay = std::chrono::milliseconds(chance(quality.reordered) ? 10 + random() % 200 : 10);
        in_flight.emplace(now + delay, hop(to_server, sent.back()));
      }
    }
    out.clear();
  }

  struct hop {
    hop(bool t, datagram b) : to_server(t), bytes(std::move(b)) {}
    bool to_server;
    datagram bytes;
  };

  std::mt19937 random;
  network_quality quality;
  clock::time_point now{std::chrono::hours(1)};
  dtls::machine client;
  dtls::machine server;
  datagram_batch out;
  std::multimap<clock::time_point, hop> in_flight;
  std::vector<datagram> sent;
  std::vector<std::string> at_client;
  std::vector<std::string> at_server;
  std::function<bool(bool to_server, const datagram&)> filter;  ///< false: lost
  std::function<void(bool to_server, bytes_view)> tap;          ///< before each delivery

 private:
  bool chance(double p) { return p > 0 && std::uniform_real_distribution<>()(random) < p; }
};

/// One payload each way over a network that has become good.
inline void require_talking(machine_pair& p) {
  const auto had_client = p.at_client.size();
  const auto had_server = p.at_server.size();
  p.quality = {};
  p.filter = {};
  p.send(true, "to the server");
  p.send(false, "to the client");
  p.settle();
  REQUIRE(p.at_server.size() == had_server + 1);
  REQUIRE(p.at_server.back() == "to the server");
  REQUIRE(p.at_client.size() == had_client + 1);
  REQUIRE(p.at_client.back() == "to the client");
}

}  // namespace agw::test
