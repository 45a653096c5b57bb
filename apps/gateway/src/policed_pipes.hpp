// The three kinds of pipe with a policer before their reader. Without limits they cost nothing: calls go straight through.
#pragma once

#include <algorithm>
#include <memory>

#include "agw/core/metrics.hpp"
#include "agw/core/pipe.hpp"
#include "agw/core/until.hpp"
#include "traffic_policer.hpp"

namespace agw::gateway {

/// Waits until the policer allows the next read; checks twice a second, because limits may change meanwhile. `waits()` is called each time, unless
/// the rate is 0.
template <class F>
awaitable<void> pause(traffic_policer& policer, F waits) {
  for (;;) {
    const auto now = clock::now();
    const auto at = policer.resume_at(now);
    if (at <= now) co_return;
    if (at != no_deadline) waits();
    co_await sleep_until(std::min<clock::time_point>(at, now + std::chrono::milliseconds(500)));
  }
}

/// Datagrams beyond the limits are dropped and counted (drops "police" "rate"), as H.248.53 has it.
class policed_path final : public datagram_pipe {
 public:
  policed_path(std::unique_ptr<datagram_pipe> lower, traffic_policer& policer) : lower_(std::move(lower)), policer_(policer) {}

  awaitable<void> receive(datagram_batch& into) override { return policer_.active() ? admitted(into) : lower_->receive(into); }
  void send(const datagram_batch& batch) override { lower_->send(batch); }
  std::size_t max_datagram_bytes() const noexcept override { return lower_->max_datagram_bytes(); }
  void allow_fragments(bool allowed) noexcept override { lower_->allow_fragments(allowed); }

 private:
  awaitable<void> admitted(datagram_batch& into) {
    const auto before = into.size();
    while (into.size() == before) {
      arrived_.clear();
      co_await lower_->receive(arrived_);
      const auto now = clock::now();
      for (std::size_t i = 0; i < arrived_.size(); ++i) {
        const bytes_view one = std::as_const(arrived_)[i];
        if (policer_.admit(one.size(), now)) {
          into.push(one);
        } else {
          count_drop("police", "rate");
        }
      }
    }
  }

  std::unique_ptr<datagram_pipe> lower_;
  traffic_policer& policer_;
  datagram_batch arrived_;
};

/// A data channel: nothing is dropped, the reader slows down, and SCTP's window with it.
class policed_channel final : public message_pipe {
 public:
  policed_channel(std::unique_ptr<message_pipe> lower, traffic_policer& policer) : lower_(std::move(lower)), policer_(policer) {}

  awaitable<bool> receive(std::vector<message>& into) override { return policer_.active() ? slowly(into) : lower_->receive(into); }
  bool try_send(bytes_view message, message_kind kind) override { return lower_->try_send(message, kind); }
  awaitable<void> send_ready() override { return lower_->send_ready(); }
  std::size_t max_message_bytes() const noexcept override { return lower_->max_message_bytes(); }
  void in_use() noexcept override { lower_->in_use(); }
  awaitable<void> close(deadline by) override { return lower_->close(by); }

 private:
  awaitable<bool> slowly(std::vector<message>& into) {
    // Data passes at the rate that was ordered, though a large message is paid for during a long pause.
    const auto in_use = [this] { lower_->in_use(); };
    co_await pause(policer_, in_use);
    const auto before = into.size();
    const bool open = co_await lower_->receive(into);
    std::uint64_t octets = 0;
    for (std::size_t i = before; i < into.size(); ++i) octets += into[i].bytes.size();
    policer_.spend(octets, clock::now());
    co_return open;
  }

  std::unique_ptr<message_pipe> lower_;
  traffic_policer& policer_;
};

/// TCP or TLS: as with a channel.
class policed_stream final : public byte_stream {
 public:
  policed_stream(std::unique_ptr<byte_stream> lower, traffic_policer& policer) : lower_(std::move(lower)), policer_(policer) {}

  awaitable<std::size_t> read_some(std::span<std::byte> into) override {
    return policer_.active() ? slowly(into) : lower_->read_some(into);
  }
  awaitable<void> write(std::span<const bytes_view> pieces) override { return lower_->write(pieces); }
  awaitable<void> close(deadline by) override { return lower_->close(by); }

 private:
  awaitable<std::size_t> slowly(std::span<std::byte> into) {
    const auto nothing = [] {};
    co_await pause(policer_, nothing);
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(policer_.largest_read(), into.size()));
    const std::size_t count = co_await lower_->read_some(into.first(most));
    policer_.spend(count, clock::now());
    co_return count;
  }

  std::unique_ptr<byte_stream> lower_;
  traffic_policer& policer_;
};

}  // namespace agw::gateway
