// One endpoint's end of a shared port.
#pragma once

#include <string>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/transports/shared_port.hpp"
#include "ice/packet_port.hpp"

namespace agw::ice {

class lane final : public packet_port {
 public:
  explicit lane(shared_port& owner) noexcept : owner_(owner) {}
  ~lane() override;

  const udp::endpoint& local() const noexcept override { return owner_.local(); }
  udp::traffic counted() const noexcept override { return traffic_; }
  std::span<const udp::arrival> receive() override;
  awaitable<void> wait_readable() override;
  void wake() override { readable_.set(); }
  void rest(std::function<bool()> look) override { look_ = std::move(look); }
  void stir() override { look_ = nullptr; }
  // The socket is everybody's: what nobody verified ends in its table.
  void admit(std::span<const udp::endpoint>) noexcept override {}
  void admit_all() noexcept override {}
  std::uint32_t kernel_drops() const noexcept override { return 0; }
  void send(const datagram_batch& batch, const udp::endpoint& to) override;
  void send(bytes_view datagram, const udp::endpoint& to) override;
  bool set_dscp(unsigned dscp) noexcept override;
  void allow_fragments(bool allowed) noexcept override { fragments_ = allowed; }
  bool shared() const noexcept override { return true; }
  bool name(std::string_view ufrag) override;
  bool claim(std::span<const udp::endpoint> sources) override;

  /// For the port: keeps a copy until receive(). False: the lane is full.
  bool take(const udp::arrival& a);
  /// For the port: nothing waited before the last take(), so that look() is due.
  bool holds_one() const noexcept { return waiting_.sources.size() == 1; }
  /// For the port: what was taken is looked at while at rest, or else wakes the reader.
  void look();

 private:
  // Datagrams and where each came from.
  struct arrivals {
    datagram_batch datagrams;
    std::vector<udp::endpoint> sources;
  };

  shared_port& owner_;
  std::vector<std::string> names_;
  std::vector<udp::endpoint> sources_;
  arrivals waiting_;
  arrivals reading_;
  std::vector<udp::arrival> views_;  // of reading_
  event readable_;
  std::function<bool()> look_;  // while at rest
  udp::traffic traffic_;
  unsigned dscp_ = 0;
  bool fragments_ = true;
};

}  // namespace agw::ice
