#include "call_description.hpp"

#include "agw/h248/sdp.hpp"

namespace agw::load {

namespace {

std::string host(const asio::ip::address& a) { return a.is_v6() ? "[" + a.to_string() + "]" : a.to_string(); }
std::string family(const asio::ip::address& a) { return a.is_v6() ? "IP6" : "IP4"; }

}  // namespace

std::string wic_path_of(const wic_description& wic, std::string_view session) {
  return "msrps://" + host(wic.address.address()) + ":" + std::to_string(wic.address.port()) + "/" + std::string(session) + ";dc";
}

std::string core_path_of(const core_description& core, std::string_view session) {
  return "msrp://" + host(core.address) + ":" + std::to_string(core.port) + "/" + std::string(session) + ";tcp";
}

std::string core_local(const core_description& core) {
  return "v=0\nc=IN " + family(core.address) + " $\nm=message $ TCP *\na=setup:active\n";
}

std::string core_remote(const core_description& core, std::string_view path) {
  return "v=0\nc=IN " + family(core.address) + " " + core.address.to_string() + "\nm=message " + std::to_string(core.port) +
         " TCP *\na=setup:passive\na=path:" + std::string(path) + "\n";
}

std::string association_local(const wic_description& wic) {
  return "v=0\nc=IN " + family(wic.address.address()) +
         " $\nm=application $ UDP/DTLS/SCTP webrtc-datachannel\na=setup:passive\na=fingerprint:sha-256 $\na=ice-ufrag:$\na=ice-pwd:$\n"
         "a=candidate:$\na=sctp-port:$\na=max-message-size:262144\n";
}

std::string association_remote(const wic_description& wic) {
  ice::candidate own;
  own.foundation = "1";
  own.priority = ice::candidate_priority(ice::candidate_type::host, 65535);
  own.address = wic.address;
  return "v=0\nc=IN " + family(wic.address.address()) + " " + wic.address.address().to_string() + "\nm=application " +
         std::to_string(wic.address.port()) + " UDP/DTLS/SCTP webrtc-datachannel\na=setup:active\na=fingerprint:" + wic.fingerprint +
         "\na=ice-ufrag:" + wic.credentials.ufrag + "\na=ice-pwd:" + wic.credentials.pwd + "\na=candidate:" + ice::format_candidate(own) +
         "\na=sctp-port:" + std::to_string(wic.sctp_port) + "\na=max-message-size:262144\n";
}

std::string channel_lines(const wic_description& wic, std::string_view setup, std::string_view path) {
  const auto id = wic.channel ? std::to_string(*wic.channel) : "$";
  const auto line = [&id](std::string_view value) { return "a=dcsa:" + id + " " + std::string(value) + "\n"; };
  return "v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\na=dcmap:" + id + " subprotocol=\"msrp\";label=\"load\"\n" +
         line("setup:" + std::string(setup)) + line("path:" + std::string(path)) + line("accept-types:*") + line("msrp-cema");
}

std::optional<gateway_description> read_association(std::string_view filled_local) {
  const auto parsed = h248::sdp::parse_one(filled_local);
  if (!parsed) return std::nullopt;
  gateway_description out;
  const auto c = parsed->connection();
  const auto m = parsed->media();
  const auto ufrag = parsed->attribute("ice-ufrag");
  const auto pwd = parsed->attribute("ice-pwd");
  const auto port = parsed->attribute("sctp-port");
  if (!c || !m || !ufrag || !pwd || !port) return std::nullopt;
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(c->address, ec);
  if (ec || m->port.value == 0) return std::nullopt;
  out.address = udp::endpoint(address, static_cast<std::uint16_t>(m->port.value));
  out.credentials.ufrag = *ufrag;
  out.credentials.pwd = *pwd;
  out.sctp_port = static_cast<std::uint16_t>(std::atoi(std::string(*port).c_str()));
  if (const auto size = parsed->max_message_size()) out.max_message_bytes = static_cast<std::size_t>(*size);
  for (const auto value : parsed->attributes("fingerprint")) {
    if (auto one = dtls::fingerprint::parse(value)) out.fingerprints.push_back(std::move(*one));
  }
  if (out.sctp_port == 0 || out.fingerprints.empty()) return std::nullopt;
  return out;
}

}  // namespace agw::load
