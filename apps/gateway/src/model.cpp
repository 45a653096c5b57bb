#include "agw/gateway/model.hpp"

#include <algorithm>
#include <array>
#include <iterator>

namespace agw::gateway {

std::string to_text(const ip_address& host, std::uint16_t port) {
  const auto text = host.to_string();
  return (host.is_v6() ? "[" + text + "]:" : text + ":") + std::to_string(port);
}

namespace {

// In the order of the enumerators.
constexpr std::array<std::string_view, 6> words{"ice", "dtls", "sctp", "channel", "tcp", "tls"};

}  // namespace

std::string_view to_text(layer l) noexcept { return words[static_cast<std::size_t>(l)]; }

std::optional<layer> layer_of(std::string_view stage) noexcept {
  const auto found = std::ranges::find(words, stage);
  if (found == words.end()) return std::nullopt;
  return static_cast<layer>(std::distance(words.begin(), found));
}

}  // namespace agw::gateway
