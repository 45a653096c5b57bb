// The configured port range LOW-HIGH, from which the gateway takes the ports that it names in SDP.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "agw/core/awaitable.hpp"

namespace agw {

/// UDP and TCP ports are counted apart: the same number may be leased once for each.
enum class port_protocol { udp, tcp };

class port_pool;

/// Holds a port of a pool while it lives; closing the socket is the holder's part, and comes first. May outlive the pool.
class port_lease {
 public:
  port_lease() = default;
  port_lease(port_lease&& other) noexcept;
  port_lease& operator=(port_lease&& other) noexcept;
  ~port_lease();
  /// 0 for an empty lease, as a pool without a range gives them.
  std::uint16_t port() const noexcept { return port_; }

 private:
  friend class port_pool;
  struct table;
  port_lease(std::shared_ptr<table> owner, port_protocol protocol, std::uint16_t port) noexcept;
  void release() noexcept;

  std::shared_ptr<table> table_;
  port_protocol protocol_ = port_protocol::udp;
  std::uint16_t port_ = 0;
};

/// Ports are leased in turn, so that a port that was returned is reused last: late datagrams of an old call do not reach a new one.
/// Shared by all shards and safe from any thread; used only while something is set up. Realms with different addresses may share
/// a pool or have one each.
class port_pool {
 public:
  /// Both ends belong to the range, 1 <= low <= high. {0, 0} is no range: the kernel chooses each port.
  port_pool(std::uint16_t low, std::uint16_t high);
  port_pool(const port_pool&) = delete;
  port_pool& operator=(const port_pool&) = delete;

  /// Tries free ports in turn until `bind` succeeds: it really binds its socket to the port that it is given. A port that others
  /// hold (address_in_use) is passed over; any other error ends the search and is returned. transport_error::no_port when the
  /// whole range is taken. `bind` runs without the pool's lock.
  result<port_lease> bind(port_protocol protocol, const std::function<error_code(std::uint16_t port)>& bind);

  std::uint16_t low() const noexcept;
  std::uint16_t high() const noexcept;
  /// Leases that are out, both protocols.
  std::size_t leased() const;
  /// How much of the range is leased for the protocol that has more of it leased: 0 to 1; 0 without a range.
  double share_leased() const;
  std::size_t leased(port_protocol protocol) const;
  /// Ports of the range, for each protocol; 0 without a range.
  std::size_t size() const noexcept;

 private:
  std::shared_ptr<port_lease::table> table_;
};

}  // namespace agw
