// What a controller asks for in a call between a WIC and a TCP peer, both on loopback.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "agw/gateway/context.hpp"

namespace agw::testing {

inline const gateway::ip_address loopback = asio::ip::address_v4::loopback();
/// The terminations of a call, and its streams: s1 is the association.
inline constexpr gateway::termination_id access_side{1};
inline constexpr gateway::termination_id core_side{2};
inline constexpr gateway::stream_number s1{1};
inline constexpr gateway::stream_number s2{2};
inline constexpr gateway::stream_number s3{3};

/// An interface of loopback, on the side that the id says.
inline gateway::termination_change change_of(gateway::termination_id id) {
  gateway::termination_change out;
  out.id = id;
  out.name = id == access_side ? "ip/1/access/1" : "ip/1/core/1";
  out.addresses = loopback;
  return out;
}

/// TCP without TLS towards the core: we dial `remote_port`, or wait for a peer.
inline gateway::stream_change bearer_change(gateway::setup_role setup, std::optional<std::uint16_t> remote_port = {},
                                            std::optional<gateway::setup_role> theirs = {}) {
  gateway::stream_change out;
  gateway::bearer_local local;
  local.setup = setup;
  out.local = local;
  out.mode = stream_mode::send_receive;
  if (remote_port) {
    gateway::bearer_remote remote;
    remote.address = loopback;
    remote.port = *remote_port;
    remote.setup = theirs;
    out.remote = remote;
  }
  return out;
}

/// A data channel with the subprotocol "msrp".
inline gateway::stream_change channel_change(std::uint16_t sid) {
  gateway::stream_change out;
  gateway::channel_local local;
  local.sid = sid;
  local.subprotocol = "msrp";
  out.local = local;
  out.remote = gateway::channel_remote();
  out.mode = stream_mode::send_receive;
  return out;
}

/// A change of that side with one stream.
inline gateway::termination_change with_stream(gateway::termination_id id, gateway::stream_number n, gateway::stream_change wanted) {
  auto out = change_of(id);
  out.streams.emplace(n, std::move(wanted));
  return out;
}

/// What was granted. Throws std::logic_error with the refusal, if there was one.
inline const gateway::termination_answer& granted(const boost::system::result<gateway::termination_answer, gateway::refusal>& answer) {
  if (!answer) throw std::logic_error("refused: " + answer.error().text);
  return *answer;
}
/// What was reserved for a stream.
inline gateway::bearer_answer bearer_of(const gateway::termination_answer& a, gateway::stream_number n = s2) {
  return std::get<gateway::bearer_answer>(a.streams.at(n));
}
inline gateway::association_answer association_of(const gateway::termination_answer& a) {
  return std::get<gateway::association_answer>(a.streams.at(s1));
}

/// A whole message in one chunk, with paths that agnostic mode passes on as they are.
inline std::string msrp_send(std::string_view id, std::string_view text) {
  return "MSRP " + std::string(id) + " SEND\r\nTo-Path: msrp://127.0.0.1:1/a;tcp\r\nFrom-Path: msrp://127.0.0.1:2/b;tcp\r\n" +
         "Message-ID: " + std::string(id) + "\r\nByte-Range: 1-" + std::to_string(text.size()) + "/" + std::to_string(text.size()) +
         "\r\nContent-Type: text/plain\r\n\r\n" + std::string(text) + "\r\n-------" + std::string(id) + "$\r\n";
}

}  // namespace agw::testing
