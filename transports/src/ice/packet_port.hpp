// Where an ICE-lite endpoint's datagrams come from and go to: a socket of its own, or a lane of a shared port.
#pragma once

#include <memory>
#include <string_view>

#include "agw/transports/udp.hpp"

namespace agw::ice {

// A call that carried nothing for so long is at rest: what comes are checks.
inline constexpr auto rests_after = std::chrono::seconds(1);

/// As udp::socket has it, and what a shared port has to know. Shard-bound. May be destroyed when no wait_readable() is pending.
class packet_port {
 public:
  virtual ~packet_port() = default;
  virtual const udp::endpoint& local() const noexcept = 0;
  virtual udp::traffic counted() const noexcept = 0;
  virtual std::span<const udp::arrival> receive() = 0;
  virtual awaitable<void> wait_readable() = 0;
  virtual void wake() = 0;
  virtual void rest(std::function<bool()> look) = 0;
  virtual void stir() = 0;
  virtual void admit(std::span<const udp::endpoint> sources) noexcept = 0;
  virtual void admit_all() noexcept = 0;
  virtual std::uint32_t kernel_drops() const noexcept = 0;
  virtual void send(const datagram_batch& batch, const udp::endpoint& to) = 0;
  virtual void send(bytes_view datagram, const udp::endpoint& to) = 0;
  virtual bool set_dscp(unsigned dscp) noexcept = 0;
  virtual void allow_fragments(bool allowed) noexcept = 0;

  /// Whether it has to be told names and sources.
  virtual bool shared() const noexcept { return false; }
  /// Checks that name this ufrag are ours, as are those of the two named before. False: another lane has it.
  virtual bool name(std::string_view ufrag) {
    static_cast<void>(ufrag);
    return true;
  }
  /// Datagrams from these sources are ours, and from no others. False: another lane has one of them, and keeps it.
  virtual bool claim(std::span<const udp::endpoint> sources) {
    static_cast<void>(sources);
    return true;
  }
};

/// A socket of one's own.
class own_port final : public packet_port {
 public:
  explicit own_port(udp::socket s) noexcept : socket_(std::move(s)) {}
  const udp::endpoint& local() const noexcept override { return socket_.local(); }
  udp::traffic counted() const noexcept override { return socket_.counted(); }
  std::span<const udp::arrival> receive() override { return socket_.receive(); }
  awaitable<void> wait_readable() override { return socket_.wait_readable(); }
  void wake() override { socket_.wake(); }
  void rest(std::function<bool()> look) override { socket_.rest(std::move(look)); }
  void stir() override { socket_.stir(); }
  void admit(std::span<const udp::endpoint> sources) noexcept override { socket_.admit(sources); }
  void admit_all() noexcept override { socket_.admit_all(); }
  std::uint32_t kernel_drops() const noexcept override { return socket_.kernel_drops(); }
  void send(const datagram_batch& batch, const udp::endpoint& to) override { socket_.send(batch, to); }
  void send(bytes_view datagram, const udp::endpoint& to) override { socket_.send(datagram, to); }
  bool set_dscp(unsigned dscp) noexcept override { return socket_.set_dscp(dscp); }
  void allow_fragments(bool allowed) noexcept override { socket_.allow_fragments(allowed); }

 private:
  udp::socket socket_;
};

}  // namespace agw::ice
