#include "agw/transports/sctp_messages.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <optional>

#include <usrsctp.h>

#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "sctp/chunks.hpp"
#include "sctp/crc32c.hpp"
#include "sctp/mailbox.hpp"
#include "sctp/socket.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

config options_of(const messages_config& from) {
  config out;
  out.local_port = from.local_port;
  out.remote_port = from.remote_port;
  out.streams = 1;
  out.max_inbound_streams = 16;
  out.max_message_bytes = from.max_message_bytes;
  out.send_buffer_bytes = out.receive_buffer_bytes = std::max<std::size_t>(256 << 10, 2 * from.max_message_bytes);
  return out;
}

std::uint8_t first_chunk(bytes_view packet) { return std::to_integer<std::uint8_t>(packet[common_header_bytes]); }

}  // namespace

struct message_association::impl final : mailbox_owner {
  impl(loop_executor executor, const messages_config& c, message_host& h)
      : config(c), host(h), box(register_mailbox(std::move(executor), *this)) {}

  ~impl() {
    ended = true;
    {
      const inside_usrsctp here(box->id(), *this);
      socket.reset();
    }
    unregister_mailbox(*box);
  }

  void start(message_side side) {
    const inside_usrsctp here(box->id(), *this);
    listening = side == message_side::listen;
    socket.emplace(box->id(), options_of(config), config.path_mtu_bytes);
    path_limits limits;
    limits.heartbeat = config.heartbeat;
    limits.max_retransmissions = config.max_retransmissions;
    limits.max_init_attempts = config.max_init_attempts;
    socket->limit_path(limits);
    if (listening) {
      socket->listen();
    } else {
      socket->connect(config.remote_port);
    }
  }

  // mailbox_owner
  void on_packet(bytes_view packet) override { host.on_packet(packet); }
  void on_foreign(const datagram_batch& packets) override {
    for (std::size_t i = 0; i < packets.size(); ++i) host.on_packet(packets[i]);
    after_input();
  }
  void on_exhausted() noexcept override { exhausted = true; }

  void input(bytes_view packet) {
    if (ended) return;
    if (!checksum_holds(packet)) return count_drop("sctp", "checksum");
    {
      const inside_usrsctp here(box->id(), *this);
      usrsctp_conninput(reinterpret_cast<void*>(box->id()), packet.data(), packet.size(), 0);
      if (listening && socket->accept()) listening = false;
    }
    after_input();
  }

  void after_input() {
    if (exhausted) {
      count_drop("sctp", "no-memory");
      return end("abort");
    }
    if (!listening) read();
    flush();
  }

  void read() {
    if (ended || std::exchange(reading, true)) return;
    const scope_guard done([this] { reading = false; });
    thread_local std::vector<std::byte> buffer(read_bytes);
    while (!ended) {
      received got;
      {
        const inside_usrsctp here(box->id(), *this);
        got = socket->receive(buffer);
      }
      if (got.what == received::kind::nothing) break;
      const auto bytes = bytes_view(buffer).first(got.size);
      switch (got.what) {
        case received::kind::data: on_data(got, bytes); break;
        case received::kind::notification: on_notification(bytes); break;
        case received::kind::closed: end("closed"); break;
        default: end(reason()); break;
      }
    }
  }

  void on_data(const received& info, bytes_view bytes) {
    const bool whole = info.complete && part.empty() && !part_too_long;
    if (!whole) {
      part_too_long = part_too_long || part.size() + bytes.size() > config.max_message_bytes;
      if (!part_too_long) part.insert(part.end(), bytes.begin(), bytes.end());
      if (!info.complete) return;
    }
    const auto held = std::exchange(part, {});
    if (std::exchange(part_too_long, false) || bytes.size() > config.max_message_bytes) return count_drop("sctp", "too-large");
    if (info.ppid != config.ppid) return count_drop("sctp", "ppid");
    host.on_message(whole ? bytes : bytes_view(held));
  }

  void on_notification(bytes_view bytes) {
    sctp_assoc_change change{};
    if (bytes.size() < sizeof change) return;
    std::memcpy(static_cast<void*>(&change), bytes.data(), sizeof change);
    if (change.sac_type != SCTP_ASSOC_CHANGE) return;
    switch (change.sac_state) {
      case SCTP_COMM_UP:
      case SCTP_RESTART:
        part.clear();
        part_too_long = false;
        up = true;
        return host.on_up();
      case SCTP_SHUTDOWN_COMP: return end("closed");
      case SCTP_CANT_STR_ASSOC:
      case SCTP_COMM_LOST: return end(reason());
      default: return;
    }
  }

  std::string_view reason() const {
    switch (socket->pending_error()) {
      case ETIMEDOUT: return "timeout";
      case ECONNREFUSED: return "refused";
      default: return "abort";
    }
  }

  void end(std::string_view why) {
    if (std::exchange(ended, true)) return;
    up = false;
    queue.clear();
    host.on_end(why);
  }

  void flush() {
    while (up && !queue.empty()) {
      send_options how;
      how.ppid = config.ppid;
      const inside_usrsctp here(box->id(), *this);
      if (socket->send(queue.front(), how) != send_outcome::sent) return;  // there is room again when something was acknowledged
      queued_bytes -= queue.front().size();
      queue.pop_front();
    }
  }

  const messages_config config;
  message_host& host;
  std::shared_ptr<mailbox> box;
  std::optional<sctp_socket> socket;
  std::deque<std::vector<std::byte>> queue;
  std::size_t queued_bytes = 0;
  std::vector<std::byte> part;  // of a message that comes in pieces
  bool part_too_long = false;
  bool listening = false;
  bool reading = false;
  bool up = false;
  bool ended = false;
  bool exhausted = false;
};

message_association::message_association(loop_executor executor, const messages_config& config, message_side side,
                                         message_host& host)
    : impl_(std::make_unique<impl>(std::move(executor), config, host)) {
  impl_->start(side);
}

message_association::~message_association() = default;

void message_association::input(bytes_view packet) { impl_->input(packet); }

bool message_association::send(bytes_view message) {
  auto& i = *impl_;
  if (i.ended || message.empty() || message.size() > i.config.max_message_bytes) return false;
  if (i.queued_bytes + message.size() > i.config.max_queue_bytes) return false;
  i.queue.emplace_back(message.begin(), message.end());
  i.queued_bytes += message.size();
  i.flush();
  return true;
}

bool message_association::up() const noexcept { return impl_->up; }
bool message_association::ended() const noexcept { return impl_->ended; }

bool begins_association(bytes_view packet) noexcept {
  constexpr std::uint8_t init = 1;
  return packet.size() > common_header_bytes && first_chunk(packet) == init;
}

std::vector<std::byte> answer_out_of_the_blue(bytes_view packet) {
  constexpr std::uint8_t abort = 6, shutdown_ack = 8, cookie_ack = 11, shutdown_complete = 14;
  constexpr std::byte tag_reflected{1};
  if (packet.size() <= common_header_bytes || !checksum_holds(packet)) return {};
  const auto type = first_chunk(packet);
  if (type == abort || type == shutdown_complete || type == cookie_ack) return {};
  std::vector<std::byte> out(common_header_bytes + 4);
  std::copy_n(packet.begin() + 2, 2, out.begin());   // the ports change places
  std::copy_n(packet.begin(), 2, out.begin() + 2);
  std::copy_n(packet.begin() + 4, 4, out.begin() + 4);
  out[12] = std::byte{type == shutdown_ack ? shutdown_complete : abort};
  out[13] = tag_reflected;
  out[15] = std::byte{4};
  seal_checksum(out);
  return out;
}

}  // namespace agw::sctp
