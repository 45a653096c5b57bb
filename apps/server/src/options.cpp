#include "agw/server/options.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <boost/asio/ip/address.hpp>

#include "agw/version.hpp"
#include "limits.hpp"
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

// One address, or a list of two.
value_kind<std::vector<boost::asio::ip::address>> addresses(std::string allowed, bool optional) {
  auto one = kind::address(true);
  auto many = kind::list(one, optional ? 0 : 1, 2);
  auto read = [one = one.read, many = many.read](const config_value& v) -> std::optional<std::vector<boost::asio::ip::address>> {
    if (const auto value = one(v)) return std::vector{*value};
    return many(v);
  };
  auto write = [one = one.write, many = many.write](const std::vector<boost::asio::ip::address>& v) {
    return v.size() == 1 ? one(v.front()) : many(v);
  };
  return {std::move(allowed), std::move(read), std::move(write)};
}

// "", or the address of a server.
template <class T>
value_kind<std::optional<T>> server_address(std::function<boost::asio::ip::udp::endpoint&(T&)> at) {
  auto plain = kind::listen_address();
  auto read = [inner = plain.read, at](const config_value& v) -> std::optional<std::optional<T>> {
    const auto* text = std::get_if<std::string>(&v.data);
    if (text && text->empty()) return std::optional<T>();
    const auto value = inner(v);
    if (!value || value->port == 0 || value->address.is_unspecified() || value->address.is_multicast()) return std::nullopt;
    T out;
    at(out) = {value->address, value->port};
    return std::optional<T>(std::move(out));
  };
  auto write = [inner = plain.write, at](const std::optional<T>& v) {
    if (!v) return std::string("\"\"");
    auto copy = *v;
    return inner({at(copy).address(), at(copy).port()});
  };
  return {"ADDRESS:PORT of a server, not a wildcard, or \"\"", std::move(read), std::move(write)};
}

value_kind<source_port_choice> source_ports() {
  using origin = source_port_choice::origin;
  auto range = kind::ports(1024, 65535);
  auto read = [range = range.read](const config_value& v) -> std::optional<source_port_choice> {
    const auto* text = std::get_if<std::string>(&v.data);
    if (text && *text == "any") return source_port_choice{};
    if (text && *text == "ports") return source_port_choice{origin::ports, {}};
    const auto own = range(v);
    return own ? std::optional(source_port_choice{origin::own, *own}) : std::nullopt;
  };
  auto write = [range = range.write](const source_port_choice& v) {
    if (v.from == origin::any) return std::string("\"any\"");
    return v.from == origin::ports ? std::string("\"ports\"") : range(v.range);
  };
  return {"\"any\", \"ports\" or LOW-HIGH, both from 1024 to 65535", std::move(read), std::move(write)};
}

