// The connections of a server: how many there are, whose, and which of them gives way to a new one.
#pragma once

#include <cstddef>
#include <list>


#include "agw/core/clock.hpp"
#include "agw/core/sockets.hpp"
#include "agw/http/server.hpp"

namespace agw::http {

/// Shard-bound.
class connection_table {
 public:
  /// What a connection does: those that wait for a request, or for the rest of one, may be closed for others.
  enum class phase { waiting, answering, websocket };

  /// A connection, from accept to its end; owns the socket until it becomes a WebSocket's.
  class entry {
   public:
    entry(connection_table& table, tcp_socket socket, asio::ip::address host);
    entry(const entry&) = delete;
    entry& operator=(const entry&) = delete;
    ~entry();
    tcp_socket& socket() noexcept { return socket_; }
    void set(phase to) noexcept;
    /// Becomes a WebSocket; false: there are too many.
    bool upgrade() noexcept;

   private:
    friend class connection_table;
    connection_table& table_;
    tcp_socket socket_;
    asio::ip::address host_;
    clock::time_point since_ = clock::now();
    phase phase_ = phase::waiting;
    bool leaving_ = false;
    std::list<entry*>::iterator self_;
  };

  explicit connection_table(const server_config& config) : config_(config) {}

  /// Room for one more connection from `host`, where need be by closing another one. False: there is none.
  bool make_room(const asio::ip::address& host);
  /// All that have not ended yet.
  std::size_t size() const noexcept { return all_.size(); }

  /// What stands for a host: an IPv4 address, also one mapped into IPv6, or the /64 network of an IPv6 address.
  static asio::ip::address host_of(const asio::ip::address& address);

 private:
  template <class F>
  std::size_t count(F f) const;
  bool close_idlest(const asio::ip::address* host);

  const server_config& config_;
  std::list<entry*> all_;
};

}  // namespace agw::http
