// A gateway context on a loop of its own, with the peers around it: a WIC on plain UDP with DTLS and SCTP, and a TCP peer.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <catch2/catch.hpp>

#include "agw/core/until.hpp"
#include "agw/gateway/context.hpp"
#include "agw/gateway/stages.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/ice_stage.hpp"
#include "agw/transports/sctp_association.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "support/loop.hpp"

namespace agw::gateway::test {

using namespace std::chrono_literals;

inline const ip_address loopback = asio::ip::address_v4::loopback();
inline constexpr termination_id access_side{1};
inline constexpr termination_id core_side{2};
inline constexpr stream_number s1{1};
inline constexpr stream_number s2{2};
inline constexpr stream_number s3{3};

inline std::shared_ptr<const dtls::context> gateway_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}
inline std::shared_ptr<const dtls::context> wic_identity() {
  static const auto made = std::make_shared<const dtls::context>(dtls::certificate::self_signed());
  return made;
}

/// Everything runs inside run(); the context is closed behind the body.
struct rig {
  rig() {
    services.stages.deadlines = {{"ice", 20s}, {"dtls", 20s}, {"sctp", 20s}, {"channel", 20s}, {"tcp", 20s}, {"tls", 20s}};
    services.ports = &ports;
    services.dtls = gateway_identity();
    services.config.flush_time = 20s;  // tests that end by it set their own
    services.config.accept_patience = 20s;
    add_builtin_stages(services.subprotocols);
  }

  template <class F>
  void run(F body) {
    agw::test::run(loop, [&]() -> awaitable<void> {
      auto sink = [this](gateway_event e) {
        events.push_back(std::move(e));
        changed.set();
      };
      context gateway(services, loop.get_executor(), context_id{7}, sink);
      std::exception_ptr error;
      try {
        co_await body(gateway);
      } catch (...) {
        error = std::current_exception();
      }
      co_await gateway.close();
      if (error) std::rethrow_exception(error);
    });
  }

  /// Waits until an event of that stage came; what it said.
  awaitable<gateway_event> event_of(std::string stage, gateway_event::kind what, stream_number stream = s2) {
    for (;;) {
      for (const auto& e : events) {
        if (e.stage == stage && e.what == what && e.stream == stream) co_return e;
      }
      co_await until(deadline_after(30s), changed.wait());
    }
  }
  /// Waits until as many of these have come.
  awaitable<void> events_of(std::string stage, gateway_event::kind what, std::size_t count, stream_number stream = s2) {
    while (this->count(stage, what, stream) < count) co_await until(deadline_after(30s), changed.wait());
  }
  std::size_t count(std::string_view stage, gateway_event::kind what, stream_number stream = s2) const {
    std::size_t out = 0;
    for (const auto& e : events) out += e.stage == stage && e.what == what && e.stream == stream;
    return out;
  }
  bool saw(std::string_view stage, gateway_event::kind what, stream_number stream = s2) const {
    for (const auto& e : events) {
      if (e.stage == stage && e.what == what && e.stream == stream) return true;
    }
    return false;
  }

  asio::io_context loop{1};
  sctp::stack stack;
  port_pool ports{0, 0};
  gateway_services services;
  std::vector<gateway_event> events;
  event changed;
};

/// Lets everything that is ready run: several turns of the loop.
inline awaitable<void> settle() {
  for (int i = 0; i < 50; ++i) co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
}

inline termination_change change_of(termination_id id) {
  termination_change out;
  out.id = id;
  out.name = id == access_side ? "ip/1/access/1" : "ip/1/core/1";
  out.addresses = loopback;
  return out;
}

inline stream_change bearer_change(setup_role setup, std::optional<std::uint16_t> remote_port = {},
                                   std::optional<setup_role> theirs = {}) {
  stream_change out;
  bearer_local local;
  local.setup = setup;
  out.local = local;
  out.mode = stream_mode::send_receive;
  if (remote_port) {
    bearer_remote remote;
    remote.address = loopback;
    remote.port = *remote_port;
    remote.setup = theirs;
    out.remote = remote;
  }
  return out;
}