void declare_interfaces(settings& s, server_options& o) {
  auto& interfaces = o.iq.interfaces;
  // Settings refer to the elements.
  interfaces.reserve(max_interfaces);
  const auto declare = [&s, &interfaces, &floating = o.floating](const std::string& name) {
    const auto declared = s.keys();
    const auto key = "interfaces." + name;
    if (std::find(declared.begin(), declared.end(), key + ".address") != declared.end()) return true;
    if (!is_name(name, 32)) return false;
    auto at = std::find_if(interfaces.begin(), interfaces.end(), [&](const auto& i) { return i.name == name; });
    if (at == interfaces.end()) {
      if (interfaces.size() == max_interfaces) return false;
      at = interfaces.insert(interfaces.end(), {name, name, gateway::interface_addresses(make_address("127.0.0.1"))});
    }
    auto& address = s.add(key + ".address", at->addresses.bound,
                          addresses("an IPv4 or IPv6 address of this machine, not a wildcard, or a list of one of each", false),
                          "address of the interface \"" + name + "\"");
    s.add(key + ".advertised", at->addresses.advertised,
          addresses("an IPv4 or IPv6 address, not a wildcard or a group, or a list of one of each, or []", true), "");
    s.add(key + ".floating", floating[name], kind::truth(), "");
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
  iq.max_contexts = 0;
  iq.interfaces = {{"access", "access", gateway::interface_addresses(loopback)}, {"core", "core", gateway::interface_addresses(loopback)}};
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
  s.add("ports.shared", o.shared_port, kind::truth(), "");
  s.add("tcp.source_ports", o.source_ports, source_ports(), "");
  s.add("threads", o.threads, kind::integer<unsigned>(0, 256), "threads that serve contexts; 0: one for each core")
      .option("--threads", "N");
  s.add("log.level", o.log.level,
        kind::choice<std::string>({{"trace", "trace"},
                                   {"debug", "debug"},
                                   {"info", "info"},
                                   {"warning", "warning"},
                                   {"warn", "warning"},
                                   {"error", "error"},
                                   {"off", "off"}}),
        "what is logged: trace, debug, info, warning, error or off")
      .option("--log-level", "LEVEL");
  s.add("log.format", o.log.as,
        kind::choice<log::format>({{"text", log::format::text}, {"logfmt", log::format::logfmt}, {"json", log::format::json}}), "");
  s.add("log.file", o.log.file, kind::text(0, 4095), "").path();
  for (auto& [stage, duration] : o.deadlines) s.add("deadlines." + stage, duration, kind::duration(100ms, 10min), "");
  s.add("ice.mode", o.gateway.ice_mode,
        kind::choice<ice::agent_mode>({{"lite", ice::agent_mode::lite}, {"full", ice::agent_mode::full}}), "");
  s.add("ice.stun", o.gateway.stun, server_address<udp::endpoint>([](udp::endpoint& e) -> udp::endpoint& { return e; }), "");
  s.add("ice.turn", o.gateway.turn, server_address<ice::turn_server>([](ice::turn_server& t) -> udp::endpoint& { return t.address; }), "");
  s.add("ice.turn_user", o.turn_user, kind::text(0, 255), "");
  s.add("ice.turn_password", o.turn_password, kind::text(0, 255), "");
  s.add("ice.turn_password_file", o.turn_password_file, kind::file(), "").path();
  s.add("ice.gather_timeout", o.gateway.gather_timeout, kind::duration<std::chrono::milliseconds>(100ms, 10s), "");
  s.add("ice.tcp", o.gateway.ice_tcp, kind::truth(), "");
  s.add("ice.consent_timeout", o.gateway.consent_timeout, kind::duration<std::chrono::milliseconds>(5s, 10min), "");
  s.add("dtls.certificate", o.dtls_certificate, kind::file(), "").path();
  s.add("dtls.key", o.dtls_key, kind::file(), "").path();
  s.add("dtls.certificate_lifetime", o.dtls_certificate_lifetime, kind::duration(0s, 24h * 3650), "");
  s.add("dtls.mtu", o.gateway.mtu_bytes, kind::integer<std::size_t>(548, 9000), "");
  s.add("sctp.streams", o.gateway.sctp_streams, kind::integer<std::uint16_t>(2, 65535), "");
  s.add("sctp.send_memory", o.sctp_send_memory_mib, kind::integer<std::size_t>(0, 1 << 20), "");
  s.add("sctp.hold_limit", o.gateway.hold_limit, kind::duration<std::chrono::milliseconds>(1s, 10min), "");
  s.add("msrp.match", o.gateway.msrp_match,
        kind::choice<msrp::uri_match>({{"exact", msrp::uri_match::exact}, {"sessmatch", msrp::uri_match::sessmatch}}), "");
  s.add("tls.certificate", o.tls.certificate_file, kind::file(), "").path();
  s.add("tls.key", o.tls.private_key_file, kind::file(), "").path();
  s.add("tls.ca", o.tls.ca_file, kind::file(), "").path();
  s.add("limits.contexts", o.iq.max_contexts, kind::integer<std::size_t>(0, 10'000'000), "");
  s.add("limits.overload_percent", o.iq.overload_percent, kind::integer<unsigned>(1, 100), "");
  s.add("limits.terminations_per_context", o.iq.max_terminations_per_context, kind::integer<std::size_t>(2, 256), "");
  s.add("limits.orphaned_after", o.iq.orphaned_after, kind::duration(0s, 24h * 30), "");
  s.add("service.ready", o.ready_when_registered, kind::choice<bool>({{"listening", false}, {"registered", true}}), "");
  s.add("shutdown.mode", o.shutdown_graceful, kind::choice<bool>({{"forced", false}, {"graceful", true}}), "");
  s.add("shutdown.delay", o.shutdown_delay, kind::duration(0s, 24h), "");
  s.rule([&s, &o] { return check_together(s, o); });
  s.remark([&o] { return descriptor_remark(o, descriptor_limit()); });
  s.remark([&o] { return port_remark(o); });
  s.remark([&o] { return thread_remark(o, thread_limit()); });
  s.remark([&o] { return certificate_remark(o); });
}

std::string version_text() { return std::string(version).append(" (commit ").append(commit()).append(")"); }

std::variant<server_options, early_exit> parse(int argc, const char* const* argv) {
  server_options o;
  settings table("agw-server", version_text(), "the media gateway of agw");
  declare(table, o);
  if (auto done = table.parse(argc, argv)) return std::move(*done);
  o.values = table.values();
  o.command_line.assign(argv, argv + argc);
  complete(o);
  o.config_file = table.file();
  return o;
}

}  // namespace agw::server
