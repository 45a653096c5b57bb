// What an association reads from usrsctp: messages, put together where they come in parts, and notifications.
#include <array>
#include <cerrno>
#include <cstring>

#include <usrsctp.h>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/transports/error.hpp"
#include "sctp/core.hpp"

namespace agw::sctp {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

// One buffer a thread: an association needs it only inside read().
std::span<std::byte> read_buffer() {
  thread_local std::vector<std::byte> buffer(read_bytes);
  return buffer;
}

// Not std::optional<T>: the notifications end in flexible arrays.
template <class T>
bool copy_into(T& value, bytes_view bytes) {
  if (bytes.size() < sizeof value) return false;
  std::memcpy(static_cast<void*>(&value), bytes.data(), sizeof value);
  return true;
}

}  // namespace

void association_core::feed(bytes_view packet) {
  usrsctp_conninput(reinterpret_cast<void*>(box_->id()), packet.data(), packet.size(), 0);
}

void association_core::read() {
  if (!socket_ || std::exchange(reading_, true)) return;
  const inside_usrsctp here(box_->id(), *this);
  const auto buffer = read_buffer();
  while (!held_ && phase_ != phase::ended && !abandoned_) {
    const auto got = socket_->receive(buffer);
    if (got.what == received::kind::nothing) break;
    const bytes_view bytes = buffer.first(got.size);
    switch (got.what) {
      case received::kind::data: on_data(got, bytes); break;
      case received::kind::notification: on_notification(bytes); break;
      case received::kind::closed: on_association_change(SCTP_SHUTDOWN_COMP); break;
      default: on_association_change(SCTP_COMM_LOST); break;
    }
  }
  reading_ = false;
}

void association_core::resume_reading() {
  if (reading_ || abandoned_) return;
  if (held_) {
    if (!channels_.takes(held_->stream, held_->ppid)) return;
    auto message = std::move(*held_);
    held_.reset();
    reading_ = true;  // what on_message() frees is looked at below
    channels_.on_message(message.stream, message.ppid, std::move(message.bytes));
    reading_ = false;
  }
  read();
}