inline stream_change channel_change(std::uint16_t sid) {
  stream_change out;
  channel_local local;
  local.sid = sid;
  local.subprotocol = "msrp";
  out.local = local;
  out.remote = channel_remote();
  out.mode = stream_mode::send_receive;
  return out;
}

inline termination_change with_stream(termination_id id, stream_number n, stream_change wanted) {
  auto out = change_of(id);
  out.streams.emplace(n, std::move(wanted));
  return out;
}

/// Of the component stream on that side.
inline awaitable<void> set_mode(context& gateway, termination_id side, stream_mode mode) {
  stream_change wanted;
  wanted.mode = mode;
  auto change = with_stream(side, s2, std::move(wanted));
  (void)co_await gateway.apply(std::move(change));
}

using packet_twist = std::function<datagram_batch(const datagram_batch&)>;

/// Passes what is received to an observer first, and what is sent through `twist`, if there is one.
class tapped_pipe final : public datagram_pipe {
 public:
  tapped_pipe(datagram_pipe& lower, std::function<void(bytes_view)>& tap, packet_twist& twist) : lower_(lower), tap_(tap), twist_(twist) {}
  awaitable<void> receive(datagram_batch& into) override {
    const auto before = into.size();
    co_await lower_.receive(into);
    for (std::size_t i = before; tap_ && i < into.size(); ++i) tap_(std::as_const(into)[i]);
  }
  void send(const datagram_batch& batch) override {
    if (twist_) lower_.send(twist_(batch));
    else lower_.send(batch);
  }
  std::size_t max_datagram_bytes() const noexcept override { return lower_.max_datagram_bytes(); }

 private:
  datagram_pipe& lower_;
  std::function<void(bytes_view)>& tap_;
  packet_twist& twist_;
};

/// A browser's side without the browser: an association over plain UDP, or with full ICE.
class wic {
 public:
  explicit wic(rig& r, bool with_ice = false, std::shared_ptr<const dtls::context> own = wic_identity()) : identity(std::move(own)) {
    ice::config settings;
    settings.local_address = loopback;
    settings.use_ice = with_ice;
    settings.mode = ice::agent_mode::full;
    settings.controlling = true;
    endpoint = *ice::reserve(r.loop.get_executor(), settings, r.ports);
  }

  /// What the controller tells the gateway of us: streams 1 (the association) and the channels of `sids` from stream 2 on.
  termination_change call(std::vector<std::uint16_t> sids) const {
    auto out = change_of(access_side);
    stream_change deaggregation;
    association_local local;
    local.ice = !endpoint->local().credentials.ufrag.empty();
    local.sctp_port = 5000;
    local.setup = setup_role::passive;
    deaggregation.local = local;
    deaggregation.remote = remote();
    out.streams.emplace(s1, std::move(deaggregation));
    stream_group_config group;
    group.deaggregation = s1;
    std::uint16_t n = 2;
    for (const auto sid : sids) {
      out.streams.emplace(stream_number{n}, channel_change(sid));
      group.components.push_back(stream_number{n++});
    }
    out.groups = std::vector<stream_group_config>{group};
    return out;
  }

  association_remote remote() const {
    association_remote out;
    const auto& own = endpoint->local();
    out.address = loopback;
    out.port = own.address.port();
    out.ice_ufrag = own.credentials.ufrag;
    out.ice_pwd = own.credentials.pwd;
    out.candidates = own.candidates;
    out.fingerprints = {identity->own().fingerprint().str()};
    out.setup = setup_role::active;
    out.sctp_port = 5001;
    return out;
  }

