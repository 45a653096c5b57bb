#include "agw/control/addresses.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "agw/h248/ascii.hpp"

namespace agw::control {

namespace {

constexpr std::array transports{h248::transport::udp, h248::transport::tcp, h248::transport::sctp, h248::transport::sctp_over_udp};

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

}  // namespace

value_kind<h248::peer_address> listen_address() {
  auto plain = kind::listen_address();
  auto read = [inner = std::move(plain.read)](const config_value& v) -> std::optional<h248::peer_address> {
    auto rest = v;
    auto via = h248::transport::udp;
    if (auto* text = std::get_if<std::string>(&rest.data)) {
      const auto word = std::string_view(*text).substr(0, text->find(':'));
      const auto named = std::ranges::find_if(transports, [&](auto t) { return h248::iequals(h248::to_text(t), word); });
      if (named != transports.end()) {
        via = *named;
        text->erase(0, std::min(word.size() + 1, text->size()));
      }
    }
    const auto value = inner(rest);
    return value ? std::optional(h248::peer_address{via, value->address, value->port}) : std::nullopt;
  };
  return {"ADDRESS:PORT with a port from 0 to 65535 (0: any free one), with tcp:, sctp: or sctp+udp: in front where it is not UDP, such "
          "as 127.0.0.1:2944, [::1]:2944, tcp:127.0.0.1:2944, sctp:127.0.0.1:2944 or sctp+udp:127.0.0.1:9899",
          std::move(read), [](const h248::peer_address& a) { return quoted(h248::to_text(a)); }};
}

value_kind<h248::peer_name> mgc_name() {
  auto read = [](const config_value& v) -> std::optional<h248::peer_name> {
    const auto* text = std::get_if<std::string>(&v.data);
    if (!text) return std::nullopt;
    const auto name = h248::peer_name::parse(*text);
    return name && name->port != 0 ? std::optional(*name) : std::nullopt;
  };
  return {"HOST[:PORT], an address or a name and a port from 1 to 65535, with tcp:, sctp: or sctp+udp: in front where it is not UDP, such "
          "as 127.0.0.1:2944, [::1]:2944, tcp:mgc.example.com, sctp:mgc.example.com or sctp+udp:mgc.example.com",
          read, [](const h248::peer_name& n) { return quoted(h248::to_text(n)); }};
}

std::vector<h248::peer_address> own_ends(const h248::peer_address& at, const std::vector<h248::peer_name>& mgcs) {
  std::vector<h248::peer_address> out;
  for (const auto via : transports) {
    if (std::ranges::none_of(mgcs, [via](const auto& mgc) { return mgc.via == via; })) continue;
    out.push_back(at);
    out.back().via = via;
    if (via == h248::transport::sctp_over_udp) out.back().port = 0;  // UDP has the port; the dialling side needs no fixed one
  }
  return out;
}

}  // namespace agw::control
