// Session endpoints for the tests, whose events read as words.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/msrp/session.hpp"
#include "unit/msrp/sample.hpp"

namespace agw::msrp::test {

using namespace std::chrono_literals;

inline constexpr auto t0 = clock::time_point(1h);

inline session_config config_of(std::string_view own, std::string_view peer) {
  session_config config;
  config.own_path = own;
  config.peer_path = peer;
  return config;
}

// A session, and everything that it said, one word per event: "start ID", "data ID 0+5", "done ID 5", "aborted ID 5", ...
struct endpoint {
  explicit endpoint(session_config config) : s(std::move(config)) {}

  void feed(std::string_view text) {
    const std::vector<char> copy(text.begin(), text.end());
    bytes_view in = as_bytes(std::string_view(copy.data(), copy.size()));
    for (;;) {
      const auto event = s.receive(in);
      if (!event) {
        error = event.error();
        return;
      }
      if (std::holds_alternative<need_more>(*event)) return;
      std::visit([this](const auto& e) { note(e); }, *event);
    }
  }
  void note(const need_more&) {}
  void note(const message_started& e) { log.push_back("start " + std::string(e.id) + " " + std::string(e.header->content_type)); }
  void note(const message_data& e) {
    auto& body = bodies[std::string(e.id)];
    if (body.size() < e.offset + e.bytes.size()) body.resize(e.offset + e.bytes.size());
    body.replace(e.offset, e.bytes.size(), as_text(e.bytes));
  }
  void note(const message_done& e) {
    log.push_back((e.complete ? "done " : "aborted ") + std::string(e.id) + " " + std::to_string(e.size));
  }
  void note(const message_accepted& e) { log.push_back("accepted " + std::string(e.id)); }
  void note(const message_failed& e) { log.push_back("failed " + std::string(e.id) + " " + std::to_string(e.status)); }
  void note(const report_received& e) {
    log.push_back("report " + std::string(e.id) + " " + std::to_string(e.status) + " " + (e.range ? to_string(*e.range) : ""));
  }
  std::string output(clock::time_point now = t0) {
    std::string all;
    while (auto one = s.take_output(now)) all += *one;
    return all;
  }
  std::string send(std::string_view body, outgoing_message head = {}) {
    const auto id = s.begin(std::move(head)).value();
    REQUIRE(s.write(id, as_bytes(body), true).value().ended);
    return id;
  }

  session s;
  std::vector<std::string> log;
  std::map<std::string, std::string> bodies;
  boost::system::error_code error;
};

using words = std::vector<std::string>;

// Lets two endpoints talk until both are silent.
inline void exchange(endpoint& a, endpoint& b, clock::time_point now = t0) {
  for (;;) {
    auto from_a = a.s.take_output(now);
    if (from_a) b.feed(*from_a);
    auto from_b = b.s.take_output(now);
    if (from_b) a.feed(*from_b);
    if (!from_a && !from_b) return;
  }
}

inline std::string body_of(std::size_t size) {
  std::string out(size, '\0');
  std::uint32_t state = 99;
  for (auto& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return out;
}

inline send_options to_bob() {
  send_options o;
  o.to = bob;
  o.from = alice;
  return o;
}

}  // namespace agw::msrp::test
