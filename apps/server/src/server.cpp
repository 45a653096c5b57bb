#include "agw/server/server.hpp"

#include <csignal>
#include <cstdio>
#include <deque>
#include <functional>
#include <optional>

#include <boost/asio/co_spawn.hpp>

#include "agw/control/addresses.hpp"
#include "agw/control/links.hpp"
#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/shard.hpp"
#include "agw/gateway/stages.hpp"
#include "agw/h248/packages.hpp"
#include "agw/http/routes.hpp"
#include "agw/http/server.hpp"
#include "agw/iq/media_gateway.hpp"
#include "agw/transports/sctp_stack.hpp"
#include "agw/transports/shared_port.hpp"
#include "agw/transports/tcp.hpp"
#include "certificate_watch.hpp"
#include "clock_watch.hpp"
#include "descriptors.hpp"
#include "keys.hpp"
#include "limits.hpp"
#include "pause.hpp"
#include "reload.hpp"
#include "self_report.hpp"
#include "service_manager.hpp"
#include "shutdown.hpp"
#include "signals.hpp"
#include "start_line.hpp"

namespace agw::server {

namespace {

class running_parts final : public shutdown_parts {
 public:
  running_parts(loop_executor executor, h248::registration& registration, iq::media_gateway& gateway, const service_manager& manager)
      : signals_(std::move(executor), SIGTERM, SIGINT), registration_(registration), gateway_(gateway), manager_(manager) {}
  awaitable<int> signal() override {
    const int number = co_await signals_.next();
    manager_.stopping();
    co_return number;
  }
  void still_draining(clock::duration at_least) override {
    manager_.extend(at_least);
    manager_.status("draining, contexts: " + std::to_string(gateway_.contexts()));
  }
  void drain() override { gateway_.drain(); }
  std::size_t contexts() const override { return gateway_.contexts(); }
  awaitable<bool> empty(deadline by) override { return gateway_.empty(by); }
  awaitable<bool> tell_graceful(std::uint32_t delay_seconds) override { return registration_.graceful(delay_seconds); }
  awaitable<bool> tell_forced(deadline by) override { return registration_.leave(by); }
  awaitable<void> close() override { return gateway_.close(); }

