#include <algorithm>
#include <functional>
#include <utility>

#include <boost/asio/post.hpp>

#include <agw/core/error.hpp>
#include <agw/core/log.hpp>
#include <agw/core/metrics.hpp>
#include <agw/h248/transaction_segments.hpp>

#include "endpoint_impl.hpp"

namespace agw::h248 {
namespace {

bool begins_as_message(std::string_view text) noexcept {
  const auto from = text.find_first_not_of(" \t\r\n");
  if (from == std::string_view::npos) return false;
  text.remove_prefix(from);
  return text.starts_with("!/") || iequals(text.substr(0, 7), "MEGACO/");
}

}  // namespace

bool endpoint::impl::accepted(const peer_address& from) const {
  if (!peers) return true;
  return std::ranges::any_of(*peers, [&](const trusted_peer& p) {
    return config.trusted == trust::host ? p.address.host == from.host : p.address == from;
  });
}

bool endpoint::impl::accepted(const peer_address& from, const h248::mid& sender) const {
  if (!peers) return true;
  return std::ranges::any_of(*peers, [&](const trusted_peer& p) {
    const bool address = config.trusted == trust::host ? p.address.host == from.host : p.address == from;
    return address && (!p.mid || h248::mid(*p.mid) == sender);
  });
}

bool endpoint::impl::agreed_with(const peer_address& from) const {
  if (config.trusted == trust::address) return versions.contains(from);
  return std::ranges::any_of(versions, [&](const auto& known) { return known.first.host == from.host; });
}

peer_address endpoint::impl::heard_as(const peer_address& from) const {
  if (peers && config.trusted == trust::address) return from;
  return {transport::udp, from.host, 0};
}

void endpoint::impl::heard(const peer_address& from) {
  const auto as = heard_as(from);
  if (!last_heard.contains(as) && last_heard.size() >= config.transactions.max_peers) {
    last_heard.erase(std::ranges::min_element(last_heard, {}, [](const auto& entry) { return entry.second; }));
  }
  last_heard[as] = clock::now();
  peer_state(from, peer_event::alive);
}

// Over UDP what is too much is dropped and comes again; a connection is not read meanwhile.
bool endpoint::impl::may_read(const peer_address& from) {
  const auto& limits = machine.config();
  const auto at = in_work.find(from);
  if (at == in_work.end()) return true;
  const auto one_message = limits.max_transactions;
  const bool room = at->second + one_message <= limits.max_running_per_peer &&
                    machine.replies().running() + one_message <= limits.max_running;
  paused = paused || !room;
  return room;
}

void endpoint::impl::work_ended(const peer_address& from) {
  const auto at = in_work.find(from);
  if (at != in_work.end() && --at->second == 0) in_work.erase(at);
  if (!std::exchange(paused, false)) return;
  for (const auto& carrier : links) carrier->resume();
}

void endpoint::impl::on_link_state(const peer_address& peer, bool connected) {
  const auto now = clock::now();
  if (connected) {
    machine.requests().connected(peer, now);
    peer_state(peer, peer_event::alive);
  } else {
    machine.requests().disconnected(peer, now);
    for (auto& [id, w] : waiters) {
      if (w->only_peer != peer || w->outcome) continue;
      w->outcome.emplace(make_error_code(errc::disconnected));
      w->done.set();
    }
    // Connections of strangers come and go under ever new ports: nothing is kept of them.
    tell(peer, peer_event::disconnected);
  }
  wake();
}

void endpoint::impl::on_text(const peer_address& from, std::string text) {
  const auto now = clock::now();
  if (!accepted(from)) {
    count_drop("h248", "refused-peer");
    const auto same_host = [&](const trusted_peer& p) { return p.address.host == from.host; };
    if (!std::ranges::any_of(*peers, same_host)) return;
    note(from, "a message came from " + to_text(from) + ", which is no address of a controller");
    if (refusals.take(from, now)) {
      log::warn("h248: {} is no address of a controller; with trust = \"host\" any port of its host is", to_text(from));
    }
    return;
  }
  counts.message(direction::received);
  for (const auto& observer : message_observers) observer(direction::received, from, text, now);
  arrival a;
  a.from = from;
  a.answer_bytes = text.size();
  a.in = std::make_shared<parsed_message>(parse(std::move(text), config.limits));
  auto* carrier = find_link(from.via);
  a.stranger = !(carrier != nullptr && carrier->reliable()) && !agreed_with(from);
  if (!a.in->readable()) return on_unreadable(a);
  const message& m = **a.in;
  if (!accepted(from, m.from)) {
    count_drop("h248", "refused-mid");
    note(from, "a message came under the mId " + log::printable(to_text(m.from)) + ", which is not the controller's");
    if (refusals.take(from, now)) log::warn("h248: {} speaks as {}, which is not its mId", to_text(from), log::printable(to_text(m.from)));
    return;
  }
  heard(from);
  for (const auto& e : a.in->errors()) {
    log::debug("h248: message of {}: line {} column {}: expected {}", to_text(from), e.line, e.column, e.expected);
  }
  if (m.error) return on_error(a, *m.error);
  if (m.transactions.empty() && !a.in->ok()) answer_message(a, m.version, a.in->errors().front().code);
  std::size_t count = 0;
  for (const auto& t : m.transactions) on_transaction(a, t, ++count > machine.config().max_transactions);
  wake();
}

// Who sent it and in which version is not known: what begins as a message is answered in the first one. Two entities that cannot read
// each other would complain without end, hence one answer a second.
void endpoint::impl::on_unreadable(arrival& a) {
  count_drop("h248", "unreadable");
  const auto now = clock::now();
  const auto& errors = a.in->errors();
  note(a.from, errors.empty() ? "a message came that cannot be read"
                              : "a message came that cannot be read: line " + std::to_string(errors.front().line) + " column " +
                                    std::to_string(errors.front().column) + ": expected " + std::string(errors.front().expected));
  if (unread.take(a.from, now)) {
    if (errors.empty()) {
      log::warn("h248: a message of {} cannot be read", to_text(a.from));
    } else {
      const auto& e = errors.front();
      log::warn("h248: a message of {} cannot be read: line {} column {}: expected {}", to_text(a.from), e.line, e.column, e.expected);
    }
  }
  if (begins_as_message(a.in->text()) && replies_to_unread.take(a.from, now)) answer_message(a, 1, error_code::syntax_error_in_message);
}

// Never answered: two entities must not complain to each other without end.
void endpoint::impl::on_error(const arrival& a, const error_descriptor& error) {
  count_drop("h248", "error-message");
  note(a.from, "it said error " + std::to_string(static_cast<unsigned>(error.code)) + " \"" + log::printable(error.text) + "\"");
  // Once a minute: a faulty peer may say so with every message.
  if (complaints.take(a.from, clock::now())) {
    log::warn("h248: {} says error {} \"{}\"", to_text(a.from), static_cast<unsigned>(error.code), log::printable(error.text));
  }
  if (error.code == error_code::version_not_supported) on_version_refused(a.from, a.in, error);
}

void endpoint::impl::on_transaction(arrival& a, const transaction& t, bool too_many) {
  const auto now = clock::now();
  if (const auto* request = std::get_if<transaction_request>(&t)) {
    on_request(a, t, *request, too_many);
  } else if (const auto* reply = std::get_if<transaction_reply>(&t)) {
    // An acknowledgement is an answer, too.
    if (a.stranger && !waiters.contains(reply->id.value)) return count_drop("h248", "stray-reply");
    if (reply->segment) on_segment(a.from, a.in, *reply);
    else on_reply(a.from, a.in, *reply);
  } else if (const auto* pending = std::get_if<transaction_pending>(&t)) {
    machine.requests().on_pending(a.from, pending->id, now);
  } else if (const auto* ack = std::get_if<transaction_ack>(&t)) {
    for (const auto& range : ack->ranges) machine.replies().on_ack((*a.in)->from, range, now);
  } else if (const auto* arrived = std::get_if<segment_reply>(&t)) {
    machine.replies().on_segment_ack((*a.in)->from, arrived->id, arrived->segment);
  }
}

void endpoint::impl::on_request(arrival& a, const transaction& whole, const transaction_request& t, bool too_many) {
  const message& m = **a.in;
  if (m.version > config.version || m.version == 0) {
    return answer_unremembered(a, t, config.version, error_code::version_not_supported, {});
  }
  if (too_many) return answer_unremembered(a, t, m.version, error_code::too_many_transactions, {});
  if (t.id.value == 0) {
    const auto code = t.error ? t.error->code : error_code::syntax_error_in_transaction;
    return answer_unremembered(a, t, m.version, code, t.error ? t.error->text : "TransactionID 0");
  }
  incoming_request request(a.from, a.in, t);
  auto refused = a.stranger && decide ? decide(request) : std::nullopt;
  if (refused) return answer_unremembered(a, t, m.version, *refused, {});
  if (a.stranger && t.error) return answer_unremembered(a, t, m.version, t.error->code, t.error->text);
  std::uint64_t digest = 0;
  if (machine.config().compare_requests) {
    scratch.clear();
    write_transaction(scratch, whole, m.version);
    digest = std::hash<std::string_view>{}(scratch);
  }
  const auto* carrier = find_link(a.from.via);
  const bool reliable = carrier != nullptr && carrier->reliable();
  if (reliable && !machine.replies().has_room(m.from) && !machine.replies().knows(m.from, t.id)) {
    counts.ran_short_of("transactions");
    return answer_unremembered(a, t, m.version, error_code::insufficient_resources, {});
  }
  const auto id = machine.replies().on_request(a.from, m.from, m.version, t.id, digest, clock::now());
  if (id == 0) return;
  outgoing_reply refusal;
  if (!a.stranger && decide) refused = decide(request);
  if (refused) {
    refusal.fail(*refused);
    return answer(id, a.from, t, std::move(refusal));
  }
  if (t.error) {
    refusal.fail(t.error->code, t.error->text);
    return answer(id, a.from, t, std::move(refusal));
  }
  if (!handler) {
    refusal.fail(error_code::not_implemented);
    return answer(id, a.from, t, std::move(refusal));
  }
  if (reliable) ++in_work[a.from];
  auto child = [this, id, reliable, r = std::move(request)]() -> awaitable<void> {
    const scope_guard done([this, reliable, &r] {
      if (reliable) work_ended(r.from());
    });
    co_await serve(id, r);
  };
  group->spawn("transaction", std::move(child));
}

awaitable<void> endpoint::impl::serve(execution_id id, incoming_request request) {
  outgoing_reply reply(machine.replies().max_reply_bytes(id));
  const auto begun = clock::now();
  executions.emplace(id, &reply);
  const scope_guard forget([this, id] {
    executions.erase(id);
    machine.replies().forget(id);  // has no effect once answered
  });
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
  settle(request.from(), *request, reply);
  counts.latency(direction::received, clock::now() - begun);
  if (auto pieces = machine.replies().long_reply(id, *reply)) co_await answer_in_turns(id, *pieces);
  else machine.replies().answer(id, std::move(*reply), clock::now());
  wake();
}

// Makes of what was answered what is to be said, counts it and tells of it.
void endpoint::impl::settle(const peer_address& to, const transaction_request& request, outgoing_reply& reply) {
  if ((*reply).actions.empty() && !(*reply).error) reply.fail(error_code::not_implemented);
  if (!(*reply).error && reply.full()) reply.fail(error_code::response_too_long);
  if ((*reply).error) (*reply).actions.clear();
  counts.transaction(direction::received, command_word(request.actions), result_word(*reply));
  tell_refused(to, request, *reply);
}

void endpoint::impl::answer(execution_id id, const peer_address& to, const transaction_request& request, outgoing_reply reply) {
  settle(to, request, reply);
  machine.replies().answer(id, std::move(*reply), clock::now());
}

// A megabyte of text takes a tenth of a second to write: others go in between.
awaitable<void> endpoint::impl::answer_in_turns(execution_id id, reply_cutter& pieces) {
  std::vector<shared_text> texts;
  while (auto piece = pieces.next()) {
    if (!texts.empty()) co_await asio::post(executor, use_awaitable);
    auto text = machine.replies().write_piece(id, std::move(*piece));
    if (!text) co_return;  // given up meanwhile
    texts.push_back(std::move(text));
  }
  machine.replies().answer(id, std::move(texts), clock::now());
}

// For requests that were not looked at: their ids are free for another try. A stranger gets the code without its text where the text
// is too much, or nothing.
void endpoint::impl::answer_unremembered(arrival& a, const transaction_request& request, std::uint8_t version, error_code code,
                                         std::string_view text) {
  transaction_reply reply;
  reply.id = request.id;
  reply.error.emplace(error_descriptor{code, text.empty() ? to_text(code) : text});
  counts.transaction(direction::received, command_word(request.actions), result_word(reply));
  tell_refused(a.from, request, reply);
  const auto v = reply_version(version);
  const auto encode = [&] { return machine.outbox().encode(transaction(reply), v); };
  auto out = encode();
  if (a.stranger && machine.outbox().message_bytes(v, *out) > a.answer_bytes) {
    reply.error->text = {};
    out = encode();
  }
  if (a.stranger) {
    const auto bytes = machine.outbox().message_bytes(v, *out);
    if (bytes > a.answer_bytes) return count_drop("h248", "answer-too-long");
    a.answer_bytes -= bytes;
  }
  machine.outbox().push_reply(a.from, v, std::move(out));
}

// Nothing but the header could be read, or not even that.
void endpoint::impl::answer_message(arrival& a, std::uint8_t version, error_code code) {
  auto* carrier = find_link(a.from.via);
  if (carrier == nullptr) return;
  message out;
  out.version = reply_version(version);
  out.from = self;
  out.error.emplace(error_descriptor{code, to_text(code)});
  auto text = to_text(out, config.style);
  if (a.stranger && text.size() > a.answer_bytes) {
    out.error->text = {};
    text = to_text(out, config.style);
    if (text.size() > a.answer_bytes) return count_drop("h248", "answer-too-long");
  }
  counts.message(direction::sent);
  for (const auto& observer : message_observers) observer(direction::sent, a.from, text, clock::now());
  carrier->send(a.from, text);
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
  if (parts.empty()) at->second->segment_bytes = 0;
  parts.insert_or_assign(t.segment->number, incoming_reply(from, in, t));
  at->second->segment_bytes += in->text().size();
  if (at->second->segment_bytes > 2 * machine.config().max_reply_bytes) {
    count_drop("h248", "reply-too-long");
    parts.clear();
    at->second->outcome.emplace(make_error_code(errc::too_long));
    return at->second->done.set();
  }
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
