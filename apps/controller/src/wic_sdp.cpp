#include "wic_sdp.hpp"

#include <algorithm>
#include <charconv>

#include "agw/h248/ascii.hpp"
#include "agw/h248/sdp.hpp"

namespace agw::controller {

namespace {

sdp_refusal refuse(std::string text) {
  sdp_refusal out;
  out.text = std::move(text);
  return out;
}

std::uint64_t number(std::string_view text) {
  std::uint64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto end = text.find_first_of("\r\n");
    const auto line = text.substr(0, end);
    if (!line.empty()) out.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const auto n : names) {
    if (h248::iequals(n, name)) return true;
  }
  return false;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = text.find(' ');
    if (end != 0) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

std::vector<channel> channels_of(const h248::sdp& d) {
  std::vector<channel> out;
  for (const auto& map : d.dcmaps()) {
    if (map.id.choose) continue;
    channel c;
    c.id = static_cast<std::uint16_t>(map.id.value);
    c.label = map.label;
    c.subprotocol = map.subprotocol.empty() ? "msrp" : map.subprotocol;
    c.path = d.dcsa(map.id, "path").value_or("");
    c.setup = d.dcsa(map.id, "setup").value_or("");
    c.accept_types = words_of(d.dcsa(map.id, "accept-types").value_or("*"));
    if (const auto size = d.dcsa(map.id, "max-size")) c.max_size = number(*size);
    out.push_back(std::move(c));
  }
  return out;
}

}  // namespace

boost::system::result<wic_description, sdp_refusal> read_wic(std::string_view sdp) {
  wic_description out;
  std::string description = "v=0\n";
  std::string old_port;
  std::string dc_lines;
  std::string session_level;
  bool in_media = false;
  bool seen_media = false;
  std::string connection;
  for (const auto line : split_lines(sdp)) {
    if (line.size() < 2 || line[1] != '=') return refuse("not SDP: " + std::string(line.substr(0, 40)));
    if (line.starts_with("m=")) {
      if (seen_media) {
        in_media = false;  // further media are not ours
        continue;
      }
      in_media = seen_media = true;
      std::string media(line);
      // The form of the old drafts: m=application P DTLS/SCTP 5000, with a=sctpmap.
      if (const auto at = media.find(" DTLS/SCTP "); at != std::string::npos) {
        old_port = media.substr(at + 11);
        media = media.substr(0, at) + " UDP/DTLS/SCTP webrtc-datachannel";
      }
      if (media.find("webrtc-datachannel") == std::string::npos) return refuse("the m= line is no webrtc-datachannel");
      description += media + "\n";
      description += session_level;
      continue;
    }
    if (line.starts_with("c=")) {
      connection = std::string(line);
      if (seen_media && in_media) description += connection + "\n";
      continue;
    }
    if (!line.starts_with("a=")) continue;
    if (seen_media && !in_media) continue;
    const auto text = line.substr(2);
    const auto name = text.substr(0, text.find(':'));
    if (name == "group") out.bundle = text.find("BUNDLE") != std::string_view::npos;
    if (name == "mid") out.mid = std::string(text.substr(4));
    if (name == "dcmap" || name == "dcsa") dc_lines.append(line).append("\n");
    if (one_of(name, {"setup", "fingerprint", "ice-ufrag", "ice-pwd", "ice-lite", "candidate", "sctp-port", "max-message-size", "tls-id"})) {
      (in_media ? description : session_level).append(line).append("\n");
    }
  }
  if (!seen_media) return refuse("the SDP has no m= line");
  if (!old_port.empty()) description += "a=sctp-port:" + std::to_string(number(old_port)) + "\n";
  auto parsed = h248::sdp::parse_one(description);
  if (!parsed) return refuse(parsed.error().to_text());
  // Candidates with a host name, and those that are not UDP, are none of the gateway's business.
  auto& lines = parsed->lines();
  std::erase_if(lines, [](const h248::sdp_line& l) {
    if (l.type != 'a' || l.name() != "candidate") return false;
    const auto c = h248::sdp_candidate::parse(l.argument());
    return !c || !c->is_udp() || c->is_host_name();
  });
  if (!parsed->connection()) {
    h248::sdp_line c;
    c.type = 'c';
    c.value = connection.size() > 2 ? connection.substr(2) : "IN IP4 0.0.0.0";
    lines.insert(lines.begin() + 1, std::move(c));
  }
  for (const auto needed : {"fingerprint", "ice-ufrag", "ice-pwd", "sctp-port"}) {
    if (!parsed->has_attribute(needed)) return refuse(std::string("the SDP has no a=") + needed);
  }
  out.setup = std::string(parsed->attribute("setup").value_or("actpass"));
  out.remote = parsed->to_text();
  out.ufrag = std::string(parsed->attribute("ice-ufrag").value_or(""));
  out.tls_id = std::string(parsed->attribute("tls-id").value_or(""));
  for (const auto value : parsed->attributes("fingerprint")) out.fingerprints.emplace_back(value);
  std::ranges::sort(out.fingerprints);
  if (!dc_lines.empty()) {
    const auto with_channels = h248::sdp::parse_one("v=0\n" + dc_lines);
    if (!with_channels) return refuse(with_channels.error().to_text());
    out.channels = channels_of(*with_channels);
  }
  return out;
}

std::string association_local(std::string_view setup, std::optional<std::uint16_t> sctp_port, bool ip6, bool tls_id) {
  return std::string(ip6 ? "v=0\nc=IN IP6" : "v=0\nc=IN IP4") + " $\nm=application $ UDP/DTLS/SCTP webrtc-datachannel\na=setup:" + std::string(setup) +
         "\na=fingerprint:sha-256 $\na=ice-ufrag:$\na=ice-pwd:$\na=candidate:$\na=sctp-port:" + (sctp_port ? std::to_string(*sctp_port) : "$") + "\na=max-message-size:262144\n" +
         (tls_id ? "a=tls-id:$\n" : "");
}

std::string association_local_again(std::string_view filled_local, bool restart, std::string_view setup) {
  auto parsed = h248::sdp::parse_one(filled_local);
  if (!parsed) return std::string(filled_local);
  if (restart) {
    for (const auto* name : {"ice-ufrag", "ice-pwd", "tls-id"}) {
      if (parsed->has_attribute(name)) parsed->set_attribute(name, "$");
    }
  }
  if (parsed->attribute("setup") != "actpass") parsed->set_attribute("setup", setup);
  return parsed->to_text();
}

std::string with_setup(std::string_view remote, std::string_view setup) {
  auto parsed = h248::sdp::parse_one(remote);
  if (!parsed) return std::string(remote);
  parsed->set_attribute("setup", setup);
  return parsed->to_text();
}

std::vector<std::string> channel_lines(const channel& c, std::string_view path, std::string_view setup, bool agnostic) {
  std::vector<std::string> out;
  h248::sdp_dcmap map;
  map.id = c.id ? h248::choosable::of(*c.id) : h248::choosable::dollar();
  map.subprotocol = c.subprotocol;
  map.label = c.label;
  map.has_label = !c.label.empty();
  out.push_back("a=dcmap:" + map.to_text());
  const auto dcsa = [&](std::string attribute, std::string_view value) {
    h248::sdp_dcsa line;
    line.id = map.id;
    line.attribute = std::move(attribute);
    line.value = value;
    out.push_back("a=dcsa:" + line.to_text());
  };
  if (!setup.empty()) dcsa("setup", setup);
  if (!path.empty()) dcsa("path", path);
  if (!c.accept_types.empty()) {
    std::string types;
    for (const auto& one : c.accept_types) types += (types.empty() ? "" : " ") + one;
    dcsa("accept-types", types);
  }
  if (c.max_size) dcsa("max-size", std::to_string(*c.max_size));
  if (agnostic) dcsa("msrp-cema", "");
  return out;
}

channel toward_wic(channel c) {
  c.accept_types.assign(1, "*");
  c.max_size.reset();
  return c;
}

std::string channel_local(const channel& c, std::string_view path, std::string_view setup, bool agnostic) {
  std::string out = "v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n";
  for (const auto& line : channel_lines(c, path, setup, agnostic)) out += line + "\n";
  return out;
}

std::string channel_remote(const channel& c, bool agnostic) { return channel_local(c, c.path, c.setup, agnostic); }

std::string description_for_wic(std::string_view filled_local, std::string_view mid, bool bundle, std::string_view setup,
                                const std::vector<std::string>& lines, std::string_view session) {
  const auto parsed = h248::sdp::parse_one(filled_local);
  std::string out = "v=0\r\no=- " + std::string(session) + " IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n";
  if (parsed && parsed->ice_lite()) out += "a=ice-lite\r\n";
  if (bundle) out += "a=group:BUNDLE " + std::string(mid) + "\r\n";
  if (!parsed) return out;
  if (const auto m = parsed->media()) out += "m=" + m->to_text() + "\r\n";
  if (const auto c = parsed->connection()) out += "c=" + c->to_text() + "\r\n";
  for (const auto& line : parsed->lines()) {
    if (line.type != 'a' || line.name() == "ice-lite") continue;
    if (line.name() == "setup") {
      out += "a=setup:" + std::string(setup) + "\r\n";
    } else {
      out += "a=" + line.value + "\r\n";
    }
  }
  out += "a=mid:" + std::string(mid) + "\r\n";
  for (const auto& line : lines) out += line + "\r\n";
  return out;
}

transport_of_local transport_of(std::string_view filled_local) {
  transport_of_local out;
  const auto parsed = h248::sdp::parse_one(filled_local);
  if (!parsed) return out;
  if (const auto c = parsed->connection()) out.address = c->address;
  if (const auto m = parsed->media()) out.port = static_cast<std::uint16_t>(m->port.value);
  out.path = parsed->path().value_or("");
  if (const auto size = parsed->max_message_size()) out.max_message_size = *size;
  return out;
}

std::vector<dtls::fingerprint> fingerprints_of(std::string_view filled_local) {
  std::vector<dtls::fingerprint> out;
  const auto parsed = h248::sdp::parse_one(filled_local);
  if (!parsed) return out;
  for (const auto line : parsed->attributes("fingerprint")) {
    if (auto one = dtls::fingerprint::parse(line)) out.push_back(std::move(*one));
  }
  return out;
}

}  // namespace agw::controller