 private:
  signal_sequence signals_;
  h248::registration& registration_;
  iq::media_gateway& gateway_;
  const service_manager& manager_;
};

/// What a new configuration reaches while the gateway runs.
struct reloaded_parts {
  server_options& options;
  keys& certificates;
  gateway::gateway_services& services;
  shard_pool& shards;
  h248::registration& registration;
  iq::media_gateway& gateway;
  std::deque<h248::package_names>& spellings;  ///< all that there were: messages under way refer to them
  metrics& counted;
  certificate_watch& expiry;
};

// False: nothing was taken over, or not all of it.
bool reload(reloaded_parts& parts, int number) {
  auto& now = parts.options;
  if (!now.command_line.empty()) {
    const auto read = read_again(now);
    if (const auto* wrong = std::get_if<std::string>(&read)) {
      log::error("signal {}: configuration and certificates stay as they were: {}", number, *wrong);
      return false;
    }
    const auto change = take_over(now, std::get<server_options>(read));
    if (change.has("log.level")) log::set_level(now.log.level);
    const bool shared = change.has("deadlines") || change.has("limits");
    auto set = [&] {
      parts.services.stages.deadlines = now.deadlines;
      parts.gateway.set_limits(now.iq);
    };
    if (shared) while_shards_stand(parts.shards, set);
    if (change.has("h248.names")) parts.gateway.set_names(parts.spellings.emplace_back(now.names));
    parts.registration.configure(now.registration);
    log::info("signal {}: the configuration was read again: {}", number, change.taken.empty() ? "nothing of it has changed" : list_of(change.taken) + " changed");
    if (!change.restart.empty()) log::warn("signal {}: not taken over: {}: this needs a restart", number, list_of(change.restart));
    for (const auto& remark : remarks(now)) log::warn("{}", remark);
  }
  const bool read = parts.certificates.reload();
  if (read) log::info("signal {}: certificates were read again", number);
  else log::error("signal {}: the certificates stay as they were", number);
  return read;
}

awaitable<void> reload_on_signal(reloaded_parts& parts, const service_manager& manager) {
  signal_sequence signals(co_await asio::this_coro::executor, SIGHUP);
  for (;;) {
    const int number = co_await signals.next();
    manager.reloading();
    tell_reload(parts.counted, reload(parts, number));
    manager.ready();
  }
}

awaitable<void> announce(const service_manager& manager, h248::registration& registration, bool when_registered) {
  if (when_registered) co_await registration.registered(no_deadline);
  manager.ready();
}

// Gauges of what usrsctp counts by itself: after the last call they are 0, or something is left behind.
void sample_sctp(metrics& counted) {
  auto& associations = counted.gauge("agw_sctp_associations", "SCTP associations that exist.");
  auto& established = counted.gauge("agw_sctp_established", "SCTP associations that are established, as usrsctp counts them.");
  counted.sample_with([&associations, &established] {
    const auto now = sctp::stack::counts();
    associations.Set(static_cast<double>(now.associations));
    established.Set(now.established);
  });
}

// Each is read on the loop of its shard.
struct shared_port_readers {
  struct reader {
    shard* home = nullptr;
    ice::shared_port* port = nullptr;
  };
  ice::shared_ports table;
  std::vector<reader> all;
};

error_code open_shared_ports(shared_port_readers& readers, const server_options& options, shard_pool& shards, port_pool& ports) {
  if (!options.shared_port) return {};
  for (std::size_t i = 0; i < shards.size(); ++i) {
    for (const auto& interface : options.iq.interfaces) {
      if (!faces_wics(interface.name)) continue;
      for (const auto& address : interface.addresses.bound) {
        const auto opened = readers.table.open(shards[i].executor(), address, ports);
        if (!opened) return opened.error();
        shared_port_readers::reader r;
        r.home = &shards[i];
        r.port = *opened;
        readers.all.push_back(r);
        log::info("shared port {} for the calls of shard {}", gateway::to_text(address, r.port->local().port()), i);
      }
    }
  }
  return {};
}

// HTTP and H.248 run to the very end: the registration's last word goes through them.
awaitable<void> serve(h248::endpoint& control, http::server& http, reloaded_parts& reloaded, loop_watch& loops, const shared_port_readers& readers,
                      const service_manager& manager) {
  auto& options = reloaded.options;
  auto& certificates = reloaded.certificates;
  auto& shards = reloaded.shards;
  auto& registration = reloaded.registration;
  auto& gateway = reloaded.gateway;
  auto& counted = reloaded.counted;
  running_parts parts(co_await asio::this_coro::executor, registration, gateway, manager);
  std::function<shutdown_config()> ending = [&now = options] {
    shutdown_config out;
    out.graceful = now.shutdown_graceful;
    out.delay = now.shutdown_delay;
    return out;
  };
  auto body = [&](task_group& tasks) -> awaitable<void> {
    tasks.spawn("h248", [&] { return control.run(); });
    tasks.spawn("http", [&] { return http.run(); });
    tasks.spawn("reload", [&] { return reload_on_signal(reloaded, manager); });
    tasks.spawn("watchdog", [&] { return keep_alive(manager, shards); });
    tasks.spawn("ready", [&] { return announce(manager, registration, options.ready_when_registered); });
    tasks.spawn("renew", [&] { return certificates.renew(); });
    tasks.spawn("expiry", [&] { return reloaded.expiry.run(); });
    tasks.spawn("loops", [&] { return loops.run(); });
    tasks.spawn("clock", [&] { return watch_clock(counted); });
    tasks.spawn("reopen", [] { return reopen_log_on_signal(); });
    for (const auto& r : readers.all) tasks.spawn("shared port", [r] { return on(*r.home, [port = r.port] { return port->run(); }); });
    auto registering = [&](task_group& registration_tasks) -> awaitable<void> {
      registration_tasks.spawn("registration", [&] { return registration.run(); });
      registration_tasks.spawn("gateway", [&] { return gateway.run(); });
      co_await serve_until_signal(parts, std::move(ending));
    };
    co_await with_tasks("registration", registering);
  };
  co_await with_tasks("agw-server", body);
}

}  // namespace

namespace {

// `options` are those that hold: a reload changes them.
int run_gateway(server_options& options, const std::vector<stage_registrar>& registrars) {
  const service_manager manager;
  const auto descriptors = raise_descriptor_limit();
  if (options.iq.max_contexts == 0) options.iq.max_contexts = fitting_contexts(options, descriptors);
  for (const auto& absent : absent_interfaces(options, &tcp::is_local)) {
    if (!absent.floating) {
      log::error("{}", to_text(absent));
      return 1;
    }
    log::warn("{} yet: it is out of service until then", to_text(absent));
  }
  for (const auto& remark : remarks(options)) log::warn("{}", remark);
  metrics counted;
  sctp::stack_config sctp_limits;
  sctp_limits.send_memory_bytes = options.sctp_send_memory_mib << 20;
  sctp::stack sctp(sctp_limits);
  sample_sctp(counted);
  port_pool ports(options.ports.low, options.ports.high);
  gateway::gateway_services services;
  services.config = options.gateway;
  services.start_stamp = log::start_stamp();
  services.stages.metrics = &counted;
  services.stages.deadlines = options.deadlines;
  services.ports = &ports;
  std::optional<port_pool> own_source_ports;
  if (options.source_ports.from == source_port_choice::origin::ports) services.source_ports = &ports;
  if (options.source_ports.from == source_port_choice::origin::own) {
    services.source_ports = &own_source_ports.emplace(options.source_ports.range.low, options.source_ports.range.high);
  }
  keys certificates(options, services.dtls, services.tls);
  if (!certificates.load()) return 1;
  gateway::msrp_options stage_options;
  stage_options.match = options.gateway.msrp_match;
  gateway::add_builtin_stages(services.subprotocols, std::move(stage_options));
  for (const auto& add : registrars) add(services.subprotocols);
  declare_series(counted, services);

  asio::io_context loop(1);
  h248::endpoint control(loop.get_executor(), options.control, &counted);
  const auto ends = control::own_ends(options.h248, options.registration.mgcs);
  if (!control::add_links(control, ends, h248::link_side::gateway)) return 1;
  h248::registration registration(control, options.registration);
  count_registrations(counted, registration);
  shard_pool shards(options.shards());
  shared_port_readers readers;
  if (const auto wrong = open_shared_ports(readers, options, shards, ports)) {
    log::error("ports.shared: {}", wrong.message());
    return 1;
  }
  if (options.shared_port) services.shared_ports = &readers.table;
  scarcity scarce(ports, descriptors);
  auto limits = options.iq;
  limits.scarcest = [&scarce] { return scarce.now(); };
  std::deque<h248::package_names> spellings;
  spellings.emplace_back(options.names);
  iq::media_gateway gateway(std::move(limits), services, shards, control, registration, spellings.front());
  certificate_watch expiry(options, services.dtls, services.tls);
  reloaded_parts reloaded{options, certificates, services, shards, registration, gateway, spellings, counted, expiry};
  tell_messages(control);
  control.on_request([&gateway](const h248::incoming_request& request, h248::outgoing_reply& reply) { return gateway.execute(request, reply); });

  http::server_config http_config;
  http_config.address = options.http;
  http_config.names = options.http_names;
  http::server http(loop.get_executor(), http_config);
  http::add_metrics(http, counted);
  loop_watch loops(shards, counted);
  self_report report(counted, options, services, registration, gateway, loops);
  add_health(http, [&report] { return report.look(); });
  const auto listening = http.listen();
  if (!listening) {
    log::error("HTTP on {}:{}: {}", options.http.address().to_string(), options.http.port(), listening.error().message());
    return 1;
  }
  std::vector<std::string> h248_ends;
  for (const auto& end : ends) {
    if (const auto bound = control.local(end.via)) h248_ends.push_back(h248::to_text(*bound));
  }
  tell_start(options, services, h248_ends, gateway::to_text(listening->address(), listening->port()), descriptors);

  int code = 0;
  asio::co_spawn(loop, serve(control, http, reloaded, loops, readers, manager), [&](std::exception_ptr e) {
    if (e && !is_cancellation(e)) {
      log::error("{}", describe(e));
      code = 1;
    }
  });
  loop.run();
  shards.stop();
  log::finish();
  return code;
}

}  // namespace

int run(const server_options& options, const std::vector<stage_registrar>& registrars) {
  hold_signals();  // the log has a thread
  if (const auto why = log::configure(options.log)) {
    std::fprintf(stderr, "%s: %s\n", options.log.file.empty() ? "log" : "log.file", why->c_str());
    return 1;
  }
  auto now = options;
  try {
    return run_gateway(now, registrars);
  } catch (const std::exception& e) {
    // Threads, descriptors or memory that the system does not grant.
    log::error("agw-server ends: {}", e.what());
    return 1;
  }
}

}  // namespace agw::server
