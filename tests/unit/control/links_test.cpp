#include <catch2/catch.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/ip/udp.hpp>

#include "agw/control/addresses.hpp"
#include "agw/control/links.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "support/loop.hpp"

using namespace agw;
using h248::transport;

namespace {

const auto loopback = asio::ip::make_address("127.0.0.1");

h248::list<h248::action> audit() {
  h248::list<h248::action> out;
  auto& c = out.emplace_back().commands.emplace_back();
  c.kind = h248::command_kind::audit_value;
  c.terminations.push_back(h248::termination_id::root());
  c.add(h248::audit_descriptor{});
  return out;
}

h248::endpoint_config named(const char* name) {
  h248::endpoint_config config;
  config.mid = h248::mid_name::parse(name).value();
  return config;
}

}  // namespace

TEST_CASE("an endpoint with a link for each transport reaches a controller over each of them") {
  sctp::stack stack;
  test::run([]() -> awaitable<void> {
    auto executor = co_await asio::this_coro::executor;
    h248::endpoint mgc(executor, named("mgc"));
    const std::vector<h248::peer_address> theirs{
        {transport::udp, loopback, 0}, {transport::tcp, loopback, 0}, {transport::sctp_over_udp, loopback, 0}};
    REQUIRE(control::add_links(mgc, theirs, h248::link_side::controller));
    std::vector<transport> heard;
    mgc.on_request([&](const h248::incoming_request& request, h248::outgoing_reply& reply) -> awaitable<void> {
      heard.push_back(request.from().via);
      auto& c = reply.actions().emplace_back().commands.emplace_back();
      c.kind = request->actions.front().commands.front().kind;
      c.terminations.push_back(h248::termination_id::root());
      co_return;
    });
    h248::endpoint mg(executor, named("mg"));
    const std::vector<h248::peer_name> mgcs{
        {transport::sctp_over_udp, "127.0.0.1", 1}, {transport::tcp, "127.0.0.1", 1}, {transport::udp, "127.0.0.1", 1}};
    const auto ours = control::own_ends({transport::udp, loopback, 0}, mgcs);
    REQUIRE(ours.size() == 3);
    REQUIRE(control::add_links(mg, ours, h248::link_side::gateway));
    auto body = [&](task_group& group) -> awaitable<void> {
      group.spawn("mgc", [&]() -> awaitable<void> { co_await mgc.run(); });
      group.spawn("mg", [&]() -> awaitable<void> { co_await mg.run(); });
      for (const auto via : {transport::udp, transport::tcp, transport::sctp_over_udp}) {
        const auto to = mgc.local(via).value();
        REQUIRE(to.via == via);
        REQUIRE(to.port != 0);
        auto actions = audit();
        const auto reply = co_await mg.request(to, std::move(actions));
        REQUIRE(reply.has_value());
        REQUIRE(reply->error() == nullptr);
        REQUIRE(heard.back() == via);
      }
      REQUIRE(heard.size() == 3);
    };
    co_await with_tasks("test", std::move(body));
  });
}

TEST_CASE("a link that cannot be opened is told of, and the endpoint does without") {
  asio::io_context loop;
  const udp_socket taken(loop, asio::ip::udp::endpoint(loopback, 0));
  h248::endpoint control(loop.get_executor(), named("mg"));
  const std::vector<h248::peer_address> busy{{transport::udp, loopback, taken.local_endpoint().port()}};
  REQUIRE_FALSE(control::add_links(control, busy, h248::link_side::gateway));
  REQUIRE(control.local(transport::udp).error() == h248::make_error_code(h248::errc::no_link));
  // The kernel's SCTP is there or it is not; nothing in between.
  const std::vector<h248::peer_address> kernel{{transport::sctp, loopback, 0}};
  const int probe = ::socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP);
  if (probe >= 0) ::close(probe);
  REQUIRE(control::add_links(control, kernel, h248::link_side::gateway) == (probe >= 0));
}

TEST_CASE("addresses are written as they are read") {
  for (const auto* text : {"127.0.0.1:2944", "tcp:127.0.0.1:2944", "tcp:[::1]:0", "[::1]:1", "sctp:[::1]:2944", "sctp+udp:127.0.0.1:9899"}) {
    CAPTURE(text);
    config_value v;
    v.data = std::string(text);
    const auto kind = control::listen_address();
    const auto value = kind.read(v);
    REQUIRE(value);
    REQUIRE(kind.write(*value) == "\"" + std::string(text) + "\"");
  }
  for (const auto* text : {"", "tcp", "tcp:", "tcp:2944", "tcp:127.0.0.1", "sctps:127.0.0.1:1", "tcp:tcp:127.0.0.1:1", "udp:::1:5", "tcp:here:1"}) {
    CAPTURE(text);
    config_value v;
    v.data = std::string(text);
    REQUIRE_FALSE(control::listen_address().read(v));
  }
}
