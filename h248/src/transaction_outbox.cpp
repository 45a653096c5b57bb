#include <agw/h248/transaction_outbox.hpp>

#include <algorithm>

namespace agw::h248 {
namespace {

constexpr std::size_t most_acks = 256;  // of one destination: TransactionResponseAck is a help, not a duty

}  // namespace

void transaction_outbox::set_sender(mid_name sender, layout style) {
  style_ = style;
  for (std::uint8_t version = 1; version < headers_.size(); ++version) {
    message m;
    m.version = version;
    m.from = sender;
    headers_[version].clear();
    write_header(headers_[version], m, style);
  }
}

const std::string& transaction_outbox::header(std::uint8_t version) const {
  return headers_[std::clamp<std::size_t>(version, 1, headers_.size() - 1)];
}

shared_text transaction_outbox::encode(const transaction& t, std::uint8_t version) const {
  auto text = std::make_shared<std::string>();
  write_transaction(*text, t, version, style_);
  return text;
}

bool transaction_outbox::fits(const peer_address& to, std::uint8_t version, const std::string& text) const {
  return header(version).size() + text.size() <= limits(to.via).max_message_bytes;
}

void transaction_outbox::push_request(const peer_address& to, std::uint8_t version, shared_text text) {
  destinations_[key(to, version)].requests.push_back(std::move(text));
  due_ = true;
}

void transaction_outbox::push_reply(const peer_address& to, std::uint8_t version, shared_text text) {
  destinations_[key(to, version)].replies.push_back(std::move(text));
  due_ = true;
}

void transaction_outbox::push_segment(const peer_address& to, std::uint8_t version, shared_text text) {
  destinations_[key(to, version)].segments.push_back(std::move(text));
  due_ = true;
}

void transaction_outbox::acknowledge(const peer_address& to, std::uint8_t version, transaction_id id, bool urgent,
                                     clock::time_point now) {
  auto& d = destinations_[key(to, version)];
  if (d.acks.size() >= most_acks) d.acks.erase(d.acks.begin());
  d.acks.emplace_back(id.value, now);
  if (!urgent) return;
  d.urgent = true;
  due_ = true;
}

// Null when there is nothing to acknowledge any more.
shared_text transaction_outbox::take_acks(destination& d, std::uint8_t version, clock::time_point now) const {
  std::vector<std::uint32_t> ids;
  for (const auto& [id, at] : d.acks) {
    if (now - at < config_.long_timer) ids.push_back(id);
  }
  d.acks.clear();
  if (ids.empty()) return nullptr;
  std::ranges::sort(ids);
  transaction_ack ack;
  for (const auto id : ids) {
    if (!ack.ranges.empty() && id - ack.ranges.back().last.value <= 1) {
      ack.ranges.back().last.value = id;
    } else {
      ack.ranges.emplace_back(ack_range{{id}, {id}});
    }
  }
  return encode(transaction(std::move(ack)), version);
}

// `last_parts` are those behind which nothing may stand.
void transaction_outbox::compose(const key& to, const std::vector<shared_text>& parts, const std::vector<shared_text>& last_parts,
                                 std::vector<outgoing_message>& into) const {
  const auto& l = limits(to.first.via);
  const auto room = l.reliable ? l.max_message_bytes : std::min(l.max_message_bytes, config_.datagram_bytes);
  const auto& head = header(to.second);
  std::size_t count = 0;
  const auto append = [&](const shared_text& part) {
    if (count == 0 || count >= config_.max_transactions || into.back().text.size() + part->size() > room) {
      into.push_back({to.first, head});
      count = 0;
    }
    into.back().text += *part;
    ++count;
  };
  for (const auto& part : parts) append(part);
  for (const auto& part : last_parts) {
    append(part);
    count = 0;
  }
}

void transaction_outbox::flush(std::vector<outgoing_message>& into, clock::time_point now) {
  if (!due_) return;
  due_ = false;
  for (auto at = destinations_.begin(); at != destinations_.end();) {
    auto& [to, d] = *at;
    if (!d.replies.empty() || !d.requests.empty() || !d.segments.empty() || d.urgent) {
      std::vector<shared_text> parts;
      if (auto acks = take_acks(d, to.second, now)) parts.push_back(std::move(acks));
      parts.insert(parts.end(), d.replies.begin(), d.replies.end());
      parts.insert(parts.end(), d.requests.begin(), d.requests.end());
      compose(to, parts, d.segments, into);
      d.replies.clear();
      d.requests.clear();
      d.segments.clear();
      d.urgent = false;
    }
    // What is left are acknowledgements that wait for company, as long as they are of use.
    const bool idle = d.acks.empty() || now - d.acks.back().second >= config_.long_timer;
    at = idle ? destinations_.erase(at) : std::next(at);
  }
}

}  // namespace agw::h248
