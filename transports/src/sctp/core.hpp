// The state of one association: the usrsctp socket, the packets in and out, and the table of its channels.
#pragma once

#include <cstdint>
#include <exception>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/core/pipe.hpp"
#include "agw/transports/sctp_association.hpp"
#include "channel/table.hpp"
#include "sctp/congestion.hpp"
#include "sctp/mailbox.hpp"
#include "sctp/mtu_probe.hpp"
#include "sctp/observer.hpp"
#include "sctp/pacer.hpp"
#include "sctp/path_watch.hpp"
#include "sctp/receive_window.hpp"
#include "sctp/round_trip.hpp"
#include "sctp/send_buffer.hpp"
#include "sctp/socket.hpp"
#include "sctp/t3_restart.hpp"
#include "sctp/window.hpp"

namespace agw::sctp {

/// Held by the association and, while it runs, by the pump. Shard-bound, but for its mailbox.
class association_core final : public std::enable_shared_from_this<association_core>, mailbox_owner, channel_host {
 public:
  association_core(loop_executor executor, datagram_pipe& lower, const config& options);
  ~association_core();

  /// Sends INIT, or waits for it.
  void start();
  awaitable<void> established();
  /// The child of the caller's group: moves packets until the association ends, is abandoned or `lower` fails.
  static awaitable<void> pump(std::shared_ptr<association_core> self);
  awaitable<void> close(deadline by);
  /// ABORT, unless it has ended. No member but the destructor may be called afterwards; the pump ends by itself.
  void abandon();

  channel_table& channels() noexcept { return channels_; }
  association_statistics statistics() const;

 private:
  enum class phase { opening, established, shutting_down, ended };

  // mailbox_owner, channel_host
  void on_packet(bytes_view packet) override;
  void on_foreign(const datagram_batch& packets) override;
  void on_exhausted() noexcept override { exhausted_ = true; }
  send_outcome transmit(bytes_view message, const send_options& options) override;
  bool request_reset(std::uint16_t stream) override;
  bool request_streams(std::uint16_t outgoing, std::uint16_t incoming) override;
  std::size_t queued() const override;
  void window_changed() override;
  void discard_parts(std::uint16_t stream) override;
  void rearm_by(deadline by) override {
    if (by < watched_until_) rearmed_.set();
  }

  awaitable<void> receive_packets();
  awaitable<void> keep_watch();
  awaitable<void> keep_pace();
  void input(const datagram_batch& packets);
  void take(bytes_view packet, bool needed, clock::time_point now);
  void fit_window(bytes_view packet, bool brings_data, clock::time_point now);
  void feed(bytes_view packet);
  void after_input();
  void read();
  void on_data(const received& part, bytes_view bytes);
  void on_notification(bytes_view bytes);
  void on_stream_reset(unsigned flags, bytes_view list);
  void on_association_change(std::uint16_t state);
  void on_part_lost(std::uint16_t stream, bool unordered);
  void end(const char* reason, error_code code);
  void fail(std::exception_ptr error);
  void schedule_flush();
  void flush();
  void check_progress(clock::time_point now);
  void check_heartbeat(clock::time_point now);
  void push_heartbeat(bytes_view packet, clock::time_point now);
  void check_packet_size(clock::time_point now);
  void check_round_trip(clock::time_point now);
  void allow_fragments(bool allowed);
  bool stands_still() const noexcept;
  void put_out(bytes_view packet);
  std::size_t window_within(std::size_t room);
  void queue_data(bytes_view packet, bool again);
  void leave(bytes_view packet, clock::time_point now);
  void release();
  void steer(bytes_view packet, clock::time_point now);
  void repair(clock::time_point now);
  std::size_t held_room() const noexcept;
  deadline next_deadline() const;
  deadline stalled_at() const;

  using part_key = std::pair<std::uint16_t, bool>;
  struct part {
    std::vector<std::byte> bytes;
    bool unwanted = false;  // what follows is dropped
  };

  loop_executor executor_;
  datagram_pipe* lower_;
  const config options_;
  std::shared_ptr<mailbox> box_;
  std::optional<sctp_socket> socket_;
  packet_observer observer_;
  channel_table channels_;
  phase phase_ = phase::opening;
  std::exception_ptr failure_;
  datagram_batch out_;
  bool flush_scheduled_ = false;
  bool reading_ = false;
  bool abandoned_ = false;
  bool exhausted_ = false;         // a callback had no memory
  bool pumping_ = false;
  bool reported_by_pump_ = false;  // the failure came after open() had returned
  deadline watched_until_ = no_deadline;  // keep_watch() looks then
  clock::time_point watch_start_{};
  std::map<part_key, part> parts_;  // messages that usrsctp delivers in parts
  window_announcer window_;
  receive_window path_window_;  // what the path needs; window_ is told no more
  bool trip_asked_ = false;     // for it
  path_watch path_;
  mtu_probe packets_;
  round_trip_check trips_;
  t3_restart t3_;
  congestion_control congestion_;
  pacer pacer_;
  send_buffer send_buffer_;
  std::size_t applied_window_ = 0;  // what usrsctp was told
  std::optional<bool> fragments_;  // what lower_ was told
  event opened_;
  event drained_;  // for close(): SHUTDOWN is complete
  event pumped_;   // for close(): the pump has ended
  event rearmed_;
  event paced_;    // for keep_pace(): packets wait
};

}  // namespace agw::sctp
