#include "options.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "agw/version.hpp"
#include "options_parts.hpp"

namespace agw::server {

namespace {

using namespace std::chrono_literals;
using boost::asio::ip::make_address;

constexpr std::size_t max_interfaces = 64;

// What every stage of the profile may take from the moment it has what it needs.
const std::map<std::string, clock::duration, std::less<>> profile_deadlines{{"ice", 30s},     {"dtls", 15s}, {"sctp", 15s},
                                                                            {"channel", 15s}, {"tcp", 10s},  {"tls", 10s}};

value_kind<boost::asio::ip::tcp::endpoint> tcp_address() {
  auto plain = kind::listen_address();
  auto read = [inner = plain.read](const config_value& v) -> std::optional<boost::asio::ip::tcp::endpoint> {
    const auto value = inner(v);
    return value ? std::optional(boost::asio::ip::tcp::endpoint(value->address, value->port)) : std::nullopt;
  };
  auto write = [inner = plain.write](const boost::asio::ip::tcp::endpoint& e) { return inner({e.address(), e.port()}); };
  return {std::move(plain.allowed), std::move(read), std::move(write)};
}

void declare_interfaces(settings& s, server_options& o) {
  auto& interfaces = o.iq.interfaces;
  // Settings refer to the elements.
  interfaces.reserve(max_interfaces);
  const auto declare = [&s, &interfaces](const std::string& name) {
    const auto declared = s.keys();
    const auto key = "interfaces." + name;
    if (std::find(declared.begin(), declared.end(), key + ".address") != declared.end()) return true;
    if (!is_name(name, 32)) return false;
    auto at = std::find_if(interfaces.begin(), interfaces.end(), [&](const auto& i) { return i.name == name; });
    if (at == interfaces.end()) {
      if (interfaces.size() == max_interfaces) return false;
      at = interfaces.insert(interfaces.end(), {name, name, make_address("127.0.0.1")});
    }
    auto& address = s.add(key + ".address", at->address, kind::address(), "address of the interface \"" + name + "\"");
    if (name == "access" || name == "core") address.option("--" + name, "ADDR");
    s.add(key + ".realm", at->realm, kind::text(1, 64), "");
    return true;
  };
  declare("access");
  declare("core");
  s.each("interfaces", "a name of up to 32 letters, digits and underscores, and not more than 64 of them", declare);
}

}  // namespace

server_options::server_options() : deadlines(profile_deadlines) {
  const auto loopback = make_address("127.0.0.1");
  h248.host = loopback;
  h248.port = agw::h248::text_port;
  http = {loopback, 9290};
  registration.mgcs = {{agw::h248::transport::udp, "127.0.0.1", 12944}};
  iq.interfaces = {{"access", "access", loopback}, {"core", "core", loopback}};
}

unsigned server_options::shards() const { return threads != 0 ? threads : std::max(1u, std::thread::hardware_concurrency()); }

void declare(settings& s, server_options& o) {
  declare_h248(s, o);
  s.add("http.listen", o.http, tcp_address(), "metrics and health").option("--http", "ADDR:PORT");
  s.add("http.names", o.http_names, kind::list(kind::text(1, 253), 0, 64), "");
  declare_interfaces(s, o);
  s.add("group", o.iq.group, kind::integer<std::uint16_t>(1, 65535), "");
  s.add("ports.low", o.ports.low, kind::integer<std::uint16_t>(1024, 65535), "");
  s.add("ports.high", o.ports.high, kind::integer<std::uint16_t>(1024, 65535), "");
  s.add("", o.ports, kind::ports(1024, 65535), "ports of media, towards WICs and the core").option("--ports", "LOW-HIGH");
  s.add("threads", o.threads, kind::integer<unsigned>(0, 256), "threads that serve contexts; 0: one for each core")
      .option("--threads", "N");
  s.add("log.level", o.log_level,
        kind::choice<std::string>(
            {{"trace", "trace"}, {"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}, {"off", "off"}}),
        "what is logged: trace, debug, info, warn, error or off")
      .option("--log-level", "LEVEL");
  for (auto& [stage, duration] : o.deadlines) s.add("deadlines." + stage, duration, kind::duration(100ms, 10min), "");
  s.add("ice.mode", o.gateway.ice_mode,
        kind::choice<ice::agent_mode>({{"lite", ice::agent_mode::lite}, {"full", ice::agent_mode::full}}), "");
  s.add("ice.tcp", o.gateway.ice_tcp, kind::truth(), "");
  s.add("ice.consent_timeout", o.gateway.consent_timeout, kind::duration<std::chrono::milliseconds>(5s, 10min), "");
  s.add("dtls.certificate", o.dtls_certificate, kind::file(), "");
  s.add("dtls.key", o.dtls_key, kind::file(), "");
  s.add("dtls.mtu", o.gateway.mtu_bytes, kind::integer<std::size_t>(548, 9000), "");
  s.add("sctp.streams", o.gateway.sctp_streams, kind::integer<std::uint16_t>(2, 65535), "");
  s.add("msrp.match", o.gateway.msrp_match,
        kind::choice<msrp::uri_match>({{"exact", msrp::uri_match::exact}, {"sessmatch", msrp::uri_match::sessmatch}}), "");
  s.add("tls.certificate", o.tls.certificate_file, kind::file(), "");
  s.add("tls.key", o.tls.private_key_file, kind::file(), "");
  s.add("tls.ca", o.tls.ca_file, kind::file(), "");
  s.add("limits.contexts", o.iq.max_contexts, kind::integer<std::size_t>(1, 10'000'000), "");
  s.add("limits.overload_percent", o.iq.overload_percent, kind::integer<unsigned>(1, 100), "");
  s.add("limits.terminations_per_context", o.iq.max_terminations_per_context, kind::integer<std::size_t>(2, 256), "");
  s.add("shutdown.mode", o.shutdown_graceful, kind::choice<bool>({{"forced", false}, {"graceful", true}}), "");
  s.add("shutdown.delay", o.shutdown_delay, kind::duration(0s, 24h), "");
  s.rule([&s, &o] { return check_together(s, o); });
}

std::variant<server_options, early_exit> parse(int argc, const char* const* argv) {
  server_options o;
  settings table("agw-server", std::string(version), "the media gateway of agw");
  declare(table, o);
  if (auto done = table.parse(argc, argv)) return std::move(*done);
  o.registration.version = o.control.version;
  return o;
}

}  // namespace agw::server
