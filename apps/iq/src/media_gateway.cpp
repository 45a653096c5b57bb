#include "agw/iq/media_gateway.hpp"

#include <algorithm>

#include <boost/asio/post.hpp>

#include "agw/core/error.hpp"
#include "agw/core/log.hpp"
#include "agw/core/until.hpp"
#include "agw/h248/ascii.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "commands.hpp"
#include "state.hpp"

namespace agw::iq {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return static_cast<char>(c < 128 ? std::tolower(c) : c); });
  return out;
}

const interface_config* state::interface(std::string_view name) const {
  for (const auto& i : config.interfaces) {
    if (h248::iequals(i.name, name)) return &i;
  }
  return nullptr;
}

const interface_config* state::realm(std::string_view name) const {
  for (const auto& i : config.interfaces) {
    if (i.realm == name) return &i;
  }
  return nullptr;
}

std::uint32_t state::free_context_id() {
  do {
    last_context = last_context >= 0xFFFFFFFDu ? 1 : last_context + 1;
  } while (contexts.contains(last_context));
  return last_context;
}

std::uint32_t state::free_termination_id() {
  last_termination = last_termination == 0xFFFFFFFFu ? 1 : last_termination + 1;
  return last_termination;
}

awaitable<std::unique_ptr<gateway::context>> state::build(h248::context_id id, shard& home) {
  auto control_executor = control.get_executor();
  gateway::event_sink sink = [this, control_executor](gateway::gateway_event event) {
    asio::post(control_executor, [this, e = std::move(event)] { report(e); });
  };
  auto make = [this, number = id.value, at = &home, sink]() -> awaitable<std::unique_ptr<gateway::context>> {
    co_return std::make_unique<gateway::context>(services, at->executor(), gateway::context_id{number}, sink);
  };
  co_return co_await on(home, make);
}

awaitable<std::shared_ptr<context_record>> state::make_context(shard* home) {
  auto record = std::make_shared<context_record>();
  record->id = h248::context_id{free_context_id()};
  record->home = home ? home : &shards.next();
  struct counted {
    explicit counted(state& s) : of(s) { ++of.making; }
    counted(const counted&) = delete;
    ~counted() {
      --of.making;
      of.made.set();
    }
    state& of;
  };
  const counted one_more(*this);
  record->context = co_await build(record->id, *record->home);
  // Known from here on only: whoever goes through the contexts meets whole ones.
  contexts.emplace(record->id.value, record);
  if (!closing) co_return record;
  co_await drop(record);
  co_return nullptr;
}

awaitable<void> state::drop(std::shared_ptr<context_record> record) {
  record->closing = true;
  contexts.erase(record->id.value);
  for (const auto& entry : record->terminations) whereabouts.erase(entry.first);
  auto end = [record]() -> awaitable<void> {
    co_await record->context->close();
    record->context.reset();
  };
  co_await on(*record->home, end);
  record->terminations.clear();
  if (contexts.empty()) emptied.set();
}

std::shared_ptr<context_record> state::find(std::uint32_t id) const {
  const auto found = contexts.find(id);
  return found == contexts.end() ? nullptr : found->second;
}

std::shared_ptr<termination_record> state::find_termination(std::string_view name, std::shared_ptr<context_record>* where) const {
  const auto key = lower(name);
  const auto known = whereabouts.find(key);
  const auto record = known == whereabouts.end() ? nullptr : find(known->second);
  if (!record) return nullptr;
  if (where) *where = record;
  return record->terminations.at(key);
}

void state::enrol(const std::shared_ptr<context_record>& record, std::shared_ptr<termination_record> termination) {
  auto key = lower(termination->name);
  whereabouts.insert_or_assign(key, record->id.value);
  record->terminations.emplace(std::move(key), std::move(termination));
}

void state::strike(context_record& record, const std::string& key) {
  whereabouts.erase(key);
  record.terminations.erase(key);
  std::erase_if(record.topology, [&](const topology_rule& rule) { return rule.a == key || rule.b == key; });
}

void state::report(const gateway::gateway_event& event) {
  if (closing) return;
  const auto record = find(event.context.value);
  if (!record) return;
  for (const auto& [name, termination] : record->terminations) {
    if (termination->id == event.termination) {
      // A channel that was to be the next DCEP OPEN has its number now.
      if (event.what == gateway::gateway_event::kind::established && event.stage == "channel" && event.sid) {
        const auto stream = termination->streams.find(event.stream.value);
        if (stream != termination->streams.end()) stream->second.local = with_channel(stream->second.local, *event.sid);
      }
      // What an event changes may be the Events descriptor or the list itself.
      const auto seen = termination;
      for (auto& o : names_of(event)) observe(record, seen, std::move(o));
      return;
    }
  }
}

struct media_gateway::impl : state {
  using state::state;
};

media_gateway::media_gateway(media_gateway_config config, const gateway::gateway_services& services, shard_pool& shards,
                             h248::endpoint& control, h248::registration& registration, const h248::package_names& names)
    : impl_(std::make_unique<impl>(std::move(config), services, shards, control, registration, names)) {}

media_gateway::~media_gateway() = default;

awaitable<void> media_gateway::execute(const h248::incoming_request& request, h248::outgoing_reply& reply) {
  command_runner runner(*impl_);
  if (impl_->names.empty()) {
    co_await h248::execute(request, reply, runner);
    co_return;
  }
  // Names are canonical inside: the request's copy is translated on its way in, the reply on its way out.
  h248::transaction asked(*request);
  impl_->names.to_canonical(asked);
  const h248::incoming_request translated = request.with(std::get<h248::transaction_request>(asked));
  co_await h248::execute(translated, reply, runner);
  h248::transaction answered(std::move(*reply));
  impl_->names.to_wire(answered);
  *reply = std::move(std::get<h248::transaction_reply>(answered));
}

awaitable<void> media_gateway::run() {
  for (;;) {
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
    co_await impl_->every_second();
  }
}

awaitable<void> media_gateway::close() {
  impl_->closing = true;
  while (impl_->making > 0) co_await impl_->made.wait();
  while (!impl_->contexts.empty()) {
    // What a transaction does there comes to its end first.
    auto record = impl_->contexts.begin()->second;
    const auto turn = co_await turnstile::enter(record->turn);
    if (!record->closing) co_await impl_->drop(std::move(record));
  }
  co_await impl_->tasks.stop();
  co_await impl_->notify.close();
}

void media_gateway::drain() noexcept { impl_->draining = impl_->leaving = true; }

awaitable<bool> media_gateway::empty(deadline by) {
  while (!impl_->contexts.empty()) {
    impl_->emptied.reset();
    try {
      co_await until(by, impl_->emptied.wait());
    } catch (const system_error& e) {
      if (e.code() != make_error_code(core_error::timed_out)) throw;
      break;
    }
  }
  co_return impl_->contexts.empty();
}

std::size_t media_gateway::contexts() const noexcept { return impl_->contexts.size(); }

}  // namespace agw::iq
