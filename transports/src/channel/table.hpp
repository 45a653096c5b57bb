// The data channels of one association: opening, accepting, early data, resets, fairness in sending, bounds in receiving.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "agw/core/awaitable.hpp"
#include "agw/core/error.hpp"
#include "agw/core/lazy_deque.hpp"
#include "agw/transports/sctp_association.hpp"
#include "channel/state.hpp"
#include "sctp/socket.hpp"

namespace agw::sctp {

/// What the table needs of the association. All of it is synchronous.
class channel_host {
 public:
  virtual send_outcome transmit(bytes_view message, const send_options& options) = 0;
  virtual bool request_reset(std::uint16_t stream) = 0;
  virtual bool request_streams(std::uint16_t outgoing, std::uint16_t incoming) = 0;
  /// Messages and chunks that wait in usrsctp.
  virtual std::size_t queued() const = 0;
  /// Less is held than before: the peer may be told of a larger window.
  virtual void window_changed() = 0;
  /// Parts of a message on this stream are not wanted any more.
  virtual void discard_parts(std::uint16_t stream) = 0;
  /// expire() is to be called by then.
  virtual void rearm_by(deadline by) = 0;

 protected:
  ~channel_host() = default;
};

/// Shard-bound. No message is lost silently: each that is dropped is counted.
class channel_table {
 public:
  using channel = std::shared_ptr<channel_state>;
  using handle = std::unique_ptr<data_channel>;  // its destructor closes the channel, also when an opening is cancelled

  channel_table(loop_executor executor, channel_host& host, const config& options)
      : executor_(std::move(executor)), host_(host), options_(options), alive_(std::make_shared<bool>(true)) {
    hold_config limits;
    limits.window_bytes = options.receive_buffer_bytes;
    limits.share_bytes = options.channel_buffer_bytes;
    limits.limit = options.hold_limit;
    ledger_ = std::make_shared<hold_ledger>(limits);
  }
  ~channel_table() { *alive_ = false; }

  // What SCTP brings.
  void on_established(std::uint16_t outgoing, std::uint16_t incoming);
  void on_message(std::uint16_t stream, std::uint32_t ppid, std::vector<std::byte> bytes);
  /// A part of a message has come, and waits outside for the rest of it. False: the message is not wanted.
  bool hold_part(std::uint16_t stream, std::size_t bytes);
  void release_part(std::uint16_t stream, std::size_t bytes);
  /// The peer has reset the stream, everything before that has been handed to on_message().
  void on_incoming_reset(std::uint16_t stream);
  /// The peer's answer to our reset.
  void on_outgoing_reset(std::uint16_t stream, bool performed);
  void on_streams_changed(std::uint16_t outgoing, std::uint16_t incoming, bool refused);
  /// There may be room in the send buffer.
  void on_room();
  /// The association has ended; every channel gets `error` behind what was queued.
  void fail(std::exception_ptr error);
  /// The association is being destroyed: channels that are left lose their table.
  void detach();
  /// A message too big, or that cannot be put together: the channel is closed.
  void refuse(std::uint16_t stream);
  void expire(clock::time_point now);
  deadline next_deadline() const;
  hold_ledger& held() const noexcept { return *ledger_; }
  bool waiting_to_send() const noexcept { return !waiting_.empty(); }
  std::uint16_t outgoing_streams() const noexcept { return outgoing_; }
  std::uint16_t incoming_streams() const noexcept { return incoming_; }
  std::vector<std::uint16_t> open_streams() const;
  /// See association::obstacle().
  std::string_view obstacle(std::uint16_t id) const;
  static std::string_view obstacle(const config& options, std::uint16_t id) noexcept;

  // What the user asks.
  awaitable<handle> open(std::uint16_t id, std::string label, std::string protocol, channel_transfer transfer = {});
  awaitable<handle> accept(channel_expectation expected);
  awaitable<handle> open_with_dcep(dcep_open wanted, std::optional<std::uint16_t> id);
  bool try_send(channel_state& c, bytes_view bytes, message_kind kind);
  void start_close(channel_state& c);
  void release(channel_state& c);
  void taken() { host_.window_changed(); }
  std::size_t max_message_bytes() const noexcept;

 private:
  struct expectation {
    explicit expectation(channel_expectation w) : wanted(std::move(w)) {}
    channel_expectation wanted;
    channel matched;
    event done;
  };

  channel find(std::uint16_t stream) const;
  channel add(std::uint16_t stream);
  void forget_if_finished(channel_state& c);
  void discard(channel_state& c);
  void wait_for_user(channel_state& c);
  void after_hold();
  void close_overdue(clock::time_point now);
  static void fail_alone(channel_state& c, const stage_error& error);
  void on_dcep(const channel& c, bytes_view bytes);
  void on_open(const channel& c, dcep_open open);
  bool match(const channel& c, const dcep_open& open);
  static void name_from(channel_state& c, const dcep_open& open);
  static void adopt(channel_state& c, const dcep_open& open);
  void control(std::uint16_t stream, std::vector<std::byte> bytes);
  void flush_control();
  void enqueue(channel_state& c, bool first);
  bool room_for_small(std::size_t bytes);
  void grant_next();
  void announce();
  awaitable<void> wait_for_change(deadline by);
  awaitable<void> need_streams(std::uint16_t id);
  std::uint16_t free_id() const;

  loop_executor executor_;
  channel_host& host_;
  const config& options_;
  std::shared_ptr<bool> alive_;  // for posted handlers
  std::shared_ptr<hold_ledger> ledger_;
  std::map<std::uint16_t, channel> channels_;
  std::list<expectation*> expectations_;
  std::list<event*> watchers_;  // coroutines that wait for an id or for streams
  lazy_deque<std::weak_ptr<channel_state>> waiting_;
  std::weak_ptr<channel_state> granted_;
  std::uint64_t grant_ = 0;
  std::uint64_t turns_ = 0;  // that the channel of the last turn had had, for its priority
  lazy_deque<std::pair<std::uint16_t, std::vector<std::byte>>> control_;
  unsigned small_since_check_ = 0;
  std::uint16_t outgoing_ = 0;
  std::uint16_t incoming_ = 0;
  unsigned refusals_ = 0;
  std::exception_ptr failure_;
};

}  // namespace agw::sctp
