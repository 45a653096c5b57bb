// A peer that begins anew in a living call: another agent at another address, with other credentials, and with it another DTLS and another SCTP
// association, over the socket that its call has had from the beginning.
#include <catch2/catch.hpp>

#include "agw/core/until.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/ice_stage.hpp"
#include "agw/transports/sctp_association.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "support/ice_told.hpp"
#include "support/loop.hpp"

using namespace agw;
using namespace std::chrono_literals;
using test::told;

namespace {

using identity = std::shared_ptr<const dtls::context>;

identity new_identity() { return std::make_shared<const dtls::context>(dtls::certificate::self_signed()); }

ice::config agent(ice::agent_mode mode, bool controlling) {
  ice::config out;
  out.mode = mode;
  out.local_address = asio::ip::address_v4::loopback();
  out.controlling = controlling;
  return out;
}

/// What one side has above its endpoint.
struct layers {
  std::unique_ptr<datagram_pipe> path;
  std::unique_ptr<dtls::session> session;
  std::unique_ptr<sctp::association> association;
  std::unique_ptr<sctp::data_channel> channel;
};

awaitable<void> come_up(task_group& tasks, layers& out, ice::endpoint& own, ice::remote_parameters there, dtls::handshake_config how) {
  auto connecting = ice::connect(tasks, own, std::move(there));
  out.path = co_await std::move(connecting);
  how.on_authentic = [&own] { own.heard(); };
  auto shaking = dtls::handshake(*out.path, how);
  out.session = co_await std::move(shaking);
  sctp::config options;
  options.dtls_client = how.role == dtls::role::active;
  auto opening = sctp::open(tasks, *out.session, options);
  out.association = co_await std::move(opening);
  out.channel = co_await out.association->open_channel(0);
}

awaitable<void> passes(sctp::data_channel& from, sctp::data_channel& to, std::size_t size) {
  const std::vector<std::byte> sent(size, std::byte{7});
  co_await from.send(sent);
  std::vector<message> got;
  const bool open = co_await to.receive(got);
  REQUIRE(open);
  REQUIRE(got.size() == 1);
  CHECK(got[0].bytes == sent);
}

}  // namespace

TEST_CASE("an agent that begins anew is met at its new address, and DTLS and SCTP come up anew, while the old one still checks") {
  const auto mode = GENERATE(ice::agent_mode::lite, ice::agent_mode::full);
  asio::io_context context(1);
  port_pool ports(0, 0);
  sctp::stack stack;
  const auto ours = new_identity();
  test::run(context, [&]() -> awaitable<void> {
    const auto executor = context.get_executor();
    auto own = *ice::reserve(executor, agent(mode, false), ports);
    const auto socket = own->local().address;
    std::vector<std::unique_ptr<ice::endpoint>> peers;  // all of them go on checking
    for (std::size_t round = 0; round < 3; ++round) {
      const auto before = own->local().credentials.ufrag;
      if (round > 0) {
        REQUIRE_FALSE(own->restart());
        own->begin_anew();
        REQUIRE(own->local().credentials.ufrag != before);
        REQUIRE_FALSE(own->remote_address());
      }
      REQUIRE(own->local().address == socket);
      auto& peer = *peers.emplace_back(*ice::reserve(executor, agent(ice::agent_mode::full, true), ports));
      const auto theirs = new_identity();
      layers here, there;
      auto call = [&](task_group& tasks) -> awaitable<void> {
        const dtls::handshake_config as_server(ours, dtls::role::passive, {theirs->own().fingerprint()});
        const dtls::handshake_config as_client(theirs, dtls::role::active, {ours->own().fingerprint()});
        task_group both(executor, "both");
        both.spawn("here", [&] { return come_up(tasks, here, *own, told(peer), as_server); });
        both.spawn("there", [&] { return come_up(tasks, there, peer, told(*own), as_client); });
        co_await until(deadline_after(30s), both.join());
        CHECK(own->remote_address() == peer.local().address);
        co_await until(deadline_after(30s), passes(*there.channel, *here.channel, 1000 + round));
        co_await until(deadline_after(30s), passes(*here.channel, *there.channel, 2000 + round));
      };
      co_await with_tasks("call", call);
    }
  });
}
