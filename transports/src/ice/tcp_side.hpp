// ICE over TCP, passive (RFC 6544): a listener whose connections carry framed datagrams.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>


#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/sockets.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/connection_quota.hpp"
#include "agw/transports/ice_agent.hpp"
#include "agw/transports/port_pool.hpp"

namespace agw::ice {

struct tcp_limits {
  std::size_t connections = 8;                                      ///< of one endpoint; beyond it the oldest without a valid check goes
  connection_quota* extra = &extra_tcp_quota();                     ///< from which each beyond own_tcp_connections takes a share
  clock::duration until_checked = std::chrono::seconds(10);         ///< a connection without a valid check by then is closed
  clock::duration idle = std::chrono::seconds(60);                  ///< and one that is checked but silent; browsers check each 25 s
  std::size_t max_queued_bytes = 1 << 20;                           ///< to one peer; what does not fit is dropped, as by a socket
};

/// What the connections tell their owner.
class tcp_owner {
 public:
  virtual ~tcp_owner() = default;
  virtual bool admits_connection(const udp::endpoint& from) = 0;
  /// A frame came. Returns whether its source is verified now.
  virtual bool on_frame(std::span<std::byte> frame, const route& source) = 0;
  /// Whether a reader has to wait before it reads on; tcp_side::resume() ends that.
  virtual bool congested() const = 0;
  virtual void on_gone(const route& source) = 0;
};

/// The value of the a=candidate line of a listener.
std::string passive_candidate(std::string_view foundation, const asio::ip::address& address, std::uint16_t port);

/// Listens from the beginning, accepts while serve() runs. Shard-bound; outlives serve().
class tcp_side {
 public:
  static result<std::unique_ptr<tcp_side>> listen(loop_executor executor, const asio::ip::address& address, port_pool& ports,
                                                  const tcp_limits& limits = {});
  ~tcp_side();

  std::uint16_t port() const noexcept { return port_; }
  /// Until cancelled. One at a time. `owner` outlives it.
  awaitable<void> serve(tcp_owner& owner);
  /// Frames for one connection; dropped and counted when that is gone or its peer does not read.
  void send(const datagram_batch& batch, std::uint32_t number);
  void send(bytes_view datagram, std::uint32_t number);
  /// A connection's source is verified now, which its last on_frame() could not tell yet.
  void verified(std::uint32_t number);
  /// Readers go on.
  void resume();
  bool set_dscp(unsigned dscp) noexcept;
  const udp::traffic& counted() const noexcept { return traffic_; }

 private:
  struct connection;
  tcp_side(tcp_acceptor acceptor, port_lease lease, const tcp_limits& limits);
  awaitable<void> accept(task_group& tasks, tcp_owner& owner);
  awaitable<void> run(std::shared_ptr<connection> c, tcp_owner& owner);
  clock::time_point due(const connection& c) const;
  awaitable<void> read(connection& c, tcp_owner& owner);
  awaitable<void> write(connection& c);
  std::optional<connection_quota::share> place();

  port_lease lease_;
  tcp_acceptor acceptor_;
  std::uint16_t port_ = 0;
  tcp_limits limits_;
  std::map<std::uint32_t, std::shared_ptr<connection>> connections_;
  std::uint32_t last_number_ = 0;
  unsigned dscp_ = 0;
  udp::traffic traffic_;
};

}  // namespace agw::ice
