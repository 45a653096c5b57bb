// What the tests of a full agent over TCP share: a tunnel that carries another agent's datagrams in frames, and a peer by hand.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "agw/core/sockets.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/ice_stage.hpp"
#include "ice/framing.hpp"
#include "ice_client.hpp"
#include "ice_frames.hpp"
#include "support/loop.hpp"

namespace agw::test::full_tcp {

using namespace std::chrono_literals;

inline const asio::ip::address v4 = asio::ip::address_v4::loopback();

inline ice::config full(bool controlling = false, bool tcp = true, const asio::ip::address& address = v4) {
  ice::config c;
  c.mode = ice::agent_mode::full;
  c.local_address = address;
  c.controlling = controlling;
  c.tcp = tcp;
  return c;
}

inline std::string udp_candidate(const udp::endpoint& address) {
  ice::candidate c;
  c.foundation = "1";
  c.priority = ice::candidate_priority(ice::candidate_type::host, 65535);
  c.address = address;
  return ice::format_candidate(c);
}

inline tcp_socket dial(loop_executor executor, const ice::endpoint& to) {
  tcp_socket s(executor);
  s.connect(asio::ip::tcp::endpoint(to.local().address.address(), tcp_port(to.local())));
  return s;
}

inline udp::endpoint address_of(const tcp_socket& s) { return {s.local_endpoint().address(), s.local_endpoint().port()}; }

// What its UDP socket takes from an agent goes to the gateway in frames, and back.
struct tunnel {
  tunnel(loop_executor executor, port_pool& ports, const ice::endpoint& to)
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
        co_await asio::async_write(outer, asio::buffer(frames), use_awaitable);
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
  tcp_socket outer;
  udp::endpoint inside;
  unsigned frames_in = 0;
};

inline awaitable<void> exchange(datagram_pipe& from, datagram_pipe& to, unsigned number) {
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

/// Sends a check and waits for its success. Yields the address that this says.
inline awaitable<udp::endpoint> checked(tcp_socket& s, peer& p) {
  const auto check = p.check();
  send(s, check);
  udp::endpoint mapped;
  for (;;) {
    const auto got = co_await receive(s);
    if (p.client.read_answer(got, &mapped) == 0) co_return mapped;
  }
}

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

}  // namespace agw::test::full_tcp
