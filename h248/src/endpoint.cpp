#include <agw/h248/endpoint.hpp>

#include <algorithm>
#include <random>

#include <boost/asio/redirect_error.hpp>

#include <agw/core/log.hpp>
#include <agw/core/metrics.hpp>
#include <agw/core/scope_guard.hpp>
#include <agw/core/until.hpp>

#include "endpoint_impl.hpp"

namespace agw::h248 {
namespace {

std::uint64_t seed_of(std::uint64_t configured) {
  if (configured != 0) return configured;
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

}  // namespace

const error_descriptor* first_error(const transaction_reply& reply) noexcept {
  if (reply.error) return reply.error.get();
  for (const auto& a : reply.actions) {
    for (const auto& c : a.commands) {
      if (const auto* found = c.error()) return found;
    }
    if (a.error) return a.error.get();
  }
  return nullptr;
}

error_descriptor outgoing_reply::error(error_code code, std::string_view text) {
  return {code, text.empty() ? to_text(code) : keep(text)};
}

endpoint::impl::impl(loop_executor ex, endpoint_config c, agw::metrics* metrics)
    : executor(std::move(ex)),
      config(std::move(c)),
      machine(config.transactions, seed_of(config.seed)),
      counts(metrics),
      self(config.mid),
      alarm(executor) {
  config.version = std::clamp<std::uint8_t>(config.version, 1, 3);
  if (!config.peers.empty()) peers.emplace();
  for (const auto& peer : config.peers) peers->push_back({peer, {}});
  if (!self.empty()) machine.outbox().set_sender(self, config.style);
}

message_link* endpoint::impl::find_link(transport via) const noexcept {
  const auto at = std::ranges::find_if(links, [via](const auto& l) { return l->kind() == via; });
  return at == links.end() ? nullptr : at->get();
}

void endpoint::impl::wake() {
  if (!machine.outbox().empty()) send_wanted.set();
  if (machine.next_deadline() < alarm_at) alarm.cancel();
}

// Messages leave one turn of the loop after they were asked for: what was asked for meanwhile travels with them.
awaitable<void> endpoint::impl::keep_sending() {
  for (;;) {
    send_due();
    co_await send_wanted.wait();
  }
}

void endpoint::impl::send_due() {
  const auto now = clock::now();
  outgoing.clear();
  machine.outbox().flush(outgoing, now);
  for (const auto& m : outgoing) {
    auto* carrier = find_link(m.to.via);
    if (carrier == nullptr) continue;
    counts.message(direction::sent);
    for (const auto& observer : message_observers) observer(direction::sent, m.to, m.text, now);
    // What could not even be queued is repeated as over UDP, until there is a connection.
    const bool under_way = carrier->send(m.to, m.text);
    if (under_way || !carrier->reliable()) continue;
    machine.requests().disconnected(m.to, now);
    wake();
  }
  counts.take(machine);
}

awaitable<void> endpoint::impl::keep_time() {
  for (;;) {
    const auto now = clock::now();
    const auto due = machine.expire(now);
    for (const auto& f : due.failed) fail(f);
    for (const auto id : due.given_up) {
      log::warn("h248: a transaction took too long and was answered with error 506");
      // Not cancelled: a command that is cut off in the middle would be neither done nor undone.
      if (const auto at = executions.find(id); at != executions.end()) at->second->give_up();
    }
    if (!machine.outbox().empty()) send_wanted.set();
    alarm_at = machine.next_deadline();
    alarm.expires_at(alarm_at);
    boost::system::error_code ignored;  // also wake() cancels the wait; a cancelled task throws at its next one
    auto token = asio::redirect_error(use_awaitable, ignored);
    co_await alarm.async_wait(token);
  }
}

void endpoint::impl::fail(const request_table::failure& f) {
  if (f.why == errc::timed_out) {
    const auto said = remark(f.to);
    log::warn("h248: no reply from {} to transaction {}{}{}", to_text(f.to), f.id.value, said.empty() ? "" : "; ", said);
    peer_state(f.to, peer_event::silent);
    if (auto* carrier = find_link(f.to.via)) carrier->drop(f.to);
  }
  const auto at = waiters.find(f.id.value);
  if (at == waiters.end()) return;
  at->second->outcome.emplace(make_error_code(f.why));
  at->second->done.set();
}

void endpoint::impl::note(const peer_address& from, std::string what) {
  const auto now = clock::now();
  constexpr std::size_t most_hosts = 64;
  if (remarks.size() >= most_hosts && !remarks.contains(from.host)) {
    remarks.erase(std::ranges::min_element(remarks, {}, [](const auto& entry) { return entry.second.at; }));
  }
  remarks[from.host] = remarked{std::move(what), now};
}

// Of one that has just been waited for.
std::string endpoint::impl::remark(const peer_address& peer) const {
  const auto found = remarks.find(peer.host);
  const bool fresh = found != remarks.end() && clock::now() - found->second.at < config.transactions.t_max;
  return fresh ? found->second.what : std::string();
}

void endpoint::impl::peer_state(const peer_address& peer, peer_event what) {
  if (silent.size() >= config.transactions.max_peers) silent.clear();
  if (what == peer_event::alive ? silent.erase(peer) == 0 : !silent.insert(peer).second) return;
  tell(peer, what);
}

void endpoint::impl::tell(const peer_address& peer, peer_event what) {
  const auto observers = peer_observers;  // one may add another
  for (const auto& observer : observers) observer(peer, what);
}

void endpoint::impl::stopped() {
  send_due();
  group = nullptr;
  ended = true;
  for (auto& [id, w] : waiters) {
    if (!w->outcome) w->outcome.emplace(make_error_code(errc::stopped));
    w->done.set();
  }
}

endpoint::endpoint(loop_executor executor, endpoint_config config, agw::metrics* metrics)
    : impl_(std::make_unique<impl>(std::move(executor), std::move(config), metrics)) {}
endpoint::~endpoint() = default;

void endpoint::add_link(std::unique_ptr<message_link> carrier) {
  auto& i = *impl_;
  i.machine.outbox().set_limits(carrier->kind(), transport_limits{carrier->reliable(), carrier->max_message_bytes()});
  if (i.self.empty()) {
    i.self = mid_name::of(carrier->local());
    i.machine.outbox().set_sender(i.self, i.config.style);
  }
  carrier->set_filter([of = impl_.get()](const peer_address& peer) { return of->accepted(peer); });
  carrier->set_pace([of = impl_.get()](const peer_address& peer) { return of->may_read(peer); });
  i.links.push_back(std::move(carrier));
}

void endpoint::on_request(request_handler handler) { impl_->handler = std::move(handler); }
void endpoint::on_admission(admission decide) { impl_->decide = std::move(decide); }
void endpoint::on_message(message_observer observer) { impl_->message_observers.push_back(std::move(observer)); }
void endpoint::on_peer(peer_observer observer) { impl_->peer_observers.push_back(std::move(observer)); }

awaitable<void> endpoint::run() {
  auto* i = impl_.get();
  auto body = [i](task_group& group) -> awaitable<void> {
    i->group = &group;
    for (const auto& carrier : i->links) {
      auto serve = [i, l = carrier.get()]() -> awaitable<void> {
        message_link::receiver on_message = [i](const peer_address& from, std::string text) { i->on_text(from, std::move(text)); };
        message_link::state_observer on_state = [i](const peer_address& peer, bool connected) { i->on_link_state(peer, connected); };
        co_await l->run(std::move(on_message), std::move(on_state));
      };
      group.spawn("link", std::move(serve));
    }
    auto time = [i]() -> awaitable<void> { co_await i->keep_time(); };
    group.spawn("timers", std::move(time));
    co_await i->keep_sending();
  };
  const scope_guard stop([i] { i->stopped(); });
  co_await with_tasks("h248", std::move(body));
}

awaitable<result<incoming_reply>> endpoint::request(peer_address to, list<action> actions) {
  const auto agreed = version(to);
  std::function<void(const incoming_reply&)> nobody;
  co_return co_await request(std::move(to), std::move(actions), agreed, std::move(nobody));
}

awaitable<result<incoming_reply>> endpoint::request(peer_address to, list<action> actions, std::uint8_t version,
                                                    std::function<void(const incoming_reply&)> arrived, clock::duration patience,
                                                    std::function<void(transaction_id)> started) {
  auto& i = *impl_;
  if (i.ended) co_return make_error_code(errc::stopped);
  if (i.find_link(to.via) == nullptr) co_return make_error_code(errc::no_link);
  const auto word = command_word(actions);
  const auto id = i.machine.requests().next_id();
  transaction_request t;
  t.id = id;
  t.actions = std::move(actions);
  auto text = i.machine.outbox().encode(transaction(std::move(t)), version);
  impl::waiting w;
  w.arrived = std::move(arrived);
  if (patience > clock::duration{}) w.only_peer = to;
  const auto accepted = i.machine.requests().start(to, version, id, std::move(text), clock::now(), patience);
  if (!accepted) {
    i.counts.transaction(direction::sent, word, result_word(static_cast<errc>(accepted.error().value())));
    co_return accepted.error();
  }
  if (started) started(id);
  const auto begun = clock::now();
  i.waiters.emplace(id.value, &w);
  const scope_guard forget([&] {
    i.waiters.erase(id.value);
    i.machine.requests().abandon(id);
  });
  i.wake();
  co_await w.done.wait();
  auto& outcome = *w.outcome;
  if (outcome) i.counts.latency(direction::sent, clock::now() - begun);
  i.counts.transaction(direction::sent, word, outcome ? result_word(**outcome) : result_word(static_cast<errc>(outcome.error().value())));
  if (const auto* refused = outcome ? first_error(**outcome) : nullptr) i.counts.refused_by_peer(refused->code);
  co_return std::move(outcome);
}

void endpoint::set_version(const peer_address& peer, std::uint8_t version) {
  if (version == 0) {
    impl_->versions.erase(peer);
  } else {
    impl_->versions[peer] = version;
  }
}

std::uint8_t endpoint::version(const peer_address& peer) const {
  const auto at = impl_->versions.find(peer);
  return at == impl_->versions.end() ? impl_->config.version : at->second;
}

void endpoint::set_peers(std::vector<trusted_peer> peers) { impl_->peers = std::move(peers); }

bool endpoint::same_peer(const peer_address& from, const peer_address& known) const noexcept {
  return impl_->config.trusted == trust::host ? from.host == known.host : from == known;
}

void endpoint::forget_transactions(const h248::mid& sender) { impl_->machine.replies().forget_finished(sender); }

void endpoint::redirect(const peer_address& from, const peer_address& to) {
  impl_->machine.requests().redirect(from, to, clock::now());
  impl_->wake();
}

std::string endpoint::remark(const peer_address& peer) const { return impl_->remark(peer); }

void endpoint::set_transactions(const transaction_config& config) { impl_->machine.set_config(config); }
const transaction_config& endpoint::transactions() const noexcept { return impl_->machine.config(); }
const mid_name& endpoint::mid() const noexcept { return impl_->self; }

result<peer_address> endpoint::local(transport kind) const {
  const auto* found = impl_->find_link(kind);
  if (found == nullptr) return make_error_code(errc::no_link);
  return found->local();
}

std::optional<clock::time_point> endpoint::last_heard(const peer_address& peer) const {
  const auto at = impl_->last_heard.find(impl_->heard_as(peer));
  if (at == impl_->last_heard.end()) return std::nullopt;
  return at->second;
}

std::size_t endpoint::unanswered() const noexcept { return impl_->machine.requests().size(); }
std::size_t endpoint::executing() const noexcept { return impl_->machine.replies().running(); }
const loop_executor& endpoint::get_executor() const noexcept { return impl_->executor; }

}  // namespace agw::h248
