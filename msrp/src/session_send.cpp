#include <algorithm>

#include "agw/core/error.hpp"
#include "agw/msrp/session.hpp"
#include "agw/msrp/uri.hpp"

namespace agw::msrp {
namespace {

constexpr std::size_t id_size = 12;
constexpr std::size_t message_id_size = 16;
constexpr std::size_t remembered_silent = 256;
constexpr std::size_t interruptible_bytes = 2048;  // RFC 4975, 7.1.1

send_fields fields_of(const session_config& config, std::string_view own_uri, const outgoing_message& head, std::string_view id) {
  send_fields out;
  out.to_path = config.peer_path;
  out.from_path = own_uri;
  out.message_id = id;
  out.success_report = head.success_report;
  out.failure = head.failure;
  out.extra = head.extra;
  out.content_type = head.content_type;
  return out;
}

}  // namespace

session::session(session_config config, random_source random)
    : config_(std::move(config)), own_uri_(last_uri(config_.own_path)), ids_(random), parser_(config_.limits) {}

boost::system::result<std::string> session::begin(outgoing_message message) {
  if (outgoing_.size() >= config_.max_outgoing) return make_error_code(core_error::limit_reached);
  auto id = ids_.make(message_id_size);
  auto fields = fields_of(config_, own_uri_, message, id);
  fields.range = byte_range{9'000'000'000'000'000'000, 9'000'000'000'000'000'000, 9'000'000'000'000'000'000};
  const auto around = make_send(std::string(id_size, 'x'), fields, {}, continuation::complete).size();
  if (around >= config_.max_chunk_bytes) return make_error_code(errc::chunk_too_large);
  auto& out = outgoing_[id];
  out.body_limit = std::max<std::size_t>(1, std::min(config_.chunk_bytes, config_.max_chunk_bytes - around));
  out.head = std::move(message);
  return id;
}

bool session::writable() const noexcept {
  return queued_unanswered_ + transactions_.size() < config_.max_unanswered && output_bytes_ < config_.max_output_bytes;
}

boost::system::result<written> session::write(std::string_view id, bytes_view bytes, bool last) {
  const auto it = outgoing_.find(id);
  if (it == outgoing_.end() || it->second.ended) return make_error_code(errc::unknown_message);
  auto& message = it->second;
  written out;
  while (writable()) {
    const auto count = std::min(bytes.size(), message.body_limit - message.body.size());
    message.body.append(as_text(bytes.first(count)));
    bytes = bytes.subspan(count);
    out.taken += count;
    if (bytes.empty()) break;
    // Full, and more is to come: the last chunk is never an empty one.
    queue_chunk(it, continuation::more);
  }
  if (last && bytes.empty() && writable()) {
    queue_chunk(it, continuation::complete);
    out.ended = message.ended = true;
    if (message.head.failure != failure_report::yes) outgoing_.erase(it);  // no further answer is due
  }
  return out;
}

void session::queue_chunk(std::map<std::string, outgoing, std::less<>>::iterator it, continuation flag) {
  auto& message = it->second;
  const auto body = as_bytes(message.body);
  auto fields = fields_of(config_, own_uri_, message.head, it->first);
  byte_range range;
  range.start = body.empty() ? 1 : message.sent + 1;
  range.total = message.head.size;
  if (flag == continuation::complete) range.total = message.sent + body.size();
  if (body.size() <= interruptible_bytes) range.end = range.start + body.size() - 1;
  fields.range = range;
  output out;
  const auto id = ids_.make_absent_from(body, id_size);
  out.bytes = make_send(id, fields, body, flag);
  out.message_id = it->first;
  if (message.head.failure == failure_report::yes) {
    out.transaction_id = id;
    ++message.unanswered;
    ++queued_unanswered_;
  } else if (message.head.failure == failure_report::partial) {
    if (silent_.size() == remembered_silent) silent_.pop_front();
    silent_.push_back(transaction{id, it->first, no_deadline});
  }
  output_bytes_ += out.bytes.size();
  output_.push_back(std::move(out));
  message.sent += body.size();
  message.body.clear();
}

void session::abort(std::string_view id) {
  const auto it = outgoing_.find(id);
  if (it == outgoing_.end() || it->second.ended) return;
  if (it->second.sent != 0) queue_chunk(it, continuation::aborted);
  for (auto& out : output_) {
    if (out.message_id == id && !std::exchange(out.transaction_id, {}).empty()) --queued_unanswered_;
  }
  erase_if(transactions_, [&](const transaction& t) { return t.message_id == id; });
  outgoing_.erase(it);
}

void session::send_empty() {
  outgoing_message head;
  head.content_type.clear();
  const auto message_id = ids_.make(message_id_size);
  auto fields = fields_of(config_, own_uri_, head, message_id);
  byte_range range;
  range.end = range.total = 0;
  fields.range = range;
  output out;
  out.transaction_id = ids_.make(id_size);
  out.bytes = make_send(out.transaction_id, fields, {}, continuation::complete);
  out.message_id = message_id;
  ++queued_unanswered_;
  output_bytes_ += out.bytes.size();
  output_.push_back(std::move(out));
}

void session::push_control(std::string bytes) {
  control_bytes_ += bytes.size();
  output_bytes_ += bytes.size();
  control_.push_back(std::move(bytes));
}

std::optional<std::string> session::take_output(clock::time_point now) {
  std::string bytes;
  if (!control_.empty()) {
    bytes = std::move(control_.front());
    control_.pop_front();
    control_bytes_ -= bytes.size();
  } else if (!output_.empty()) {
    auto& front = output_.front();
    bytes = std::move(front.bytes);
    if (!front.transaction_id.empty()) {
      --queued_unanswered_;
      transactions_.push_back(
          transaction{std::move(front.transaction_id), std::move(front.message_id), now + config_.response_timeout});
    }
    output_.pop_front();
  } else {
    return std::nullopt;
  }
  output_bytes_ -= bytes.size();
  return bytes;
}

std::optional<session_event> session::on_response() {
  const auto& header = parser_.header();
  const auto same = [&](const transaction& t) { return t.id == header.transaction_id; };
  const auto quiet = std::find_if(silent_.begin(), silent_.end(), same);
  if (quiet != silent_.end() && header.status > 299) {
    event_id_ = std::move(quiet->message_id);
    return message_failed{fail(event_id_), header.status};
  }
  const auto found = std::find_if(transactions_.begin(), transactions_.end(), same);
  if (found == transactions_.end()) return std::nullopt;
  event_id_ = std::move(found->message_id);
  transactions_.erase(found);
  if (header.status < 200 || header.status > 299) return message_failed{fail(event_id_), header.status};
  const auto it = outgoing_.find(event_id_);
  if (it == outgoing_.end()) return std::nullopt;
  --it->second.unanswered;
  if (!it->second.ended || it->second.unanswered != 0) return std::nullopt;
  outgoing_.erase(it);
  return message_accepted{event_id_};
}

std::optional<session_event> session::on_report() {
  const auto& header = parser_.header();
  const auto status = status_code(header);
  if (status == 0 || header.message_id.empty()) return std::nullopt;
  // An error in a report means what the same error in a response means (RFC 4975, 7.3.2).
  if ((status < 200 || status > 299) && outgoing_.contains(header.message_id)) {
    event_id_ = header.message_id;
    return message_failed{fail(event_id_), status};
  }
  return report_received{header.message_id, status, header.range};
}

// No further chunk of the message leaves, and nothing more is expected for it.
std::string_view session::fail(std::string_view id) {
  if (const auto it = outgoing_.find(id); it != outgoing_.end()) outgoing_.erase(it);
  for (auto it = output_.begin(); it != output_.end();) {
    if (it->message_id != id) {
      ++it;
      continue;
    }
    output_bytes_ -= it->bytes.size();
    if (!it->transaction_id.empty()) --queued_unanswered_;
    it = output_.erase(it);
  }
  const auto same = [&](const transaction& t) { return t.message_id == id; };
  erase_if(transactions_, same);
  erase_if(silent_, same);
  return id;
}

clock::time_point session::next_deadline() const noexcept {
  return transactions_.empty() ? no_deadline : transactions_.front().due;
}

std::optional<message_failed> session::expire(clock::time_point now) {
  if (transactions_.empty() || transactions_.front().due > now) return std::nullopt;
  event_id_ = transactions_.front().message_id;
  return message_failed{fail(event_id_), 408};
}

}  // namespace agw::msrp
