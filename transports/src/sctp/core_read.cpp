// What an association reads from usrsctp: messages, put together where they come in parts, and notifications.
#include <array>
#include <cerrno>
#include <cstring>

#include <usrsctp.h>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
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
  note_work(packet);
  usrsctp_conninput(reinterpret_cast<void*>(box_->id()), packet.data(), packet.size(), 0);
}

void association_core::read() {
  if (!socket_ || std::exchange(reading_, true)) return;
  const scope_guard done([this] { reading_ = false; });
  const inside_usrsctp here(box_->id(), *this);
  const auto buffer = read_buffer();
  while (phase_ != phase::ended && !abandoned_) {
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
}

// A message comes whole unless it is longer than the buffer here or than half the receive buffer; parts of different streams, and
// of the ordered and unordered messages of one, may alternate. What is held of them counts for the channel.
void association_core::on_data(const received& part_info, bytes_view bytes) {
  if (phase_ == phase::shutting_down) return count_drop("sctp", "after-close");
  const part_key key(part_info.stream, part_info.unordered);
  if (part_info.complete && !parts_.contains(key) && bytes.size() <= options_.max_message_bytes) {
    return channels_.on_message(part_info.stream, part_info.ppid, std::vector<std::byte>(bytes.begin(), bytes.end()));
  }
  // Copied into the map's entry only after the table has agreed: it may discard the entry, or all of them.
  auto* whole = &parts_[key];
  if (!whole->unwanted && whole->bytes.size() + bytes.size() > options_.max_message_bytes) {
    count_drop("sctp", "too-large");
    channels_.release_part(part_info.stream, whole->bytes.size());
    whole->bytes = std::vector<std::byte>();
    whole->unwanted = true;
    channels_.refuse(part_info.stream);
  }
  if (!parts_[key].unwanted && !channels_.hold_part(part_info.stream, bytes.size())) parts_[key].unwanted = true;
  whole = &parts_[key];
  if (whole->unwanted) {
    whole->bytes = std::vector<std::byte>();
  } else {
    whole->bytes.insert(whole->bytes.end(), bytes.begin(), bytes.end());
  }
  if (!part_info.complete) return;
  auto complete = std::move(*whole);
  parts_.erase(key);
  if (complete.unwanted) return;
  channels_.release_part(part_info.stream, complete.bytes.size());
  channels_.on_message(part_info.stream, part_info.ppid, std::move(complete.bytes));
}

void association_core::discard_parts(std::uint16_t stream) {
  for (const bool unordered : {false, true}) {
    const auto found = parts_.find(part_key(stream, unordered));
    if (found == parts_.end()) continue;
    found->second.bytes = std::vector<std::byte>();
    found->second.unwanted = true;
  }
}

void association_core::on_part_lost(std::uint16_t stream, bool unordered) {
  const auto found = parts_.find(part_key(stream, unordered));
  if (found == parts_.end()) return;
  if (!found->second.unwanted) {
    channels_.release_part(stream, found->second.bytes.size());
    count_drop("sctp", "abandoned-by-peer");
  }
  parts_.erase(found);
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
      path_.start(clock::now());
      trips_.start(clock::now());
      rearmed_.set();
      opened_.set();
      return;
    case SCTP_SHUTDOWN_COMP:
      if (phase_ == phase::shutting_down) {
        phase_ = phase::ended;
        drained_.set();
        rearmed_.set();
        return;
      }
      return end("closed", make_error_code(transport_error::association_closed));
    case SCTP_RESTART: return end("restart", make_error_code(transport_error::association_restarted));
    case SCTP_CANT_STR_ASSOC:
    case SCTP_COMM_LOST: {
      const auto error = socket_->pending_error();
      if (error == ETIMEDOUT) return end("timeout", make_error_code(transport_error::association_lost));
      return end("abort", make_error_code(transport_error::association_aborted));
    }
    default: return;
  }
}

}  // namespace agw::sctp
