// One UDP port for all ICE-lite endpoints of a shard: a firewall opens a handful of ports instead of thousands, and a call takes no descriptor
// for its WIC.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/transports/udp.hpp"

namespace agw::ice {

class lane;
class lane_table;

/// A socket that is read for all its lanes: a connectivity check goes to the lane whose ufrag it names, everything else to the lane from
/// whose agent the source is verified. What is nobody's is dropped and counted: drops "ice" "unknown-ufrag" and "unverified"; what a lane does
/// not take in time "ice" "lane-full". Shard-bound; outlives its lanes.
class shared_port {
 public:
  /// Binds to a port of `ports` on `address`. transport_error::no_port, or the system's error.
  static result<std::unique_ptr<shared_port>> open(loop_executor executor, const asio::ip::address& address, port_pool& ports);
  ~shared_port();
  shared_port(const shared_port&) = delete;
  shared_port& operator=(const shared_port&) = delete;

  const udp::endpoint& local() const noexcept { return socket_.local(); }
  std::size_t lanes() const noexcept;

  /// Reads until it is cancelled. Always pending while there are lanes.
  awaitable<void> run();

 private:
  friend class lane;
  explicit shared_port(udp::socket socket);
  void dispatch(std::span<const udp::arrival> arrivals);
  void count_kernel_drops();
  // DSCP and fragments belong to the socket: it takes on what the lane that sends next wants.
  bool become(unsigned dscp, bool fragments);

  udp::socket socket_;
  std::unique_ptr<lane_table> table_;
  std::vector<lane*> due_;  // to look at what came, in dispatch()
  unsigned dscp_ = 0;
  bool fragments_ = true;
  std::uint32_t kernel_drops_ = 0;
};

/// The shared ports of a process, at most one for each loop and address. Filled before the loops use it.
class shared_ports {
 public:
  /// As shared_port::open(), and found from now on.
  result<shared_port*> open(loop_executor executor, const asio::ip::address& address, port_pool& ports);
  /// The one on `address` that `executor`'s loop reads; null: none.
  shared_port* find(const loop_executor& executor, const asio::ip::address& address) const;

 private:
  struct entry {
    loop_executor executor;
    std::unique_ptr<shared_port> port;
  };
  std::deque<entry> entries_;
};

}  // namespace agw::ice
