#include <functional>

#include <agw/core/error.hpp>
#include <agw/core/log.hpp>
#include <agw/core/metrics.hpp>
#include <agw/h248/transaction_segments.hpp>

#include "endpoint_impl.hpp"

namespace agw::h248 {

bool endpoint::impl::accepted(const peer_address& from) const { return !hosts || hosts->contains(from.host); }

void endpoint::impl::heard(const peer_address& from) {
  if (!last_heard.contains(from.host) && last_heard.size() >= config.transactions.max_peers) {
    last_heard.erase(std::ranges::min_element(last_heard, {}, [](const auto& entry) { return entry.second; }));
  }
  last_heard[from.host] = clock::now();
  peer_state(from, true);
}

void endpoint::impl::on_link_state(const peer_address& peer, bool connected) {
  const auto now = clock::now();
  if (connected) {
    machine.requests().connected(peer, now);
    peer_state(peer, true);
  } else {
    machine.requests().disconnected(peer, now);
    for (auto& [id, w] : waiters) {
      if (w->only_peer != peer || w->outcome) continue;
      w->outcome.emplace(make_error_code(errc::disconnected));
      w->done.set();
    }
    // Connections of strangers come and go under ever new ports: nothing is kept of them.
    const auto observers = peer_observers;
    for (const auto& observer : observers) observer(peer, false);
  }
  wake();
}

void endpoint::impl::on_text(const peer_address& from, std::string text) {
  if (!accepted(from)) {
    count_drop("h248", "refused-peer");
    return;
  }
  counts.message(direction::received);
  for (const auto& observer : message_observers) observer(direction::received, from, text, clock::now());
  const auto in = std::make_shared<parsed_message>(parse(std::move(text), config.limits));
  if (!in->readable()) {
    count_drop("h248", "unreadable");
    return;
  }
  heard(from);
  for (const auto& e : in->errors()) {
    log::debug("h248: message of {}: line {} column {}: expected {}", to_text(from), e.line, e.column, e.expected);
  }
  const message& m = **in;
  if (m.error) {
    // Never answered: two entities must not complain to each other without end.
    count_drop("h248", "error-message");
    // Once a minute: whoever has a fault of his own may say so with every message.
    const auto now = clock::now();
    if (!last_complaint || now - *last_complaint >= std::chrono::minutes(1)) {
      last_complaint = now;
      log::warn("h248: {} says error {} \"{}\"", to_text(from), static_cast<unsigned>(m.error->code), m.error->text);
    }
    if (m.error->code == error_code::version_not_supported) on_version_refused(from, in, *m.error);
    return;
  }
  if (m.transactions.empty() && !in->ok()) answer_message(from, m.version, in->errors().front());
  std::size_t count = 0;
  for (const auto& t : m.transactions) on_transaction(from, in, t, ++count > machine.config().max_transactions);
  wake();
}

void endpoint::impl::on_transaction(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction& t,
                                    bool too_many) {
  const auto now = clock::now();
  if (const auto* request = std::get_if<transaction_request>(&t)) {
    on_request(from, in, t, *request, too_many);
  } else if (const auto* reply = std::get_if<transaction_reply>(&t)) {
    if (reply->segment) on_segment(from, in, *reply);
    else on_reply(from, in, *reply);
  } else if (const auto* pending = std::get_if<transaction_pending>(&t)) {
    machine.requests().on_pending(from, pending->id, now);
  } else if (const auto* ack = std::get_if<transaction_ack>(&t)) {
    for (const auto& range : ack->ranges) machine.replies().on_ack(from, (*in)->from, range, now);
  } else if (const auto* arrived = std::get_if<segment_reply>(&t)) {
    machine.replies().on_segment_ack(from, (*in)->from, arrived->id, arrived->segment);
  }
}

void endpoint::impl::on_request(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction& whole,
                                const transaction_request& t, bool too_many) {
  const message& m = **in;
  if (m.version > config.version || m.version == 0) {
    return answer_unremembered(from, t, config.version, error_code::version_not_supported, {});
  }
  if (too_many) return answer_unremembered(from, t, m.version, error_code::too_many_transactions, {});
  if (t.id.value == 0) {
    const auto code = t.error ? t.error->code : error_code::syntax_error_in_transaction;
    return answer_unremembered(from, t, m.version, code, t.error ? t.error->text : "TransactionID 0");
  }
  scratch.clear();
  write_transaction(scratch, whole, m.version);
  const auto digest = std::hash<std::string_view>{}(scratch);
  const auto id = machine.replies().on_request(from, m.from, m.version, t.id, digest, clock::now());
  if (id == 0) return;
  incoming_request request(from, in, t);
  outgoing_reply refusal;
  if (const auto refused = decide ? decide(request) : std::nullopt) {
    refusal.fail(*refused);
    return answer(id, t, std::move(refusal));
  }
  if (t.error) {
    refusal.fail(t.error->code, t.error->text);
    return answer(id, t, std::move(refusal));
  }
  if (!handler) {
    refusal.fail(error_code::not_implemented);
    return answer(id, t, std::move(refusal));
  }
  auto child = [this, id, r = std::move(request)]() -> awaitable<void> { co_await serve(id, r); };
  group->spawn("transaction", std::move(child));
}

awaitable<void> endpoint::impl::serve(execution_id id, incoming_request request) {
  struct entry {
    entry(impl& i, execution_id e, outgoing_reply& r) : of(i), id(e) { of.executions.emplace(id, &r); }
    entry(const entry&) = delete;
    ~entry() {
      of.executions.erase(id);
      of.machine.replies().forget(id);  // has no effect once answered
    }
    impl& of;
    execution_id id;
  };
  outgoing_reply reply(machine.replies().max_reply_bytes(id));
  const entry registered(*this, id, reply);
  std::exception_ptr failure;
  try {
    co_await handler(request, reply);
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure && is_cancellation(failure)) std::rethrow_exception(failure);
  if (failure) {
    log::error("h248: a handler failed: {}", describe(failure));
    (*reply).actions.clear();
    reply.fail(error_code::internal_software_failure);
  }
  answer(id, *request, std::move(reply));
  wake();
}

void endpoint::impl::answer(execution_id id, const transaction_request& request, outgoing_reply reply) {
  if ((*reply).actions.empty() && !(*reply).error) reply.fail(error_code::not_implemented);
  if (!(*reply).error && reply.full()) reply.fail(error_code::response_too_long);
  if ((*reply).error) (*reply).actions.clear();
  counts.transaction(direction::received, command_word(request.actions), result_word(*reply));
  machine.replies().answer(id, std::move(*reply), clock::now());
}

// For requests that were not looked at: their ids are free for another try.
void endpoint::impl::answer_unremembered(const peer_address& from, const transaction_request& request, std::uint8_t version,
                                         error_code code, std::string_view text) {
  transaction_reply reply;
  reply.id = request.id;
  reply.error.emplace(error_descriptor{code, text.empty() ? to_text(code) : text});
  counts.transaction(direction::received, command_word(request.actions), result_word(reply));
  const auto v = reply_version(version);
  machine.outbox().push_reply(from, v, machine.outbox().encode(transaction(std::move(reply)), v));
}

// Nothing but the header could be read.
void endpoint::impl::answer_message(const peer_address& from, std::uint8_t version, const parse_error& error) {
  message out;
  out.version = reply_version(version);
  out.from = self;
  out.error.emplace(error_descriptor{error.code, to_text(error.code)});
  auto text = to_text(out, config.style);
  auto* carrier = find_link(from.via);
  counts.message(direction::sent);
  for (const auto& observer : message_observers) observer(direction::sent, from, text, clock::now());
  carrier->send(from, text);
}

// A peer that does not know the version reads no TransactionID either, so its error stands for the whole message. It answers
// those of our requests that offer a version and wait for this peer alone; others time out.
void endpoint::impl::on_version_refused(const peer_address& from, const std::shared_ptr<parsed_message>& in,
                                        const error_descriptor& error) {
  struct refusal {
    std::shared_ptr<parsed_message> in;
    transaction_reply reply;
  };
  for (const auto& [id, w] : waiters) {
    if (w->only_peer != from || w->outcome) continue;
    const auto made = std::make_shared<refusal>();
    made->in = in;
    made->reply.id = transaction_id{id};
    made->reply.error.emplace(error);
    answered(made->reply.id, incoming_reply(from, std::shared_ptr<parsed_message>(made, in.get()), made->reply));
  }
}

void endpoint::impl::on_reply(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction_reply& t) {
  const auto version = reply_version((*in)->version);
  if (!machine.requests().on_reply(from, version, t.id, t.immediate_ack, clock::now())) {
    count_drop("h248", "stray-reply");
    return;
  }
  answered(t.id, incoming_reply(from, in, t));
}

void endpoint::impl::answered(transaction_id id, const incoming_reply& reply) {
  const auto at = waiters.find(id.value);
  if (at == waiters.end()) return;
  if (at->second->arrived) at->second->arrived(reply);
  at->second->outcome.emplace(reply);
  at->second->done.set();
}

// The messages of all segments live as long as the reply that is joined of them.
void endpoint::impl::on_segment(const peer_address& from, const std::shared_ptr<parsed_message>& in, const transaction_reply& t) {
  const auto version = reply_version((*in)->version);
  const auto what = machine.requests().on_segment(from, version, t.id, *t.segment, t.immediate_ack, clock::now());
  const auto at = waiters.find(t.id.value);
  if (what == request_table::arrival::stray || at == waiters.end()) {
    count_drop("h248", "stray-segment");
    return;
  }
  auto& parts = at->second->segments;
  if (!parts.empty() && parts.begin()->second.from().host != from.host) parts.clear();  // redirected meanwhile
  parts.insert_or_assign(t.segment->number, incoming_reply(from, in, t));
  if (what != request_table::arrival::whole) return;
  struct joined {
    std::map<std::uint16_t, incoming_reply> of;
    transaction_reply whole;
  };
  const auto all = std::make_shared<joined>();
  all->of = std::move(parts);
  all->whole.id = t.id;
  for (const auto& entry : all->of) join(all->whole, *entry.second);
  answered(t.id, incoming_reply(from, std::shared_ptr<parsed_message>(all, in.get()), all->whole));
}

}  // namespace agw::h248
