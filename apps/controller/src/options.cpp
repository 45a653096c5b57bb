#include "options.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <optional>

#include "agw/control/addresses.hpp"
#include "agw/version.hpp"

namespace agw::controller {

namespace {

value_kind<std::string> interface_name() {
  return kind::text_that("\"$\", or 1 to 32 letters, digits and underscores", [](std::string_view text) {
    const auto plain = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
    return text == "$" || (!text.empty() && text.size() <= 32 && std::ranges::all_of(text, plain));
  });
}

/// The same kind for a key that need not be there.
template <class T>
value_kind<std::optional<T>> optional(value_kind<T> kind) {
  auto read = [inner = kind.read](const config_value& v) -> std::optional<std::optional<T>> {
    auto value = inner(v);
    if (!value) return std::nullopt;
    return std::optional<std::optional<T>>(std::move(value));
  };
  auto write = [inner = kind.write](const std::optional<T>& v) { return v ? inner(*v) : std::string(); };
  return {std::move(kind.allowed), std::move(read), std::move(write)};
}

constexpr std::size_t most_gateways = 256;

/// [gateway], or [gateways.NAME]: what is not said there is said in [gateway], or has its default.
struct said_of_gateway {
  std::optional<std::string> mid, access_interface, access_realm, core_interface, core_realm;
  std::optional<unsigned> weight, group;
  std::optional<bool> access_ip6;

  void apply_to(gateway_settings& to) const {
    if (weight) to.weight = *weight;
    if (group) to.group = *group;
    if (access_interface) to.access_interface = *access_interface;
    if (access_realm) to.access_realm = *access_realm;
    if (access_ip6) to.access_ip6 = *access_ip6;
    if (core_interface) to.core_interface = *core_interface;
    if (core_realm) to.core_realm = *core_realm;
  }
};

void declare_names(settings& all, const std::string& table, said_of_gateway& g) {
  all.add(table + ".group", g.group, optional(kind::integer<unsigned>(1, 65535)), "second field of TerminationIDs");
  all.add(table + ".access_interface", g.access_interface, optional(interface_name()), "the gateway's interface towards WICs; \"$\": its choice");
  all.add(table + ".access_realm", g.access_realm, optional(kind::text(0, 64)), "ipdc/realm towards WICs; empty: not sent");
  all.add(table + ".access_ip6", g.access_ip6, optional(kind::truth()), "that interface has an IPv6 address");
  all.add(table + ".core_interface", g.core_interface, optional(interface_name()), "the gateway's interface towards the core");
  all.add(table + ".core_realm", g.core_realm, optional(kind::text(0, 64)), "ipdc/realm towards the core; empty: not sent");
}

}  // namespace

std::optional<early_exit> parse(controller_options& out, int argc, const char* const* argv) {
  settings all("agw-controller", std::string(version), "a small eP-CSCF for agw-server, with the demo page and an IMS peer");
  all.add("h248.listen", out.h248, kind::list(control::listen_address(), 1, 4),
          "where the gateway registers, over UDP; tcp:ADDR:PORT for TCP, sctp:ADDR:PORT for the kernel's SCTP, sctp+udp:ADDR:PORT for SCTP in UDP; once for each")
      .option("--h248", "ADDR:PORT");
  all.add("h248.audit_interval", out.audit_interval, kind::duration(std::chrono::seconds(0), std::chrono::hours(24)),
          "a gateway that was silent for so long is asked (AuditValue of ROOT) whether it is there; 0s: never")
      .option("--audit-interval", "TIME");
  all.add("http.listen", out.http, kind::listen_address(), "the page and its WebSocket").option("--http", "ADDR:PORT");
  all.add("msrp.address", out.msrp, kind::address(), "the IMS peer's address towards the gateway").option("--msrp", "ADDR");
  said_of_gateway common;
  declare_names(all, "gateway", common);
  std::map<std::string, said_of_gateway> own;
  const auto declare = [&](const std::string& name) {
    if (own.contains(name)) return true;
    if (own.size() >= most_gateways) return false;
    auto& g = own[name];
    const auto table = "gateways." + name;
    const auto is_mid = [](std::string_view text) { return h248::mid_name::parse(text).has_value(); };
    all.add(table + ".mid", g.mid, optional(kind::text_that("an mId as in messages: [192.0.2.1]:2944, <mg.example.org>, mg1", is_mid)), "the gateway's mId");
    all.add(table + ".weight", g.weight, optional(kind::integer<unsigned>(0, 1000)), "its share of new calls, beside the others'; 0: none");
    declare_names(all, table, g);
    return true;
  };
  all.each("gateways", "a name of your choice, for up to 256 gateways", declare);
  all.add("http.names", out.http_names, kind::list(kind::text(1, 253), 0, 64),
          "names by which the page is reached, besides addresses, localhost and this machine's own")
      .option("--http-name", "NAME");
  std::vector<std::pair<std::string, std::string>> levels;
  for (const auto* level : {"trace", "debug", "info", "warning", "warn", "error", "off"}) levels.emplace_back(level, level);
  all.add("log.level", out.log_level, kind::choice(std::move(levels)), "how much is logged").option("--log-level", "LEVEL");
  all.rule([&]() -> std::optional<config_error> {
    std::vector<h248::transport> used;
    for (const auto& at : out.h248) {
      if (std::ranges::find(used, at.via) != used.end()) return all.wrong({"h248.listen"}, "one address for each transport");
      used.push_back(at.via);
    }
    return std::nullopt;
  });
  all.rule([&]() -> std::optional<config_error> {
    common.apply_to(out.gateways.all);
    for (const auto& [name, g] : own) {
      const auto key = "gateways." + name + ".mid";
      const auto mid = g.mid ? h248::mid_name::parse(*g.mid) : h248::mid_name::parse("");
      if (!mid) return all.wrong({key}, "an mId");
      auto names = out.gateways.all;
      g.apply_to(names);
      const bool alone = out.gateways.by_mid.emplace(h248::to_text(h248::mid(*mid)), std::move(names)).second;
      if (!alone) return all.wrong({key}, "an mId that no other gateway has");
    }
    return std::nullopt;
  });
  return all.parse(argc, argv);
}

}  // namespace agw::controller
