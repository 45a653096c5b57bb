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

constexpr auto stream_request_answer = std::chrono::seconds(5);
constexpr auto stream_request_pause = std::chrono::milliseconds(100);
constexpr int max_stream_requests = 50;

constexpr std::string_view our_limit = "the gateway allows no stream with this id";
constexpr std::string_view peers_limit = "the peer allows no stream with this id";

[[noreturn]] void no_streams(std::string_view whose) {
  throw stage_error("channel", "streams", make_error_code(transport_error::no_streams), std::string(whose));
}

// Names are kept as long as the channel, so what they cost is held as long.
std::size_t cost_of(const dcep_open& open) { return channel_state::cost_of(open.label.size() + open.protocol.size()); }

bool matches(const channel_expectation& wanted, const dcep_open& open) {
  return wanted.protocol == open.protocol && (!wanted.label || *wanted.label == open.label);
}

}  // namespace

void channel_table::on_dcep(const channel& c, bytes_view bytes) {
  auto parsed = parse_dcep(bytes);
  if (!parsed) {
    count_drop("dcep", "malformed");
    if (c->machine.unclaimed()) discard(*c);
    return;
  }
  if (auto* open = std::get_if<dcep_open>(&*parsed)) return on_open(c, std::move(*open));
  switch (c->machine.on_ack()) {
    case ack_verdict::opened: return c->changed.set();
    case ack_verdict::unexpected: return count_drop("dcep", "unexpected-ack");
    case ack_verdict::garbage:
      count_drop("dcep", "unexpected-ack");
      if (c->inbox.empty()) discard(*c);
      return;
  }
}

void channel_table::on_open(const channel& c, dcep_open open) {
  switch (c->machine.on_open()) {
    case open_verdict::too_late: return count_drop("dcep", "unmatched");
    case open_verdict::repeated: return count_drop("dcep", "repeated");
    case open_verdict::acknowledge:
      // RFC 8864 channels need no OPEN, but a peer that sends one gets its ACK.
      c->held.add(cost_of(open));
      name_from(*c, open);
      control(c->id, compose(dcep_ack()));
      return after_hold();
    case open_verdict::offer: break;
  }
  c->held.add(cost_of(open));
  if (!match(c, open)) {
    c->offered = std::move(open);
    wait_for_user(*c);
  }
  after_hold();
}

// What the controller has given stands before what the peer says.
void channel_table::name_from(channel_state& c, const dcep_open& open) {
  if (c.label.empty()) c.label = open.label;
  if (c.protocol.empty()) c.protocol = open.protocol;
}

bool channel_table::match(const channel& c, const dcep_open& open) {
  for (auto* e : expectations_) {
    if (e->matched || !matches(e->wanted, open)) continue;
    c->machine.match();
    adopt(*c, open);
    e->matched = c;
    e->done.set();
    return true;
  }
  return false;
}

// Both directions have the OPEN's order and reliability (RFC 8832, 5.1).
void channel_table::adopt(channel_state& c, const dcep_open& open) {
  c.label = open.label;
  c.protocol = open.protocol;
  c.transfer.ordered = open.ordered;
  c.transfer.policy = open.policy;
  c.transfer.parameter = open.parameter;
  c.transfer.priority = open.priority;
}

awaitable<void> channel_table::wait_for_change(deadline by) {
  event changed;
  const auto place = watchers_.insert(watchers_.end(), &changed);
  const scope_guard forget([&] { watchers_.erase(place); });
  (void)co_await within(by, changed.wait());
}

std::string_view channel_table::obstacle(const config& options, std::uint16_t id) noexcept {
  const bool beyond = id == reserved_stream_id || id >= std::max(options.streams, options.max_inbound_streams);
  return beyond ? our_limit : std::string_view();
}

std::string_view channel_table::obstacle(std::uint16_t id) const {
  if (id < outgoing_ && id < incoming_) return {};
  if (const auto ours = obstacle(options_, id); !ours.empty()) return ours;
  return refusals_ != 0 ? peers_limit : std::string_view();
}

// Both directions need the stream: the peer answers on it, and its data would be an error otherwise.
awaitable<void> channel_table::need_streams(std::uint16_t id) {
  const auto refused = refusals_;
  const auto most = std::max(options_.streams, options_.max_inbound_streams);
  for (int i = 0; id >= outgoing_ || id >= incoming_; ++i) {
    if (failure_) std::rethrow_exception(failure_);
    if (const auto ours = obstacle(options_, id); !ours.empty()) no_streams(ours);
    if (refused != refusals_ || i == max_stream_requests) no_streams(peers_limit);
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
    if (c->machine.unclaimed()) break;  // early data, or an OPEN
    if (c->machine.claimed() && !c->machine.closing()) throw stage_error("channel", "busy", make_error_code(transport_error::channel_busy));
    co_await wait_for_change(no_deadline);
  }
  const bool acknowledges = c->machine.claim();
  auto out = std::make_unique<data_channel>(c);
  c->label = std::move(label);
  c->protocol = std::move(protocol);
  c->transfer = transfer;
  if (acknowledges) {
    const auto offered = std::exchange(c->offered, std::nullopt);
    name_from(*c, *offered);
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
    if (!waiting || c->machine.unclaimed_until() < waiting->machine.unclaimed_until()) waiting = c;
  }
  if (waiting) {
    const auto offered = std::exchange(waiting->offered, std::nullopt);
    waiting->machine.match();
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
  if (!c || c->machine.phase() != channel_phase::negotiated) co_return out;  // the peer has opened the same id: its channel is taken
  adopt(*c, wanted);
  c->machine.await_ack();
  control(chosen, compose(wanted));
  while (c->machine.phase() == channel_phase::opening) {
    if (c->failure) std::rethrow_exception(c->failure);
    if (!c->machine.sends()) throw stage_error("channel", "reset", make_error_code(transport_error::channel_reset));
    co_await c->changed.wait();
  }
  if (c->failure) std::rethrow_exception(c->failure);
  if (c->machine.refused()) throw stage_error("channel", "reset", make_error_code(transport_error::channel_reset));
  co_return out;
}

std::uint16_t channel_table::free_id() const {
  for (unsigned id = options_.dtls_client ? 0 : 1; id < reserved_stream_id; id += 2) {
    if (!channels_.contains(static_cast<std::uint16_t>(id))) return static_cast<std::uint16_t>(id);
  }
  no_streams(our_limit);
}

}  // namespace agw::sctp
