// Hostile input into every layer of a living call: datagrams on the WIC's path, SCTP packets and messages inside its own DTLS, octets on the core's TCP.
// What is not the peer's own does no harm; what is may end its association or its channel, and nothing else. Run under ASan.
#include <random>

#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include "call.hpp"
#include "sctp/crc32c.hpp"

using namespace agw;
using namespace agw::gateway;
using namespace agw::gateway::test;

namespace {

class mutator {
 public:
  explicit mutator(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t end) { return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_); }

  std::vector<std::byte> noise(std::size_t size) {
    std::vector<std::byte> out(size);
    for (auto& octet : out) octet = static_cast<std::byte>(below(256));
    return out;
  }
  /// Octets changed, cut off, put in or sent twice.
  std::vector<std::byte> twisted(std::vector<std::byte> out, std::size_t from = 0) {
    for (auto changes = 1 + below(4); changes-- > 0 && out.size() > from + 1;) {
      const auto at = from + below(out.size() - from);
      switch (below(4)) {
        case 0: out[at] = static_cast<std::byte>(below(256)); break;
        case 1: out.resize(at); break;
        case 2: out.insert(out.begin() + static_cast<std::ptrdiff_t>(at), 4, static_cast<std::byte>(below(256))); break;
        case 3: out[at] ^= static_cast<std::byte>(1u << below(8)); break;
      }
    }
    return out;
  }

 private:
  std::mt19937 random_;
};

std::vector<std::byte> octets_of(std::string_view text) {
  const auto* const data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

/// A whole call in `gateway`, up to the open channel: that the gateway lives.
awaitable<void> another_call(rig& r, termination_id core, termination_id access) {
  context gateway(r.services, r.loop.get_executor(), context_id{8}, [](gateway_event) {});
  auto listens = listening(r);
  auto core_wanted = with_stream(core, s2, bearer_change(setup_role::active, listens.local_endpoint().port()));
  const auto core_answer = co_await gateway.apply(std::move(core_wanted));
  REQUIRE(core_answer.has_value());
  wic browser(r);
  auto wanted = browser.call({4});
  wanted.id = access;
  const auto answer = co_await gateway.apply(std::move(wanted));
  REQUIRE(answer.has_value());
  auto peer = co_await listens.async_accept(use_awaitable);
  auto body = [&](task_group& tasks) -> awaitable<void> {
    co_await browser.establish(tasks, association_of(*answer));
    auto channel = co_await browser.association->open_channel(4, "", "msrp");
    const auto said = msrp_send("alive", "still here");
    const auto bytes = std::as_bytes(std::span(said.data(), said.size()));
    co_await channel->send(bytes);
    std::string heard;
    co_await asio::async_read_until(peer, asio::dynamic_buffer(heard), "-------alive$\r\n", use_awaitable);
    CHECK(heard == said);
    channel.reset();
    browser.association.reset();
  };
  co_await with_tasks("wic", body);
  co_await gateway.close();
}

}  // namespace

TEST_CASE("datagrams on the WIC's own path that are not its own do a living call no harm", "[injection]") {
  const auto seed = GENERATE(range(1u, 9u));
  CAPTURE(seed);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r, seed % 2 == 0);
    mutator m(seed);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      for (int round = 0; round < 20; ++round) {
        datagram_batch hostile;
        for (int i = 0; i < 20; ++i) {
          auto one = m.noise(1 + m.below(1400));
          constexpr std::array firsts{0x00, 0x01, 0x14, 0x15, 0x16, 0x17, 0x19, 0x1a, 0x40, 0x80};
          one[0] = static_cast<std::byte>(firsts[m.below(firsts.size())]);
          if (one.size() > 13 && m.below(2) == 0) {  // a record of DTLS 1.2, of any epoch
            one[1] = std::byte{0xfe};
            one[2] = std::byte{0xfd};
            one[3] = std::byte{};
            one[4] = static_cast<std::byte>(m.below(3));
            one[11] = static_cast<std::byte>((one.size() - 13) >> 8);
            one[12] = static_cast<std::byte>(one.size() - 13);
          }
          hostile.push(one);
        }
        c.browser.path->send(hostile);
        co_await c.passes_to_core("round" + std::to_string(round), "unharmed");
        for (const auto& e : r.events) REQUIRE(e.what != gateway_event::kind::failed);
      }
    });
  });
}

TEST_CASE("whatever an authenticated WIC sends as SCTP, at most its own call ends", "[injection]") {
  const auto seed = GENERATE(range(1u, 17u));
  CAPTURE(seed);
  rig r;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    mutator m(seed);
    auto twist = [&m](const datagram_batch& batch) {
      datagram_batch out;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        out.push(batch[i]);
        if (m.below(3) != 0) continue;
        auto hostile = m.twisted({batch[i].begin(), batch[i].end()}, 12);
        if (hostile.size() >= 16) sctp::seal_checksum(hostile);
        out.push(hostile);
      }
      return out;
    };
    try {
      co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
        c.browser.twist = twist;
        auto talk = [&]() -> awaitable<void> {
          for (int i = 0; i < 60; ++i) {
            co_await c.say(msrp_send("m" + std::to_string(i), std::string(1 + m.below(3000), 'x')));
            co_await settle();
          }
        };
        (void)co_await within(deadline_after(2s), talk());
      });
    } catch (const stage_error&) {  // its own doing
    }
    co_await another_call(r, termination_id{11}, termination_id{12});
  });
}

TEST_CASE("whatever comes through a channel or from the core, at most that stream ends", "[injection]") {
  const auto seed = GENERATE(range(1u, 17u));
  const bool from_core = GENERATE(true, false);
  CAPTURE(seed, from_core);
  rig r;
  r.services.config.flush_time = 100ms;
  r.run([&](context& gateway) -> awaitable<void> {
    call c(r);
    mutator m(seed);
    co_await c.run(gateway, [&](task_group&) -> awaitable<void> {
      auto talk = [&]() -> awaitable<void> {
        for (int i = 0; i < 40; ++i) {
          auto said = octets_of(msrp_send("m" + std::to_string(i), std::string(1 + m.below(3000), 'x')));
          if (m.below(2) == 0) said = m.twisted(std::move(said));
          if (said.empty()) continue;
          if (from_core) {
            error_code gone;
            co_await asio::async_write(c.core, asio::buffer(said), asio::redirect_error(use_awaitable, gone));
          } else {
            co_await c.channel->send(said);
          }
          co_await settle();
        }
      };
      try {
        (void)co_await within(deadline_after(1s), talk());
      } catch (const stage_error&) {
      }
      CHECK_FALSE(r.saw("sctp", gateway_event::kind::failed, s1));
    });
    co_await another_call(r, termination_id{11}, termination_id{12});
  });
}
