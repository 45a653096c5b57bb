// Which lane of a shared port a datagram is for: no I/O.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "agw/transports/udp.hpp"

namespace agw::ice {

class lane;

/// The ufrag of ours that a connectivity check names in its USERNAME, "<ours>:<the peer's>" (RFC 8445, 7.2.2); empty when it is no STUN request or
/// has none. Nothing is checked beyond what finding it takes.
std::string_view ufrag_of(bytes_view datagram) noexcept;

/// Ufrags and sources, each of one lane. A source that a lane has stays its own until that lane lets go: whoever may send checks to one call
/// must not draw off another's data by a forged source address.
class lane_table {
 public:
  bool name(std::string_view ufrag, lane& of);
  void forget_name(std::string_view ufrag, const lane& of);
  bool claim(const udp::endpoint& source, lane& of);
  void let_go(const udp::endpoint& source, const lane& of);

  /// Null: nobody's. `named`: it is a check that names a ufrag.
  lane* find(bytes_view datagram, const udp::endpoint& source, bool& named) const;
  std::size_t names() const noexcept { return names_.size(); }
  std::size_t claims() const noexcept { return sources_.size(); }

 private:
  struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>()(text); }
  };
  struct endpoint_hash {
    std::size_t operator()(const udp::endpoint& e) const noexcept {
      // All of it: address and port, without what sockaddr pads with.
      return std::hash<asio::ip::address>()(e.address()) * 0x9E3779B97F4A7C15u + e.port();
    }
  };
  std::unordered_map<std::string, lane*, text_hash, std::equal_to<>> names_;
  std::unordered_map<udp::endpoint, lane*, endpoint_hash> sources_;
};

}  // namespace agw::ice
