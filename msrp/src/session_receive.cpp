#include <algorithm>

#include "agw/msrp/session.hpp"
#include "agw/msrp/uri.hpp"
#include "text.hpp"

namespace agw::msrp {
namespace {

constexpr std::size_t remembered_refusals = 32;

// The type without its parameters: "text/plain;charset=utf-8" is "text/plain".
std::string_view bare_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  return content_type;
}

// Positions count from 1; a peer that writes 0 has nothing before the first octet either.
std::uint64_t offset_of(const byte_range& range) noexcept { return range.start == 0 ? 0 : range.start - 1; }

}  // namespace

boost::system::result<session_event> session::receive(bytes_view& in) {
  for (;;) {
    const auto event = parser_.next(in);
    if (!event) return event.error();
    std::optional<session_event> out;
    if (std::holds_alternative<need_more>(*event)) {
      return session_event(need_more{});
    } else if (std::holds_alternative<header_complete>(*event)) {
      out = on_header();
    } else if (const auto* piece = std::get_if<body_piece>(&*event)) {
      if (current_ != nullptr) return on_body(piece->bytes);
    } else if (const auto* end = std::get_if<chunk_end>(&*event)) {
      out = on_end(end->flag);
    }
    if (out) return *out;
  }
}

std::optional<session_event> session::on_header() {
  const auto& header = parser_.header();
  current_ = nullptr;
  answered_ = true;
  switch (header.kind) {
    case chunk_kind::response: return on_response();
    case chunk_kind::report: return on_report();
    case chunk_kind::other: respond(check_address() != 0 ? check_address() : 501); return std::nullopt;
    case chunk_kind::send: break;
  }
  answered_ = false;
  return on_send_header();
}

// 0: the request is for this session.
unsigned session::check_address() const {
  const auto& to = parser_.header().to_path;
  if (to.empty()) return 400;
  return equivalent(to, own_uri_) ? 0 : 481;
}

// The status with which a SEND is refused for its headers; 0: none.
unsigned session::check_send() {
  const auto& header = parser_.header();
  if (const auto status = check_address(); status != 0) return status;
  if (const auto status = refusal_status(header); status != 0) return status;
  if (!header.has_body) return 0;
  if (header.message_id.empty()) return 400;
  const auto same = [&](const refused& r) { return r.message_id == header.message_id; };
  if (const auto old = std::find_if(refused_.begin(), refused_.end(), same); old != refused_.end()) return old->status;
  if (!accepts(header.content_type)) return 415;
  const auto range = header.range.value_or(byte_range{});
  if (range.total.value_or(0) > config_.max_size || offset_of(range) > config_.max_size) return 413;
  if (!incoming_.contains(header.message_id) && incoming_.size() >= config_.max_incoming) return 413;
  return 0;
}

std::optional<session_event> session::on_send_header() {
  const auto& header = parser_.header();
  if (const auto status = check_send(); status != 0) {
    respond(status);
    if (header.has_body && !header.message_id.empty() && status != 481) note_refused(header.message_id, status);
    const auto known = incoming_.find(header.message_id);
    if (known == incoming_.end() || status == 481) return std::nullopt;
    event_id_ = known->first;
    const auto size = known->second.received.end();
    incoming_.erase(known);
    return message_done{event_id_, size, false};
  }
  if (!header.has_body) return std::nullopt;
  const auto [it, fresh] = incoming_.try_emplace(std::string(header.message_id));
  current_ = &it->second;
  offset_ = offset_of(header.range.value_or(byte_range{}));
  if (!fresh) return std::nullopt;
  return message_started{it->first, &header};
}

session_event session::on_body(bytes_view bytes) {
  const auto& id = parser_.header().message_id;
  // Each octet counts when it arrives: the ranges are the peer's word, the data are not.
  if (offset_ + bytes.size() > config_.max_size || !current_->received.add(offset_, offset_ + bytes.size())) {
    const auto size = current_->received.end();
    refuse(id, 413);
    return message_done{id, size, false};
  }
  const auto at = std::exchange(offset_, offset_ + bytes.size());
  return message_data{id, at, bytes};
}

std::optional<session_event> session::on_end(continuation flag) {
  const auto& header = parser_.header();
  const bool taken = !answered_;
  if (taken) respond(200);
  auto* message = std::exchange(current_, nullptr);
  if (message == nullptr && taken && flag == continuation::aborted && !header.has_body) {
    // Given up without another octet.
    if (const auto it = incoming_.find(header.message_id); it != incoming_.end()) message = &it->second;
  }
  if (message == nullptr) return std::nullopt;
  if (flag == continuation::complete) message->size = offset_;
  const bool aborted = flag == continuation::aborted;
  if (!aborted && (!message->size || !message->received.covers(*message->size))) return std::nullopt;
  const auto size = message->size.value_or(message->received.end());
  if (!aborted && header.success_report) {
    byte_range range;
    range.end = range.total = size;
    push_control(make_report(ids_.make(), header.from_path, own_uri_, header.message_id, range, 200));
  }
  incoming_.erase(incoming_.find(header.message_id));
  return message_done{header.message_id, size, !aborted};
}

void session::refuse(std::string_view id, unsigned status) {
  const auto it = incoming_.find(id);
  if (it == incoming_.end()) return;
  if (current_ == &it->second) {
    current_ = nullptr;
    respond(status);
  }
  note_refused(it->first, status);
  incoming_.erase(it);
}

void session::note_refused(std::string_view id, unsigned status) {
  const auto same = [&](const refused& r) { return r.message_id == id; };
  if (std::any_of(refused_.begin(), refused_.end(), same)) return;
  if (refused_.size() == remembered_refusals) refused_.pop_front();
  refused_.push_back(refused{std::string(id), status});
}

void session::respond(unsigned status) {
  answered_ = true;
  if (wants_response(parser_.header(), status)) push_control(make_response(parser_.header(), status, own_uri_));
}

bool session::accepts(std::string_view content_type) const {
  const auto type = bare_type(content_type);
  return std::any_of(config_.accept_types.begin(), config_.accept_types.end(), [&](std::string_view accepted) {
    if (accepted == "*") return true;
    if (accepted.size() > 2 && accepted.substr(accepted.size() - 2) == "/*") {
      return equal_nocase(type.substr(0, accepted.size() - 1), accepted.substr(0, accepted.size() - 1));
    }
    return equal_nocase(type, accepted);
  });
}

}  // namespace agw::msrp
