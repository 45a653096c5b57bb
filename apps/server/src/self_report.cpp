#include "self_report.hpp"

#include <algorithm>
#include <limits>

#include "agw/core/log.hpp"
#include "agw/core/log_state.hpp"
#include "agw/transports/tcp.hpp"
#include "agw/version.hpp"
#include "descriptors.hpp"
#include "known_drops.hpp"
#include "limits.hpp"
#include "process_metrics.hpp"

namespace agw::server {

namespace {

metric_labels one(std::string name, std::string value) {
  metric_labels out;
  out.emplace(std::move(name), std::move(value));
  return out;
}

double seconds(std::chrono::system_clock::time_point at) { return std::chrono::duration<double>(at.time_since_epoch()).count(); }

void catch_up(counter& c, std::uint64_t with) {
  const auto more = static_cast<double>(with) - c.Value();
  if (more > 0) c.Increment(more);
}

gauge& registered(metrics& m, const std::string& mgc) {
  return m.gauge("agw_registered", "1 for the controller that the gateway is registered with, 0 for others.", one("mgc", mgc));
}
bool is_any_of(const std::vector<h248::peer_name>& mgcs, const std::string& name) {
  return std::ranges::any_of(mgcs, [&](const h248::peer_name& mgc) { return h248::to_text(mgc) == name; });
}
counter& registrations(metrics& m) { return m.counter("agw_registrations_total", "Registrations that a controller has accepted."); }
gauge& reloaded(metrics& m) {
  return m.gauge("agw_last_reload_successful", "0 when the last reload was refused for what the configuration or a certificate is, else 1.");
}
gauge& silence(metrics& m) {
  return m.gauge("agw_mgc_silence_seconds", "Seconds since the last message of the controller, or since the start where none has come.");
}
gauge& ready(metrics& m) { return m.gauge("agw_ready", "1 when the gateway can take a call, as /readyz says, else 0."); }
gauge& draining(metrics& m) { return m.gauge("agw_draining", "1 while no new calls are taken, else 0."); }
gauge& contexts_limit(metrics& m) { return m.gauge("agw_contexts_limit", "Contexts that may exist."); }
gauge& ports_used(metrics& m, const char* protocol) {
  return m.gauge("agw_media_ports", "Media ports that are in use, by protocol.", one("protocol", protocol));
}
gauge& ports_limit(metrics& m, const char* protocol) {
  return m.gauge("agw_media_ports_limit", "Media ports that may be in use, by protocol.", one("protocol", protocol));
}
gauge& interface_up(metrics& m, const std::string& name) {
  return m.gauge("agw_interface_up", "1 while an address of the interface is of this machine, else 0.", one("interface", name));
}
gauge& expiry(metrics& m, const char* certificate) {
  return m.gauge("agw_certificate_expiry_timestamp_seconds", "When the certificate expires, in seconds since the epoch.", one("certificate", certificate));
}

}  // namespace

void declare_series(metrics& counted, const gateway::gateway_services& services) {
  metric_labels build = one("version", std::string(version));
  build.emplace("commit", commit());
  counted.gauge("agw_build_info", "1, with the version and the commit of the program.", build).Set(1);
  add_process_metrics(counted);
  iq::declare_metrics(counted, services.subprotocols);
  for (const auto& drop : known_drops()) declare_drop(drop.layer, drop.cause);
  auto& dropped = counted.counter("agw_log_lines_dropped_total", "Log lines that nobody took in time or that could not be written.");
  auto& left_out = counted.counter("agw_log_lines_suppressed_total", "Log lines left out because too many of their kind came.");
  counted.sample_with([&dropped, &left_out] {
    catch_up(dropped, log::dropped());
    catch_up(left_out, log::left_out());
  });
  auto& blocked = counted.gauge("agw_log_blocked_seconds", "Seconds for which nobody has taken the next log line, else 0.");
  counted.sample_with([&blocked] { blocked.Set(std::chrono::duration<double>(log::blocked()).count()); });
  registrations(counted);
  reloaded(counted).Set(1);
}

void count_registrations(metrics& counted, h248::registration& registration) {
  registration.on_change([&count = registrations(counted)](h248::registration_state to, const h248::peer_address&) {
    if (to == h248::registration_state::registered) count.Increment();
  });
}

void tell_reload(metrics& counted, bool taken) { reloaded(counted).Set(taken ? 1 : 0); }

self_report::self_report(metrics& counted, const server_options& options, const gateway::gateway_services& services,
                         const h248::registration& registration, const iq::media_gateway& gateway, const loop_watch& loops)
    : counted_(counted), options_(options), services_(services), registration_(registration), gateway_(gateway), loops_(loops) {
  name_controllers();
  counted.sample_with([this] {
    sample_controller();
    sample_state();
    sample_interfaces();
    sample_certificates();
  });
}

health_facts self_report::look() const {
  health_facts out;
  out.registered = registration_.state() == h248::registration_state::registered;
  out.draining = gateway_.draining();
  out.contexts = {gateway_.contexts(), options_.iq.max_contexts};
  const auto& ports = *services_.ports;
  out.udp_ports = {ports.leased(port_protocol::udp), ports.size()};
  out.tcp_ports = {ports.leased(port_protocol::tcp), ports.size()};
  const auto limit = descriptor_limit().now;
  out.descriptors = {open_descriptors().value_or(limit), limit};
  out.stuck = loops_.stuck();
  for (const auto& one : absent_interfaces(options_, &tcp::is_local)) out.absent.push_back(to_text(one));
  return out;
}

// Those of the configuration, which a reload changes; and the one that has us.
void self_report::name_controllers() {
  const auto add = [this](const std::string& name) {
    if (!registered_.contains(name)) registered_[name] = &registered(counted_, name);
  };
  const auto& mgcs = options_.registration.mgcs;
  for (const auto& mgc : mgcs) add(h248::to_text(mgc));
  const auto now = registration_.mgc_name();
  if (now) add(h248::to_text(*now));
  std::erase_if(registered_, [&](const auto& known) {
    const bool gone = !is_any_of(mgcs, known.first) && !(now && h248::to_text(*now) == known.first);
    if (gone) known.second->Set(std::numeric_limits<double>::quiet_NaN());  // it is exposed no more
    return gone;
  });
}

void self_report::sample_controller() {
  name_controllers();
  const auto now = registration_.mgc_name();
  const auto name = now ? h248::to_text(*now) : std::string();
  for (const auto& [mgc, level] : registered_) level->Set(now && mgc == name ? 1 : 0);
  heard_ = std::max(heard_, registration_.last_heard().value_or(heard_));
  silence(counted_).Set(std::chrono::duration<double>(clock::now() - heard_).count());
}

void self_report::sample_state() {
  const auto now = look();
  ready(counted_).Set(not_ready(now).empty() ? 1 : 0);
  draining(counted_).Set(now.draining ? 1 : 0);
  contexts_limit(counted_).Set(static_cast<double>(now.contexts.most));
  ports_used(counted_, "udp").Set(static_cast<double>(now.udp_ports.taken));
  ports_used(counted_, "tcp").Set(static_cast<double>(now.tcp_ports.taken));
  ports_limit(counted_, "udp").Set(static_cast<double>(now.udp_ports.most));
  ports_limit(counted_, "tcp").Set(static_cast<double>(now.tcp_ports.most));
}

void self_report::sample_interfaces() {
  const auto absent = absent_interfaces(options_, &tcp::is_local);
  for (const auto& i : options_.iq.interfaces) {
    const bool away = std::ranges::any_of(absent, [&](const absent_interface& a) { return a.name == i.name; });
    interface_up(counted_, i.name).Set(away ? 0 : 1);
  }
}

void self_report::sample_certificates() {
  if (const auto dtls = services_.dtls.current()) expiry(counted_, "dtls").Set(seconds(dtls->own().not_after()));
  const auto tls = services_.tls.current();
  if (const auto end = tls ? tls->not_after() : std::nullopt) expiry(counted_, "tls").Set(seconds(*end));
}

}  // namespace agw::server
