// How channels are opened: negotiated, by the peer's DCEP, or by ours.
#include <algorithm>
#include <bit>

#include "agw/core/error.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/until.hpp"
#include "agw/transports/error.hpp"
#include "channel/table.hpp"

namespace agw::sctp {

namespace {

constexpr std::uint16_t reserved_id = 65535;  // RFC 8832, 6: not a channel
constexpr auto stream_request_answer = std::chrono::seconds(5);
constexpr auto stream_request_pause = std::chrono::milliseconds(100);
constexpr int max_stream_requests = 50;

[[noreturn]] void no_streams() { throw stage_error("channel", "streams", make_error_code(transport_error::no_streams)); }

bool matches(const channel_expectation& wanted, const dcep_open& open) {
  return wanted.protocol == open.protocol && (!wanted.label || *wanted.label == open.label);
}

}  // namespace

void channel_table::on_dcep(const channel& c, bytes_view bytes) {
  auto parsed = parse_dcep(bytes);
  if (!parsed) {
    count_drop("dcep", "malformed");
    if (!c->claimed && !c->dropping) discard(*c);
    return;
  }
  if (auto* open = std::get_if<dcep_open>(&*parsed)) return on_open(c, std::move(*open));
  if (c->awaits_ack) {
    c->awaits_ack = false;
    c->changed.set();
    return;
  }
  count_drop("dcep", "unexpected-ack");
  if (!c->claimed && !c->dropping && !c->offered && c->inbox.empty()) discard(*c);
}

void channel_table::on_open(const channel& c, dcep_open open) {
  if (c->dropping || c->incoming_reset) return count_drop("dcep", "unmatched");
  if (c->acknowledged || c->offered) return count_drop("dcep", "repeated");
  if (c->claimed) {
    // RFC 8864 channels need no OPEN, but a peer that sends one gets its ACK.
    c->acknowledged = true;
    if (c->label.empty()) c->label = open.label;
    if (c->protocol.empty()) c->protocol = open.protocol;
    return control(c->id, compose(dcep_ack()));
  }
  if (match(c, open)) return;
  c->offered = std::move(open);
  if (c->unclaimed_until == no_deadline) c->unclaimed_until = deadline_after(options_.unclaimed_hold);
  host_.rearm();
}

bool channel_table::match(const channel& c, const dcep_open& open) {
  for (auto* e : expectations_) {
    if (e->matched || !matches(e->wanted, open)) continue;
    claim(*c);
    adopt(*c, open);
    e->matched = c;
    e->done.set();
    return true;
  }
  return false;
}

// Both directions have the OPEN's order and reliability (RFC 8832, 5.1).
void channel_table::adopt(channel_state& c, const dcep_open& open) {
  c.acknowledged = true;
  c.label = open.label;
  c.protocol = open.protocol;
  c.ordered = open.ordered;
  c.policy = open.policy;
  c.parameter = open.parameter;
}

awaitable<void> channel_table::wait_for_change(deadline by) {
  event changed;
  const auto place = watchers_.insert(watchers_.end(), &changed);
  const scope_guard forget([&] { watchers_.erase(place); });
  (void)co_await within(by, changed.wait());
}

// Both directions need the stream: the peer answers on it, and its data would be an error otherwise.
awaitable<void> channel_table::need_streams(std::uint16_t id) {
  const auto refused = refusals_;
  const auto most = std::max(options_.streams, options_.max_inbound_streams);
  if (id == reserved_id || id >= most) no_streams();
  for (int i = 0; id >= outgoing_ || id >= incoming_; ++i) {
    if (failure_) std::rethrow_exception(failure_);
    if (refused != refusals_ || i == max_stream_requests) no_streams();
    const auto target = std::min<unsigned>(std::bit_ceil(id + 1U), most);
    const bool more_out = id >= outgoing_;
    const auto outgoing = static_cast<std::uint16_t>(more_out ? target - outgoing_ : 0);
    const auto incoming = static_cast<std::uint16_t>(more_out ? 0 : target - incoming_);
    const bool asked = host_.request_streams(outgoing, incoming);
    co_await wait_for_change(asked ? deadline_after(stream_request_answer) : deadline_after(stream_request_pause));
  }
}

awaitable<channel_table::handle> channel_table::open(std::uint16_t id, std::string label, std::string protocol,
                                                            channel_transfer transfer) {
  co_await need_streams(id);
  channel c;
  for (;;) {
    if (failure_) std::rethrow_exception(failure_);
    c = find(id);
    if (!c) {
      c = add(id);
      break;
    }
    if (!c->claimed && !c->dropping) break;  // early data, or an OPEN
    if (!c->dropping && !c->reset_requested) throw stage_error("channel", "busy", make_error_code(transport_error::channel_busy));
    co_await wait_for_change(no_deadline);
  }
  claim(*c);
  auto out = std::make_unique<data_channel>(c);
  c->label = std::move(label);
  c->protocol = std::move(protocol);
  c->ordered = transfer.ordered;
  c->policy = transfer.policy;
  c->parameter = transfer.parameter;
  if (auto offered = std::exchange(c->offered, std::nullopt)) {
    c->acknowledged = true;
    if (c->label.empty()) c->label = offered->label;
    if (c->protocol.empty()) c->protocol = offered->protocol;
    control(id, compose(dcep_ack()));
  }
  forget_if_finished(*c);
  co_return out;
}

awaitable<channel_table::handle> channel_table::accept(channel_expectation expected) {
  expectation e(std::move(expected));
  handle out;
  const auto place = expectations_.insert(expectations_.end(), &e);
  const scope_guard withdraw([&] { expectations_.erase(place); });
  // The OPEN may have come before the expectation: the one that has waited longest is taken.
  channel waiting;
  for (const auto& [id, c] : channels_) {
    if (!c->offered || !matches(e.wanted, *c->offered)) continue;
    if (!waiting || c->unclaimed_until < waiting->unclaimed_until) waiting = c;
  }
  if (waiting) {
    const auto offered = std::exchange(waiting->offered, std::nullopt);
    claim(*waiting);
    adopt(*waiting, *offered);
    e.matched = waiting;
  }
  try {
    while (!e.matched) {
      if (failure_) std::rethrow_exception(failure_);
      co_await e.done.wait();
    }
  } catch (...) {
    // Matched and cancelled in the same turn of the loop: the peer's channel is closed.
    if (e.matched && e.matched->table) release(*e.matched);
    throw;
  }
  out = std::make_unique<data_channel>(e.matched);
  const auto c = e.matched;
  co_await need_streams(c->id);
  if (c->table) control(c->id, compose(dcep_ack()));
  forget_if_finished(*c);
  co_return out;
}

awaitable<channel_table::handle> channel_table::open_with_dcep(dcep_open wanted, std::optional<std::uint16_t> id) {
  const auto chosen = id ? *id : free_id();
  auto opening = open(chosen, wanted.label, wanted.protocol);
  auto out = co_await std::move(opening);
  const auto c = find(chosen);
  if (!c || c->acknowledged) co_return out;  // the peer has opened the same id: its channel is taken
  adopt(*c, wanted);
  c->awaits_ack = true;
  control(chosen, compose(wanted));
  while (c->awaits_ack) {
    if (c->failure) std::rethrow_exception(c->failure);
    if (c->incoming_reset || c->reset_requested) {
      throw stage_error("channel", "reset", make_error_code(transport_error::channel_reset));
    }
    co_await c->changed.wait();
  }
  co_return out;
}

std::uint16_t channel_table::free_id() const {
  for (unsigned id = options_.dtls_client ? 0 : 1; id < reserved_id; id += 2) {
    if (!channels_.contains(static_cast<std::uint16_t>(id))) return static_cast<std::uint16_t>(id);
  }
  no_streams();
}

}  // namespace agw::sctp
