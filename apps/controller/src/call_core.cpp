// The core side of a call: the bot, or another MSRP peer, and what it says in SDP.
#include <random>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/until.hpp"
#include "call.hpp"
#include "call_failure.hpp"

namespace agw::controller {

namespace {

std::string random_word(std::size_t size) {
  static constexpr char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += letters[random() % 36];
  return out;
}

std::string host_text(const asio::ip::address& a) { return a.is_v6() ? "[" + a.to_string() + "]" : a.to_string(); }

}  // namespace

std::string_view call::core_protocol() const {
  if (options_.tls) return options_.aware ? "TCP/TLS/MSRP" : "TCP/TLS";
  return options_.aware ? "TCP/MSRP" : "TCP";
}

std::string call::own_wic_path() const { return "msrps://" + host_text(env_.bot_address) + ":9/" + random_word(12) + ";dc"; }

std::string call::core_remote(const asio::ip::address& address, std::uint16_t port, std::string_view setup, std::string_view path,
                              std::string_view fingerprint) const {
  std::string out = "v=0\nc=IN " + std::string(address.is_v6() ? "IP6 " : "IP4 ") + address.to_string() + "\nm=message " +
                    std::to_string(port) + " " + std::string(core_protocol()) + " *\na=setup:" + std::string(setup) +
                    "\na=path:" + std::string(path) + "\n";
  if (!fingerprint.empty()) out += "a=fingerprint:" + std::string(fingerprint) + "\n";
  return out;
}

// Steps 5 to 7, told as the core peer's SDP: it answers with the role that is left to it.
std::string call::answer_of_core_peer(leg& l, task_group& tasks) {
  if (options_.peer) {
    l.bot_path = options_.peer->path;
    return core_remote(options_.peer->address, options_.peer->port, "passive", l.bot_path, options_.peer->fingerprint);
  }
  const bool dial = options_.core_setup == "passive";
  std::uint16_t port = 9;
  if (!dial) {
    auto opened = tcp::listener::open(tasks.get_executor(), env_.bot_address, env_.ports);
    if (!opened) throw call_failure("peer", "the bot has no port: " + opened.error().message());
    l.listener = std::move(*opened);
    port = l.listener->local().port();
  }
  l.bot_path = (options_.tls ? "msrps://" : "msrp://") + host_text(env_.bot_address) + ":" + std::to_string(port) + "/" + random_word(12) + ";tcp";
  l.bot_runs = true;
  tasks.spawn("bot", [this, &l, dial] { return run_bot(l, dial); });
  const auto own = options_.tls && env_.bot_tls ? env_.bot_tls->own_fingerprint() : std::nullopt;
  // Who dials names the discard port (RFC 4145), which a Remote cannot have: the gateway only listens then.
  return core_remote(env_.bot_address, dial ? 9 : port, dial ? "active" : "passive", l.bot_path, own ? own->str() : std::string());
}

// Until the bot has ended, or its leg has left the call.
awaitable<void> call::run_bot(leg& l, bool dial) {
  const scope_guard ended([&] { l.bot_runs = false; });
  auto body = [this, &l, dial](task_group& inner) -> awaitable<void> {
    auto serve = [this, &l, dial]() -> awaitable<void> {
      co_await serve_bot(l, dial);
      l.dropped.set();
    };
    inner.spawn("session", std::move(serve));
    co_await l.dropped.wait();
  };
  co_await with_tasks("bot", std::move(body));
}

awaitable<void> call::serve_bot(leg& l, bool dial) {
  try {
    std::unique_ptr<tcp::stream> connection;
    if (dial) {
      while (l.core_local.empty()) co_await l.core_known.wait();
      const auto to = transport_of(l.core_local);
      boost::system::error_code ec;
      const auto address = asio::ip::make_address(to.address, ec);
      if (ec) throw stage_error("tcp", "address", ec);
      connection = co_await tcp::connect(tcp::endpoint(address, to.port), env_.bot_address);
    } else {
      connection = co_await l.listener->accept(std::nullopt);
    }
    std::unique_ptr<byte_stream> stream;
    if (options_.tls) {
      while (l.core_local.empty()) co_await l.core_known.wait();
      tls::peer_check check;
      check.fingerprints = fingerprints_of(l.core_local);
      check.named = l.core_local.find("a=fingerprint:") != std::string::npos;
      auto handshake = tls::handshake(std::move(connection), env_.bot_tls, dial ? tls::role::client : tls::role::server, std::move(check));
      stream = co_await std::move(handshake);
    } else {
      stream = std::move(connection);
    }
    // In a WIC-terminated call the core peer is there before the WIC has answered.
    while (!options_.aware && l.wic.path.empty()) co_await l.wic_known.wait();
    const std::string peer = options_.aware ? transport_of(l.core_local).path : l.wic.path;
    bot_session session(l.bot_path, peer);
    if (!options_.aware) session.set_limits(l.wic.accept_types, l.wic.max_size);
    session.on_first_message = [this, &l] { finished("msrp", l.stream); };
    co_await session.run(*stream);
    co_await stream->close(deadline_after(std::chrono::seconds(1)));
  } catch (const stage_error& e) {
    log::info("call {}: bot: {}", name_, e.what());
  }
}

}  // namespace agw::controller
