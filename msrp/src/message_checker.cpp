#include "agw/msrp/message_checker.hpp"

#include "agw/msrp/chunk_writer.hpp"
#include "agw/msrp/uri.hpp"
#include "rewrite.hpp"

namespace agw::msrp {

boost::system::error_code message_checker::parse(bytes_view message) {
  for (;;) {
    const auto event = parser_.next(message);
    if (!event) return event.error();
    if (std::holds_alternative<need_more>(*event)) return errc::truncated;
    if (const auto* end = std::get_if<chunk_end>(&*event)) {
      flag_ = end->flag;
      return message.empty() ? boost::system::error_code() : make_error_code(errc::trailing_bytes);
    }
  }
}

boost::system::result<std::optional<outbound>> message_checker::check(bytes_view message) {
  using output = std::optional<outbound>;
  ++counters_.messages;
  if (const auto error = parse(message)) {
    ++counters_.rejected;
    return error;
  }
  const auto& header = parser_.header();
  outbound out;
  out.to = side::stream;
  if (!addressed_to_us(paths_, side::channel, header)) {
    ++counters_.rejected;
    if (!wants_response(header, 481)) return output();
    head_ = make_response(header, 481, last_uri(paths_.channel.own));
    out.to = side::channel;
    out.head = as_bytes(head_);
    return output(out);
  }

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
    append_block(head_, header, id, paths_beyond(paths_, side::channel, header));
    append_end_line(head_, id, flag_, false);
    out.head = as_bytes(head_);
  } else if (paths_.mode == relay_mode::aware) {
    head_.clear();
    append_block(head_, header, id, paths_beyond(paths_, side::channel, header));
    out.head = as_bytes(head_);
    out.rest = message.subspan(header.block.size());
  } else {
    out.head = message;
  }
  ++counters_.chunks;
  counters_.bytes += out.head.size() + out.rest.size();
  return output(out);
}

}  // namespace agw::msrp
