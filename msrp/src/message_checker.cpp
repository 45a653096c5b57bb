#include "agw/msrp/message_checker.hpp"

#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/uri.hpp"
#include "rewrite.hpp"

namespace agw::msrp {

boost::system::result<message_checker::content> message_checker::parse(bytes_view message) {
  bool kept_alive = false;
  bool ended = false;
  for (;;) {
    const auto event = parser_.next(message);
    if (!event) return ended ? make_error_code(errc::trailing_bytes) : event.error();
    if (std::holds_alternative<need_more>(*event)) {
      if (!parser_.between_chunks() || !(ended || kept_alive)) return make_error_code(ended ? errc::trailing_bytes : errc::truncated);
      return ended ? content::chunk : content::keep_alive;
    }
    if (std::holds_alternative<keep_alive>(*event)) {
      kept_alive = true;
    } else if (ended) {
      return make_error_code(errc::trailing_bytes);
    } else if (const auto* end = std::get_if<chunk_end>(&*event)) {
      flag_ = end->flag;
      ended = true;
    }
  }
}

std::optional<outbound> message_checker::refuse(unsigned status) {
  ++counters_.rejected;
  if (!wants_response(parser_.header(), status)) return std::nullopt;
  head_ = make_response(parser_.header(), status, last_uri(paths_.wic.own));
  if (head_.size() > max_message_bytes_) return std::nullopt;
  outbound out;
  out.to = side::wic;
  out.head = as_bytes(head_);
  return out;
}

boost::system::result<std::optional<outbound>> message_checker::check(bytes_view message) {
  using output = std::optional<outbound>;
  ++counters_.messages;
  const auto found = parse(message);
  if (!found) {
    ++counters_.rejected;
    return found.error();
  }
  outbound out;
  out.to = side::core;
  out.head = message;
  if (*found == content::keep_alive) {
    counters_.bytes += message.size();
    return output(out);
  }
  const auto& header = parser_.header();
  if (const auto status = refusal_status(paths_, side::wic, header); status != 0) return refuse(status);

  std::string_view id = header.transaction_id;
  split_transactions::outcome outcome;
  if (!header.request()) {
    outcome = splits_.on_response(id, header.status);
    if (outcome.what != split_transactions::verdict::not_ours) ++counters_.absorbed;
    if (outcome.what == split_transactions::verdict::absorb) return output();
    if (outcome.what == split_transactions::verdict::answer) id = outcome.original_id;
  }
  if (outcome.what == split_transactions::verdict::answer) {
    head_.clear();
    append_block(head_, header, id, paths_beyond(paths_, side::wic, header));
    append_end_line(head_, id, flag_, false);
    out.head = as_bytes(head_);
  } else if (paths_.mode == relay_mode::aware) {
    head_.clear();
    append_block(head_, header, id, paths_beyond(paths_, side::wic, header));
    out.head = as_bytes(head_);
    out.rest = message.subspan(as_text(message).find("MSRP ") + header.block.size());
  }
  ++counters_.chunks;
  counters_.bytes += out.head.size() + out.rest.size();
  return output(out);
}

}  // namespace agw::msrp
