#include "chunk_maker.hpp"

#include <cstring>
#include <stdexcept>

#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/transaction_id.hpp"

namespace agw::load {

namespace {
constexpr std::size_t digits = 12;
}

chunk_maker::chunk_maker(std::string_view to_path, std::string_view from_path, std::size_t body_bytes) : body_bytes_(body_bytes) {
  if (body_bytes < body_head_bytes) throw std::invalid_argument("a body is smaller than its head");
  // A random part that no body contains, and the number: ids are of a length that does not change.
  const auto random = msrp::id_source().make(8);
  const auto id = random + std::string(digits, '0');
  msrp::send_fields fields;
  fields.to_path = to_path;
  fields.from_path = from_path;
  fields.message_id = id;
  msrp::byte_range range;
  range.end = body_bytes;
  range.total = body_bytes;
  fields.range = range;
  fields.failure = msrp::failure_report::no;
  fields.content_type = "application/octet-stream";
  msrp::append_send_header(chunk_, id, fields);
  body_at_ = chunk_.size();
  for (std::size_t i = 0; i < body_bytes; ++i) chunk_ += static_cast<char>('a' + i % 26);
  msrp::append_end_line(chunk_, id, msrp::continuation::complete, true);
  for (auto at = chunk_.find(id); at != std::string::npos; at = chunk_.find(id, at + 1)) number_at_.push_back(at + random.size());
}

bytes_view chunk_maker::make(std::uint64_t number, clock::time_point intended) {
  char text[digits];
  auto rest = number;
  for (std::size_t i = digits; i-- > 0; rest /= 10) text[i] = static_cast<char>('0' + rest % 10);
  for (const auto at : number_at_) std::memcpy(chunk_.data() + at, text, digits);
  const body_head head{number, intended.time_since_epoch().count()};
  static_assert(sizeof(head) == body_head_bytes);
  std::memcpy(chunk_.data() + body_at_, &head, sizeof(head));
  return {reinterpret_cast<const std::byte*>(chunk_.data()), chunk_.size()};
}

chunk_reader::progress chunk_reader::next(bytes_view& in) {
  for (;;) {
    const auto event = parser_.next(in);
    if (!event) return progress::failed;
    if (std::holds_alternative<msrp::need_more>(*event)) return progress::need_more;
    if (std::holds_alternative<msrp::header_complete>(*event)) {
      ours_ = parser_.header().kind == msrp::chunk_kind::send;
      message_ = {};
    } else if (const auto* piece = std::get_if<msrp::body_piece>(&*event)) {
      if (message_.body_bytes < body_head_bytes) {
        const auto count = std::min(piece->bytes.size(), body_head_bytes - message_.body_bytes);
        std::memcpy(head_.data() + message_.body_bytes, piece->bytes.data(), count);
      }
      message_.body_bytes += piece->bytes.size();
    } else if (const auto* end = std::get_if<msrp::chunk_end>(&*event)) {
      if (!ours_ || end->flag != msrp::continuation::complete || message_.body_bytes < body_head_bytes) {
        ++strangers_;
        continue;
      }
      body_head head;
      std::memcpy(&head, head_.data(), sizeof(head));
      message_.number = head.number;
      message_.intended = clock::time_point(clock::duration(head.intended_ns));
      return progress::complete;
    }
  }
}

}  // namespace agw::load
