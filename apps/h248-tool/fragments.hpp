// Puts the fragments of IPv4 datagrams together (RFC 791, 3.2): an Add with SDP is often longer than a frame.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace agw::h248_tool {

class fragments {
 public:
  // `key` tells datagrams apart; `offset` in octets. The whole payload once it is there; overlaps keep what came first.
  std::optional<std::string> add(const std::string& key, std::size_t offset, bool more, std::string_view data) {
    if (open_.size() >= most_open && !open_.contains(key)) open_.erase(open_.begin());
    auto& parts = open_[key];
    if (offset + data.size() > largest) return std::nullopt;
    parts.pieces.emplace(offset, data);
    if (!more) parts.size = offset + data.size();
    if (!parts.size) return std::nullopt;
    std::string whole;
    for (const auto& [at, piece] : parts.pieces) {
      if (at > whole.size()) return std::nullopt;
      if (at + piece.size() > whole.size()) whole += std::string_view(piece).substr(whole.size() - at);
    }
    if (whole.size() < *parts.size) return std::nullopt;
    open_.erase(key);
    return whole;
  }
  std::size_t unfinished() const noexcept { return open_.size(); }

 private:
  static constexpr std::size_t most_open = 1000, largest = 65535;
  struct datagram {
    std::map<std::size_t, std::string> pieces;
    std::optional<std::size_t> size;
  };
  std::map<std::string, datagram> open_;
};

}  // namespace agw::h248_tool
