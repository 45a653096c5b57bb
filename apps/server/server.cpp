#include "server.hpp"

#include <boost/asio/signal_set.hpp>

#include "agw/control/addresses.hpp"
#include "agw/control/links.hpp"
#include "agw/core/event.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/shard.hpp"
#include "agw/examples/stages.hpp"
#include "agw/gateway/stages.hpp"
#include "agw/h248/packages.hpp"
#include "agw/http/server.hpp"
#include "agw/iq/media_gateway.hpp"
#include "agw/transports/certificate.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "agw/version.hpp"

namespace agw::server {

namespace {

void add_routes(http::server& http, metrics& counted, const h248::registration& registration) {
  http.route("/metrics", [&counted](http::request) -> awaitable<http::response> {
    http::response out;
    out.content_type = "text/plain; version=0.0.4; charset=utf-8";
    out.body = counted.expose();
    co_return out;
  });
  http.route("/healthz", [&registration](http::request) -> awaitable<http::response> {
    const bool registered = registration.state() == h248::registration_state::registered;
    http::response out;
    out.content_type = "application/json";
    out.body = std::string(R"({"status":"ok","registered":)") + (registered ? "true" : "false") + "}\n";
    co_return out;
  });
}

// Some WICs (Pion) offer use_srtp for data channels as well and end the handshake when it is not answered.
constexpr const char* srtp_profiles = "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80";

bool load_keys(gateway::gateway_services& services, const server_options& options) {
  if (options.dtls_certificate.empty()) {
    services.dtls = std::make_shared<const dtls::context>(dtls::certificate::self_signed(), srtp_profiles);
  } else {
    auto own = dtls::certificate::load(options.dtls_certificate, options.dtls_key);
    if (!own) {
      log::error("{}, {}: {}", options.dtls_certificate, options.dtls_key, own.error().message());
      return false;
    }
    services.dtls = std::make_shared<const dtls::context>(std::move(*own), srtp_profiles);
  }
  auto tls = tls::context::make(options.tls, &services.dtls->own());
  if (!tls) {
    log::error("TLS towards the core: {}", tls.error().message());
    return false;
  }
  services.tls = std::move(*tls);
  return true;
}

awaitable<void> wait_for_signal() {
  asio::signal_set signals(co_await asio::this_coro::executor, SIGTERM, SIGINT);
  const int number = co_await signals.async_wait(asio::use_awaitable);
  log::info("signal {}: ending", number);
}

// No new calls; ends when the last one has, at the end of the delay, or with a second signal.
awaitable<void> drain(h248::registration& registration, iq::media_gateway& gateway, clock::duration delay) {
  const auto by = delay > clock::duration{} ? deadline_after(delay) : no_deadline;
  event end;
  gateway.drain();
  log::info("{} contexts to drain", gateway.contexts());
  auto body = [&](task_group& tasks) -> awaitable<void> {
    // The MGC is told beside it: one that does not answer holds nobody up.
    auto tell = [&]() -> awaitable<void> {
      const auto seconds = std::chrono::ceil<std::chrono::seconds>(delay).count();
      const bool told = co_await registration.graceful(static_cast<std::uint32_t>(seconds));
      if (!told) log::warn("h248: the MGC was not told that we are going");
    };
    tasks.spawn("tell", std::move(tell));
    auto emptied = [&]() -> awaitable<void> {
      const bool none = co_await gateway.empty(by);
      if (!none) log::info("the delay is over: {} contexts are left, and end now", gateway.contexts());
      end.set();
    };
    tasks.spawn("emptied", std::move(emptied));
    auto hurried = [&]() -> awaitable<void> {
      co_await wait_for_signal();
      end.set();
    };
    tasks.spawn("hurried", std::move(hurried));
    co_await end.wait();
  };
  co_await with_tasks("drain", std::move(body));
}

// From here the order of an orderly end is visible: contexts, then the word to the MGC, then the tasks.
awaitable<void> serve(h248::endpoint& control, h248::registration& registration, iq::media_gateway& gateway, http::server& http,
                      const server_options& options) {
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("h248", [&] { return control.run(); });
    tasks.spawn("http", [&] { return http.run(); });
    auto registering = [&](task_group& registration_tasks) -> awaitable<void> {
      registration_tasks.spawn("registration", [&] { return registration.run(); });
      registration_tasks.spawn("gateway", [&] { return gateway.run(); });
      co_await wait_for_signal();
      if (options.shutdown_graceful) co_await drain(registration, gateway, options.shutdown_delay);
      co_await gateway.close();
      co_await registration.leave(deadline_after(std::chrono::seconds(2)));
    };
    co_await with_tasks("registration", registering);
  };
  co_await with_tasks("agw-server", body);
}

}  // namespace

int run(const server_options& options) {
  metrics counted;
  counted.gauge("agw_contexts", "Contexts that exist.");
  counted.gauge("agw_terminations", "Terminations that exist.");
  sctp::stack sctp;
  port_pool ports(options.ports.low, options.ports.high);
  gateway::gateway_services services;
  services.config = options.gateway;
  services.stages.metrics = &counted;
  services.stages.deadlines = options.deadlines;
  services.ports = &ports;
  if (!load_keys(services, options)) return 1;
  gateway::msrp_options stage_options;
  stage_options.match = options.gateway.msrp_match;
  gateway::add_builtin_stages(services.subprotocols, std::move(stage_options));
  examples::add_stages(services.subprotocols);

  asio::io_context loop(1);
  h248::endpoint control(loop.get_executor(), options.control, &counted);
  const auto ends = control::own_ends(options.h248, options.registration.mgcs);
  if (!control::add_links(control, ends, h248::link_side::gateway)) return 1;
  h248::registration registration(control, options.registration);
  shard_pool shards(options.shards());
  const h248::package_names names(options.names);
  iq::media_gateway gateway(options.iq, services, shards, control, registration, names);
  control.on_request([&gateway](const h248::incoming_request& request, h248::outgoing_reply& reply) { return gateway.execute(request, reply); });

  http::server_config http_config;
  http_config.address = options.http;
  http::server http(loop.get_executor(), http_config);
  add_routes(http, counted, registration);
  const auto listening = http.listen();
  if (!listening) {
    log::error("HTTP on {}:{}: {}", options.http.address().to_string(), options.http.port(), listening.error().message());
    return 1;
  }
  const auto bound = control.local(ends.front().via);
  log::info("agw-server {}: H.248 on {}, HTTP on {}:{}, {} shard(s)", version, bound ? h248::to_text(*bound) : "?",
            listening->address().to_string(), listening->port(), shards.size());

  int code = 0;
  asio::co_spawn(loop, serve(control, registration, gateway, http, options), [&](std::exception_ptr e) {
    if (e && !is_cancellation(e)) {
      log::error("{}", describe(e));
      code = 1;
    }
  });
  loop.run();
  shards.stop();
  return code;
}

}  // namespace agw::server
