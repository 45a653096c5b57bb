// agw-controller: a small eP-CSCF for demonstration and tests, with the page for the browser and the IMS peer in it.
#include <iostream>
#include <set>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>

#include "agw/control/links.hpp"
#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/http/routes.hpp"
#include "agw/http/server.hpp"
#include "agw/transports/certificate.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "client.hpp"
#include "options.hpp"
#include "web_assets.hpp"

namespace {

using namespace agw;

awaitable<void> wait_for_signal() {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGTERM, SIGINT);
  co_await signals.async_wait(use_awaitable);
}

// A WIC's WebSocket.
class websocket_port final : public controller::message_port {
 public:
  explicit websocket_port(http::websocket& socket) : socket_(socket) {}
  awaitable<std::optional<std::string>> receive() override { return socket_.receive(); }
  void post(std::string text) override { socket_.post(std::move(text)); }

 private:
  http::websocket& socket_;
};

// The HTTP server goes first, and with it every WebSocket's calls, while H.248 still runs to subtract them.
awaitable<void> serve(controller::mgc& control, http::server& http) {
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("h248", [&] { return control.run(); });
    auto web = [&](task_group& web_tasks) -> awaitable<void> {
      web_tasks.spawn("http", [&] { return http.run(); });
      co_await wait_for_signal();
    };
    co_await with_tasks("web", web);
  };
  co_await with_tasks("agw-controller", body);
}

// A certificate of its own, which its SDP names: who talks to the bot checks the fingerprint.
std::shared_ptr<tls::context> bot_certificate() {
  const auto own = dtls::certificate::self_signed();
  auto made = tls::context::make({}, &own);
  if (!made) {
    log::error("the bot's TLS: {}", made.error().message());
    return nullptr;
  }
  return std::move(*made);
}

std::string health(const controller::mgc& control) {
  const bool registered = control.gateways().choose() != nullptr;
  return std::string(R"({"status":"ok","registered":)") + (registered ? "true" : "false") +
         ",\"gateways\":" + std::to_string(control.gateways().all().size()) + "}\n";
}

int run(const controller::controller_options& options) {
  asio::io_context loop(1);
  metrics counted;
  counted.gauge("agw_controller_calls", "Calls that exist.");
  auto& registered = counted.gauge("agw_controller_gateways", "Gateways that are registered.");
  sctp::stack sctp;
  h248::registry_config gateways;
  gateways.audit_interval = options.audit_interval;
  controller::mgc control(loop.get_executor(), h248::endpoint_config(), &counted, std::move(gateways), options.gateways);
  if (!control::add_links(control.control(), options.h248, h248::link_side::controller)) return 1;
  port_pool ports(0, 0);
  controller::client_environment shared{control, options.msrp, ports, bot_certificate(), &counted};
  if (!shared.bot_tls) return 1;

  http::server_config config;
  config.address = asio::ip::tcp::endpoint(options.http.address, options.http.port);
  config.names = options.http_names;
  // A load tool has a WebSocket for each 64 of its calls, from one host.
  config.max_connections = 1024;
  config.max_host_connections = 512;
  config.max_websockets = 768;
  config.max_host_websockets = 384;
  config.websocket.max_queue_bytes = 16u << 20;
  http::server http(loop.get_executor(), config);
  http.assets(controller::web_assets());
  http::add_metrics(http, counted);
  http::add_health(http, [&control] { return health(control); });
  std::set<controller::client*> clients;
  http.websocket("/ws", [&](http::websocket& socket) -> awaitable<void> {
    websocket_port port(socket);
    controller::client one(shared, port);
    clients.insert(&one);
    const scope_guard left([&] { clients.erase(&one); });
    co_await one.run();
  });
  control.on_gateway = [&] {
    registered.Set(static_cast<double>(control.gateways().all().size()));
    for (auto* c : clients) c->tell_gateway();
  };
  control.on_traced = [&](const controller::traced_message& m) {
    for (auto* c : clients) c->tell_traced(m);
  };
  const auto listening = http.listen();
  if (!listening) {
    log::error("HTTP on {}: {}", options.http.str(), listening.error().message());
    return 1;
  }
  std::cout << "agw-controller: http://" << *listening << "/" << std::endl;

  int code = 0;
  asio::co_spawn(loop, serve(control, http), [&](std::exception_ptr e) {
    if (e && !is_cancellation(e)) {
      log::error("{}", describe(e));
      code = 1;
    }
  });
  loop.run();
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  controller::controller_options options;
  if (auto exit = controller::parse(options, argc, argv)) return finish(*exit);
  log::configure(options.log_level);
  return run(options);
}
