// A WIC's UDP socket with ICE on it: the datagram pipe below its DTLS, with a round trip of its own where one is asked for.
#pragma once

#include <memory>
#include <optional>

#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/task_group.hpp"
#include "agw/transports/udp.hpp"
#include "delay_line.hpp"
#include "ice_client.hpp"

namespace agw::load {

/// Shard-bound. Outlives the tasks that connect() starts.
class wic_path final : public datagram_pipe {
 public:
  /// `rtt` is added to the way's own: half of it in each direction.
  static result<std::unique_ptr<wic_path>> open(loop_executor executor, const asio::ip::address& address, port_pool& ports, clock::duration rtt,
                                                std::size_t max_datagram_bytes);

  const udp::endpoint& local() const noexcept { return socket_.local(); }
  const ice::credentials& credentials() const noexcept { return credentials_; }

  /// Returns when the gateway has answered the nominating check. Throws stage_error "ice" "failed" when it refuses. Children of `tasks`
  /// keep the path alive, and throw stage_error "ice", "consent" when the gateway stops to answer.
  awaitable<void> connect(task_group& tasks, const udp::endpoint& gateway, ice::credentials theirs, std::uint64_t tie_breaker);

  /// From its next wait on the socket is at rest.
  void rest() noexcept { rests_ = true; }

  awaitable<void> receive(datagram_batch& into) override;
  void send(const datagram_batch& batch) override;
  std::size_t max_datagram_bytes() const noexcept override { return max_datagram_bytes_; }
  void allow_fragments(bool allowed) noexcept override { socket_.allow_fragments(allowed); }

  const udp::traffic& counted() const noexcept { return socket_.counted(); }

 private:
  struct lines {
    explicit lines(clock::duration one_way) : in(one_way), out(one_way) {}
    delay_line in, out;
    event begun;    // something has entered a line that was empty
    event arrived;  // `ready` is not empty
    datagram_batch ready;
  };

  wic_path(udp::socket socket, clock::duration rtt, std::size_t max_datagram_bytes);
  bool read(datagram_batch& into);
  void take(bytes_view datagram, clock::time_point now, datagram_batch& into);
  void transmit(bytes_view datagram, clock::time_point now);
  awaitable<void> wait_or_yield(bool had_something);
  awaitable<void> check();
  awaitable<void> fill_lines();
  awaitable<void> empty_lines();

  udp::socket socket_;
  std::size_t max_datagram_bytes_;
  ice::credentials credentials_ = ice::make_credentials();
  udp::endpoint gateway_;
  std::optional<ice_client> client_;
  std::unique_ptr<lines> delayed_;  // null: no delay
  unsigned busy_ = 0;
  bool rests_ = false;
};

}  // namespace agw::load
