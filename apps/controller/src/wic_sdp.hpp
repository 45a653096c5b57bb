// Between the SDP that WICs speak (RFC 8841, as browsers write it) and the SDP of the S1 and S2 streams on Iq.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/system/result.hpp>

#include "agw/transports/tls_stream.hpp"

namespace agw::controller {

/// One channel as websocket.md has it.
struct channel {
  std::optional<std::uint16_t> id;
  std::string label;
  std::string subprotocol = "msrp";
  bool dcep = false;
  std::string path;
  std::string setup;
  std::vector<std::string> accept_types;
  std::optional<std::uint64_t> max_size;
};

/// What a WIC's offer or answer says.
struct wic_description {
  std::string mid;       ///< of the m= section
  bool bundle = false;   ///< the description had a=group:BUNDLE
  std::string setup;     ///< its role in the handshake: active, passive or actpass
  std::string remote;    ///< the same as a Remote descriptor of stream S1
  std::string ufrag;
  std::string tls_id;    ///< RFC 8842; empty: none
  std::vector<std::string> fingerprints;  ///< sorted
  std::vector<channel> channels;  ///< from a=dcmap and a=dcsa, if there are any
};

/// Why a description cannot be used: a sentence for `error` messages.
struct sdp_refusal {
  std::string text;
};
boost::system::result<wic_description, sdp_refusal> read_wic(std::string_view sdp);

/// Local of S1, with everything left to the gateway, but for the SCTP port where the WIC cannot do with another one.
/// `setup`: passive, active or actpass. `tls_id`: with a=tls-id, as the WIC has one.
std::string association_local(std::string_view setup, std::optional<std::uint16_t> sctp_port, bool ip6 = false, bool tls_id = false);
/// The filled Local for a WIC that offers again: with $ for new ICE credentials and a new a=tls-id where `restart`, and with that a=setup where it
/// had decided for one.
std::string association_local_again(std::string_view filled_local, bool restart, std::string_view setup);
/// Remote with that a=setup.
std::string with_setup(std::string_view remote, std::string_view setup);
/// The channel with what the core peer takes in place of what the WIC takes: everything.
channel toward_wic(channel c);
/// Local of a component on the access side; `path` is the core peer's (or, aware, the gateway's own).
std::string channel_local(const channel& c, std::string_view path, std::string_view setup, bool agnostic);
/// Remote of a component: the WIC's side.
std::string channel_remote(const channel& c, bool agnostic);

/// The description that goes to the WIC: S1's Local as the gateway filled it in, and dcmap/dcsa lines of the channels. `session`: the session's id
/// and version for o=.
std::string description_for_wic(std::string_view filled_local, std::string_view mid, bool bundle, std::string_view setup,
                                const std::vector<std::string>& channel_lines, std::string_view session);
/// a=dcmap and a=dcsa values of a channel, each as a complete line without its end.
std::vector<std::string> channel_lines(const channel& c, std::string_view path, std::string_view setup, bool agnostic);

/// The port in the m= line and the address in the c= line of a filled Local.
struct transport_of_local {
  std::string address;
  std::uint16_t port = 0;
  std::string path;
  std::uint64_t max_message_size = 65536;
};
transport_of_local transport_of(std::string_view filled_local);
/// The a=fingerprint lines of a filled Local that can be taken.
std::vector<dtls::fingerprint> fingerprints_of(std::string_view filled_local);

}  // namespace agw::controller
