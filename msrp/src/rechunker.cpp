#include "agw/msrp/rechunker.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "agw/core/give_back.hpp"
#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/uri.hpp"
#include "rewrite.hpp"
#include "text.hpp"

namespace agw::msrp {
namespace {

constexpr std::size_t end_line_bytes(std::size_t id_size, bool after_body) { return (after_body ? 2 : 0) + 7 + id_size + 3; }
constexpr std::size_t max_range_bytes = 3 * 19 + 2;
// What an idle rechunker may keep of its buffer: small chunks that arrive in two parts should not allocate each time.
constexpr std::size_t idle_bytes = 4 * 1024;

void append(std::vector<std::byte>& out, bytes_view bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

}  // namespace

rechunker::rechunker(const rechunker_config& config, const relay_paths& paths, split_transactions& splits,
                     direction_counters& counters)
    : config_(config), paths_(paths), splits_(splits), counters_(counters), parser_(config.limits) {}

boost::system::result<std::optional<outbound>> rechunker::next(bytes_view& in) {
  if (std::exchange(flush_, false)) buffer_.resize(headroom_);
  for (;;) {
    if (phase_ == phase::splitting) {
      if (auto piece = fill()) return piece;
    }
    if (parser_.between_chunks()) start_ = in.data();
    const auto event = parser_.next(in);
    if (!event) {
      ++counters_.rejected;
      return event.error();
    }
    if (std::holds_alternative<need_more>(*event)) {
      // The fed octets go away: from here on the chunk lives in the buffer.
      if (phase_ == phase::in_place) {
        begin_gathering();
        append(buffer_, bytes_view(start_ + parser_.header().block.size() + 2, body_bytes_));
      }
      start_ = nullptr;
      if (parser_.between_chunks() && buffer_.capacity() > idle_bytes) give_back(buffer_);
      return output();
    }
    if (std::holds_alternative<header_complete>(*event)) {
      auto reply = on_header();
      if (!reply || *reply) return reply;
    } else if (const auto* piece = std::get_if<body_piece>(&*event)) {
      auto reply = on_body(piece->bytes);
      if (!reply || *reply) return reply;
    } else if (const auto* end = std::get_if<chunk_end>(&*event)) {
      if (auto message = on_end(in, end->flag)) return message;
    }
  }
}

boost::system::result<rechunker::output> rechunker::on_header() {
  const auto& header = parser_.header();
  buffer_.clear();
  body_bytes_ = 0;
  if (const auto status = refusal_status(paths_, side::core, header); status != 0) return refuse(status);
  head_.clear();
  if (paths_.mode == relay_mode::aware) {
    append_block(head_, header, header.transaction_id, paths_beyond(paths_, side::core, header));
  }
  head_bytes_ = (head_.empty() ? header.block.size() : head_.size()) + (header.has_body ? 2 : 0);
  tail_bytes_ = end_line_bytes(header.transaction_id.size(), header.has_body);
  if (head_bytes_ + tail_bytes_ > config_.max_message_bytes) return cannot_take(errc::chunk_too_large);
  if (start_ != nullptr && head_.empty()) {
    phase_ = phase::in_place;
  } else {
    begin_gathering();
  }
  return output();
}

// In aware mode the sender gets a response and the session continues; in agnostic mode the gateway cannot respond.
boost::system::result<rechunker::output> rechunker::cannot_take(boost::system::error_code why) {
  if (paths_.mode == relay_mode::aware) return refuse(413);
  ++counters_.rejected;
  return why;
}

rechunker::output rechunker::refuse(unsigned status) {
  const auto& header = parser_.header();
  ++counters_.rejected;
  phase_ = phase::discarding;
  buffer_.clear();
  if (!wants_response(header, status)) return std::nullopt;
  head_ = make_response(header, status, last_uri(paths_.core.own));
  outbound reply;
  reply.to = side::core;
  reply.head = as_bytes(head_);
  return reply;
}

void rechunker::begin_gathering() {
  phase_ = phase::gathering;
  headroom_ = head_bytes_;
  // What the range announces is reserved at once; more than a message is never needed, and untouched memory costs nothing.
  const auto& range = parser_.header().range;
  const auto last = range ? range->end.value_or(range->total.value_or(0)) : 0;
  const auto announced = range && last >= range->start ? last - range->start + 1 : 0;
  buffer_.reserve(std::min<std::uint64_t>(head_bytes_ + announced + tail_bytes_, config_.max_message_bytes));
  buffer_.resize(headroom_);
}

boost::system::result<rechunker::output> rechunker::on_body(bytes_view bytes) {
  switch (phase_) {
    case phase::headers:
    case phase::discarding: return output();
    case phase::splitting: rest_ = bytes; return output();
    case phase::in_place:
    case phase::gathering: break;
  }
  if (head_bytes_ + body_bytes_ + bytes.size() + tail_bytes_ > config_.max_message_bytes) {
    if (const auto error = begin_split(bytes)) return cannot_take(error);
    return output();
  }
  body_bytes_ += bytes.size();
  if (phase_ == phase::gathering) append(buffer_, bytes);
  return output();
}

// What each piece has around its id, its range and its body: the lines of the chunk in their order, with the other side's paths where
// the mode changes them. A chunk without Byte-Range gets one behind the paths.
boost::system::error_code rechunker::write_piece_headers() {
  const auto& header = parser_.header();
  const auto names_range = [](const header_field& field) { return equal_nocase(field.name, "Byte-Range"); };
  const auto ranges = std::count_if(header.fields.begin(), header.fields.end(), names_range);
  if (ranges > 1 || (ranges == 1 && !header.range)) return errc::bad_byte_range;

  const auto beyond = paths_beyond(paths_, side::core, header);
  const auto first = std::find_if(header.fields.begin(), header.fields.end(), names_range);
  const auto place = ranges == 1 ? static_cast<std::size_t>(first - header.fields.begin()) : std::min<std::size_t>(2, header.fields.size());
  before_range_.assign(" ").append(after_id(header));
  if (beyond) append_paths(before_range_, *beyond);
  after_range_.assign("\r\n");
  for (std::size_t i = 0; i < header.fields.size(); ++i) {
    const auto& field = header.fields[i];
    if (!names_range(field) && (!beyond || !is_path(field))) (i < place ? before_range_ : after_range_).append(field.line);
  }
  before_range_.append("Byte-Range: ");
  after_range_.append("\r\n");
  range_ = header.range.value_or(byte_range{});
  return {};
}

boost::system::error_code rechunker::begin_split(bytes_view bytes) {
  const auto& header = parser_.header();
  if (header.kind != chunk_kind::send) return errc::chunk_too_large;

  if (const auto error = write_piece_headers()) return error;
  const auto room = 5 + split_transactions::max_id_size + before_range_.size() + max_range_bytes + after_range_.size();
  const auto around = room + end_line_bytes(split_transactions::max_id_size, true);
  if (around + config_.min_piece_bytes > config_.max_message_bytes) return errc::chunk_too_large;
  capacity_ = config_.max_message_bytes - around;

  carry_.clear();
  rest_ = bytes;
  buffer_.reserve(config_.max_message_bytes);
  if (phase_ == phase::in_place) {
    // Everything is still in the fed octets, the body in one stretch.
    rest_ = bytes_view(start_ + header.block.size() + 2, body_bytes_ + bytes.size());
    buffer_.resize(room);
  } else {
    // What was gathered fitted a message with the original headers; with the piece's longer ones a little may be left over.
    const auto keep = std::min<std::size_t>(body_bytes_, capacity_);
    carry_ = as_text(bytes_view(buffer_).subspan(headroom_ + keep));
    buffer_.resize(std::max(headroom_, room) + keep);
    std::memmove(buffer_.data() + room, buffer_.data() + headroom_, keep);
    buffer_.resize(room + keep);
  }
  headroom_ = room;
  splits_.open(header.transaction_id, header.failure);
  ++counters_.split;
  phase_ = phase::splitting;
  return {};
}

// Moves fed body into the buffer. A full piece goes out only when there is more to come: the last one carries the original's
// flag.
rechunker::output rechunker::fill() {
  const auto take = [this](bytes_view from) {
    const auto count = std::min(from.size(), headroom_ + capacity_ - buffer_.size());
    append(buffer_, from.first(count));
    return count;
  };
  if (!carry_.empty()) carry_.erase(0, take(as_bytes(carry_)));
  if (carry_.empty()) rest_ = rest_.subspan(take(rest_));
  if (carry_.empty() && rest_.empty()) return std::nullopt;
  return emit_piece(continuation::more);
}

rechunker::output rechunker::emit_piece(continuation flag) {
  const auto body = bytes_view(buffer_).subspan(headroom_);
  const auto id = splits_.next_id(body);
  auto range = range_;
  range.end = range.start + body.size() - 1;
  range_.start += body.size();
  std::string text;
  text.reserve(headroom_);
  text.append("MSRP ").append(id).append(before_range_).append(to_string(range)).append(after_range_);
  const auto begin = headroom_ - text.size();
  std::memcpy(buffer_.data() + begin, text.data(), text.size());
  text.clear();
  append_end_line(text, id, flag, true);
  append(buffer_, as_bytes(text));
  flush_ = true;
  return sent(bytes_view(buffer_).subspan(begin));
}

rechunker::output rechunker::emit_gathered(continuation flag) {
  const auto& header = parser_.header();
  std::string text(head_.empty() ? header.block : std::string_view(head_));
  if (header.has_body) text.append("\r\n");
  std::memcpy(buffer_.data(), text.data(), text.size());
  text.clear();
  append_end_line(text, header.transaction_id, flag, header.has_body);
  append(buffer_, as_bytes(text));
  headroom_ = 0;
  flush_ = true;
  return sent(buffer_);
}

rechunker::output rechunker::on_end(bytes_view after, continuation flag) {
  const auto was = std::exchange(phase_, phase::headers);
  if (was == phase::discarding || was == phase::headers) return std::nullopt;
  ++counters_.chunks;
  if (was == phase::in_place) return sent(bytes_view(start_, static_cast<std::size_t>(after.data() - start_)));
  if (was == phase::gathering) return emit_gathered(flag);
  auto last = emit_piece(flag);
  splits_.close();
  headroom_ = 0;
  return last;
}

outbound rechunker::sent(bytes_view message) {
  ++counters_.messages;
  counters_.bytes += message.size();
  outbound out;
  out.head = message;
  return out;
}

std::optional<outbound> rechunker::finish() {
  if (std::exchange(flush_, false)) buffer_.resize(headroom_);
  if (phase_ != phase::splitting) {
    if (!parser_.between_chunks()) ++counters_.rejected;
    return std::nullopt;
  }
  return on_end({}, continuation::aborted);
}

}  // namespace agw::msrp
