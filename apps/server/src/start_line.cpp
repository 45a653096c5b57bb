#include "start_line.hpp"

#include <algorithm>
#include <csignal>
#include <ctime>

#include "agw/core/log.hpp"
#include "agw/version.hpp"
#include "signals.hpp"

namespace agw::server {

namespace {

constexpr std::size_t most_message_bytes = 4096;

template <class Range, class F>
std::string joined(const Range& all, F text_of) {
  std::string out;
  for (const auto& one : all) out.append(out.empty() ? "" : ",").append(text_of(one));
  return out.empty() ? "-" : out;
}

std::string addresses_of(const gateway::interface_addresses& a) {
  const auto text = [](const gateway::ip_address& one) { return one.to_string(); };
  auto out = joined(a.bound, text);
  if (!a.advertised.empty()) out += " as " + joined(a.advertised, text);
  return out;
}

std::string date_of(std::chrono::system_clock::time_point at) {
  const auto seconds = std::chrono::system_clock::to_time_t(at);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char out[32];
  std::strftime(out, sizeof out, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return out;
}

}  // namespace

void tell_start(const server_options& options, const gateway::gateway_services& services, const std::vector<std::string>& h248_ends,
                const std::string& http, std::size_t descriptors) {
  const auto same = [](const std::string& one) { return one; };
  const auto dtls = services.dtls.current();
  const auto tls = services.tls.current();
  const auto tls_end = tls ? tls->not_after() : std::nullopt;
  const auto interface = [](const iq::interface_config& i) { return i.name + "=" + addresses_of(i.addresses); };
  const auto said = "agw-server " + std::string(version) + ": H.248 on " + joined(h248_ends, same) + ", HTTP on " + http + ", " +
                    std::to_string(options.shards()) + " shard(s)";
  log::record(log::level::info, said,
              {{"version", std::string(version)},
               {"commit", std::string(commit())},
               {"start", std::string(log::start_stamp())},
               {"config", options.config_file.empty() ? "-" : options.config_file},
               {"mgc", joined(options.registration.mgcs, [](const h248::peer_name& mgc) { return h248::to_text(mgc); })},
               {"interfaces", joined(options.iq.interfaces, interface)},
               {"ports", std::to_string(options.ports.low) + "-" + std::to_string(options.ports.high)},
               {"contexts", std::to_string(options.iq.max_contexts)},
               {"descriptors", std::to_string(descriptors)},
               {"certificate", options.dtls_certificate.empty() ? "self-signed" : options.dtls_certificate},
               {"fingerprint", dtls ? dtls->own().fingerprint().str() : "-"},
               {"expires", dtls ? date_of(dtls->own().not_after()) : "-"},
               {"tls_expires", tls_end ? date_of(*tls_end) : "-"}});
}

void tell_messages(h248::endpoint& control) {
  control.on_message([](h248::direction way, const h248::peer_address& peer, std::string_view text, clock::time_point) {
    if (!spdlog::default_logger_raw()->should_log(log::level::debug)) return;
    std::string line(text.substr(0, most_message_bytes));
    std::replace_if(line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
    if (text.size() > most_message_bytes) line += "\u2026";
    log::debug("h248: {} {}: {}", way == h248::direction::sent ? "to" : "from", h248::to_text(peer), line);
  });
}

awaitable<void> reopen_log_on_signal() {
  signal_sequence signals(co_await asio::this_coro::executor, SIGUSR1);
  for (;;) {
    co_await signals.next();
    log::reopen();
    log::info("signal {}: the log's file was opened anew", SIGUSR1);
  }
}

}  // namespace agw::server