  /// The layers, up to the association. `tasks` runs them.
  awaitable<void> establish(task_group& tasks, const association_answer& gateway) {
    co_await secure(tasks, gateway);
    co_await associate(tasks);
  }
  awaitable<void> establish(task_group& tasks, std::uint16_t gateway_port) {
    co_await secure(tasks, gateway_port);
    co_await associate(tasks);
  }
  awaitable<void> secure(task_group& tasks, std::uint16_t gateway_port) {
    association_answer plain;
    plain.port = gateway_port;
    co_await secure(tasks, plain);
  }
  awaitable<void> secure(task_group& tasks, const association_answer& gateway) {
    ice::remote_parameters there;
    there.address.emplace(loopback, gateway.port);
    there.credentials.ufrag = gateway.ice_ufrag;
    there.credentials.pwd = gateway.ice_pwd;
    there.candidates = gateway.candidates;
    there.lite = gateway.ice_lite;
    auto connecting = ice::connect(tasks, *endpoint, std::move(there));
    path = co_await std::move(connecting);
    dtls::handshake_config as_client(identity, dtls::role::active, {gateway_identity()->own().fingerprint()});
    auto shaking = dtls::handshake(*path, as_client);
    session = co_await std::move(shaking);
    tapped = std::make_unique<tapped_pipe>(*session, tap, twist);
  }
  awaitable<void> associate(task_group& tasks) {
    auto options = sctp_options;
    options.local_port = 5001;
    options.remote_port = 5000;
    options.dtls_client = true;
    auto opening = sctp::open(tasks, *tapped, options);
    association = co_await std::move(opening);
  }

  std::shared_ptr<const dtls::context> identity;
  sctp::config sctp_options;            ///< but for the ports
  std::function<void(bytes_view)> tap;  ///< sees every SCTP packet from the gateway
  packet_twist twist;                   ///< makes of the SCTP packets to the gateway what is sent
  std::unique_ptr<ice::endpoint> endpoint;
  std::unique_ptr<datagram_pipe> path;
  std::unique_ptr<dtls::session> session;
  std::unique_ptr<tapped_pipe> tapped;
  std::unique_ptr<sctp::association> association;
};

/// A port that listens on loopback, for an active bearer.
inline asio::ip::tcp::acceptor listening(rig& r) {
  return asio::ip::tcp::acceptor(r.loop, asio::ip::tcp::endpoint(loopback, 0));
}
/// Dials a port of the gateway.
inline awaitable<asio::ip::tcp::socket> dial(rig& r, std::uint16_t port, std::string from = "127.0.0.1") {
  asio::ip::tcp::socket s(r.loop, asio::ip::tcp::v4());
  s.bind(asio::ip::tcp::endpoint(asio::ip::make_address(from), 0));
  error_code reset;  // a gateway that wants no connection from here may be faster than we
  co_await s.async_connect(asio::ip::tcp::endpoint(loopback, port), asio::redirect_error(asio::use_awaitable, reset));
  co_return s;
}

inline bearer_answer bearer_of(const termination_answer& a, stream_number n = s2) { return std::get<bearer_answer>(a.streams.at(n)); }
inline association_answer association_of(const termination_answer& a) { return std::get<association_answer>(a.streams.at(s1)); }

inline std::string msrp_send(std::string_view id, std::string_view text) {
  return "MSRP " + std::string(id) + " SEND\r\nTo-Path: msrp://127.0.0.1:1/a;tcp\r\nFrom-Path: msrp://127.0.0.1:2/b;tcp\r\n" +
         "Message-ID: " + std::string(id) + "\r\nByte-Range: 1-" + std::to_string(text.size()) + "/" + std::to_string(text.size()) +
         "\r\nContent-Type: text/plain\r\n\r\n" + std::string(text) + "\r\n-------" + std::string(id) + "$\r\n";
}

inline std::string read_all(const std::vector<message>& messages) {
  std::string out;
  for (const auto& m : messages) out.append(reinterpret_cast<const char*>(m.bytes.data()), m.bytes.size());
  return out;
}

}  // namespace agw::gateway::test