// A message comes whole unless it is longer than the buffer here or than half the receive buffer; parts of different streams, and
// of the ordered and unordered messages of one, may alternate.
void association_core::on_data(const received& part_info, bytes_view bytes) {
  if (phase_ == phase::shutting_down) return count_drop("sctp", "after-close");
  const part_key key(part_info.stream, part_info.unordered);
  const auto found = parts_.find(key);
  if (found == parts_.end() && part_info.complete && bytes.size() <= options_.max_message_bytes) {
    return deliver(part_info.stream, part_info.ppid, std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  auto& whole = found == parts_.end() ? parts_[key] : found->second;
  const bool fits = whole.bytes.size() + bytes.size() <= options_.max_message_bytes &&
                    parts_bytes_ + bytes.size() <= options_.receive_buffer_bytes + options_.max_message_bytes;
  if (!whole.too_large && !fits) {
    whole.too_large = true;
    parts_bytes_ -= whole.bytes.size();
    whole.bytes = std::vector<std::byte>();
    count_drop("sctp", "too-large");
    channels_.refuse(part_info.stream);
  }
  if (!whole.too_large) {
    whole.bytes.insert(whole.bytes.end(), bytes.begin(), bytes.end());
    parts_bytes_ += bytes.size();
  }
  if (!part_info.complete) return;
  auto complete = std::move(whole);
  parts_bytes_ -= complete.bytes.size();
  parts_.erase(key);
  if (!complete.too_large) deliver(part_info.stream, part_info.ppid, std::move(complete.bytes));
}

void association_core::deliver(std::uint16_t stream, std::uint32_t ppid, std::vector<std::byte> bytes) {
  if (channels_.takes(stream, ppid)) {
    channels_.on_message(stream, ppid, std::move(bytes));
  } else {
    held_.emplace(stream, ppid, std::move(bytes));
  }
}

void association_core::on_part_lost(std::uint16_t stream, bool unordered) {
  const auto found = parts_.find(part_key(stream, unordered));
  if (found == parts_.end()) return;
  parts_bytes_ -= found->second.bytes.size();
  parts_.erase(found);
  count_drop("sctp", "abandoned-by-peer");
}

void association_core::on_notification(bytes_view bytes) {
  sctp_notification::sctp_tlv header{};
  if (!copy_into(header, bytes)) return;
  switch (header.sn_type) {
    case SCTP_ASSOC_CHANGE: {
      sctp_assoc_change change{};
      if (!copy_into(change, bytes)) return;
      if (change.sac_state == SCTP_COMM_UP) channels_.on_established(change.sac_outbound_streams, change.sac_inbound_streams);
      return on_association_change(change.sac_state);
    }
    case SCTP_STREAM_RESET_EVENT:
      if (bytes.size() < sizeof(sctp_stream_reset_event)) return;
      return on_stream_reset(header.sn_flags, bytes.subspan(sizeof(sctp_stream_reset_event)));
    case SCTP_STREAM_CHANGE_EVENT: {
      sctp_stream_change_event change{};
      if (!copy_into(change, bytes)) return;
      const bool refused = (change.strchange_flags & (SCTP_STREAM_CHANGE_DENIED | SCTP_STREAM_CHANGE_FAILED)) != 0;
      return channels_.on_streams_changed(change.strchange_outstrms, change.strchange_instrms, refused);
    }
    case SCTP_PARTIAL_DELIVERY_EVENT: {
      sctp_pdapi_event event{};
      if (!copy_into(event, bytes)) return;
      on_part_lost(static_cast<std::uint16_t>(event.pdapi_stream), false);
      on_part_lost(static_cast<std::uint16_t>(event.pdapi_stream), true);
      return;
    }
    default: return;
  }
}

void association_core::on_stream_reset(unsigned flags, bytes_view list) {
  std::vector<std::uint16_t> streams(list.size() / sizeof(std::uint16_t));
  if (streams.empty()) {
    streams = channels_.open_streams();  // none listed: all
  } else {
    std::memcpy(streams.data(), list.data(), streams.size() * sizeof(std::uint16_t));
  }
  const bool performed = (flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED)) == 0;
  for (const auto stream : streams) {
    if (flags & SCTP_STREAM_RESET_INCOMING_SSN) {
      on_part_lost(stream, false);
      on_part_lost(stream, true);
      if (performed) channels_.on_incoming_reset(stream);
    }
    if (flags & SCTP_STREAM_RESET_OUTGOING_SSN) channels_.on_outgoing_reset(stream, performed);
  }
}

void association_core::on_association_change(std::uint16_t state) {
  switch (state) {
    case SCTP_COMM_UP:
      if (phase_ != phase::opening) return;
      phase_ = phase::established;
      opened_.set();
      return;
    case SCTP_SHUTDOWN_COMP:
      if (phase_ == phase::shutting_down) {
        phase_ = phase::ended;
        drained_.set();
        ended_.set();
        return;
      }
      return end("closed", make_error_code(transport_error::association_closed));
    case SCTP_CANT_STR_ASSOC:
    case SCTP_COMM_LOST:
    case SCTP_RESTART: {
      const auto error = socket_->pending_error();
      if (error == ETIMEDOUT) return end("timeout", make_error_code(transport_error::association_lost));
      return end("abort", make_error_code(transport_error::association_aborted));
    }
    default: return;
  }
}

// While a full channel keeps us from reading, the end of the association would go unseen.
void association_core::check_alive() {
  if (phase_ != phase::established || !socket_) return;
  if (socket_->pending_error() != 0) return on_association_change(SCTP_COMM_LOST);
  if (!socket_->status()) on_association_change(SCTP_SHUTDOWN_COMP);
}

}  // namespace agw::sctp
