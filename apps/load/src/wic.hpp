// A WIC: the client side of ICE, DTLS, SCTP and one data channel, on agw's transports.
#pragma once

#include <memory>
#include <optional>

#include "agw/core/stage.hpp"
#include "agw/core/sweep.hpp"
#include "agw/transports/data_channel.hpp"
#include "agw/transports/dtls.hpp"
#include "agw/transports/sctp_association.hpp"
#include "call_description.hpp"
#include "wic_path.hpp"

namespace agw::load {

/// What all WICs share.
struct wic_settings {
  asio::ip::address address;
  port_pool* ports = nullptr;
  std::shared_ptr<const dtls::context> identity;
  clock::duration rtt{};
  std::size_t mtu = 1200;
  std::uint16_t sctp_port = 0;  ///< 0: each has its own
  std::size_t buffer_bytes = 1 << 20;
  bool dcep = false;
};

/// Shard-bound. Outlives the tasks that connect() starts.
class wic {
 public:
  /// The system's error when there is no port.
  static result<std::unique_ptr<wic>> open(loop_executor executor, const wic_settings& settings, std::uint64_t number);

  wic_description description() const;
  /// Through all layers to the open channel. Throws stage_error. A child of `layers` serves the association until drop(); those of `tasks`
  /// serve the path, and throw when consent is lost.
  awaitable<void> connect(stage_scope& scope, task_group& tasks, task_group& layers, const gateway_description& gateway);
  sctp::data_channel& channel() noexcept { return *channel_; }
  std::uint64_t number() const noexcept { return number_; }
  void rest() { path_->rest(); }
  /// Says close_notify, and ends all layers above the path without waiting.
  void drop();

 private:
  wic(const wic_settings& settings, std::unique_ptr<wic_path> path, std::uint64_t number)
      : settings_(settings), path_(std::move(path)), number_(number) {}
  awaitable<std::unique_ptr<sctp::data_channel>> open_channel();

  const wic_settings& settings_;
  std::unique_ptr<wic_path> path_;
  std::uint64_t number_;
  std::unique_ptr<dtls::session> session_;
  std::optional<sweep_entry> looked_at_;
  std::unique_ptr<sctp::association> association_;
  std::unique_ptr<sctp::data_channel> channel_;
};

}  // namespace agw::load
