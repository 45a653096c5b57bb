#include "mgc.hpp"

#include <algorithm>

#include "agw/core/log.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "agw/h248/error.hpp"
#include "agw/h248/text.hpp"
#include "agw/h248/transaction_executor.hpp"

namespace agw::controller {

namespace {

constexpr std::size_t most_early_notifies = 256;

// One command of `kind` on `termination`, in a context.
h248::action action_on(h248::context_id context, h248::command_kind kind, std::string_view termination) {
  h248::action out;
  out.context = context;
  auto& c = out.commands.emplace_back();
  c.kind = kind;
  c.terminations.push_back(h248::termination_id{termination});
  return out;
}

}  // namespace

class mgc::runner final : public h248::command_handler {
 public:
  explicit runner(mgc& m) : mgc_(m) {}

  awaitable<void> run(h248::action_state& at, const h248::command& c) override {
    if (c.kind == h248::command_kind::service_change && c.termination().is_root()) {
      mgc_.registry_.service_change(at, c);
      co_return;
    }
    const bool known = mgc_.registry_.heard(at.request());
    if (!known) {
      at.fail(c, h248::error_code::unauthorized_entity, "not registered");
    } else if (c.kind == h248::command_kind::notify) {
      mgc_.notified(at.request(), at.asked().context, c);
      at.answer(c);
    } else if (c.kind == h248::command_kind::service_change) {
      at.answer(c);
    } else {
      at.fail(c, h248::error_code::command_not_allowed_here);
    }
  }

 private:
  mgc& mgc_;
};

void call_place::subtracted() {
  if (!life_ || !context_.is_specific()) return;
  const auto at = life_->contexts.find(context_.value);
  if (at != life_->contexts.end() && at->second == owner_) life_->contexts.erase(at);
  context_ = h248::context_id::choose();
}

void call_place::abandoned() {
  if (!life_ || !context_.is_specific()) return;
  life_->orphans.insert(context_.value);
  subtracted();
  control_->want_tidy(life_);
}

void call_place::leave() {
  if (!life_) return;
  subtracted();
  life_->calls.erase(owner_);
  control_->book_.forget(*owner_);
  life_ = nullptr;
}

mgc::mgc(loop_executor executor, h248::endpoint_config config, agw::metrics* counted, h248::registry_config gateways,
         gateway_options options)
    : control_(executor, std::move(config), counted), registry_(control_, std::move(gateways)), pool_(std::move(options)) {
  control_.on_request([this](const h248::incoming_request& request, h248::outgoing_reply& reply) -> awaitable<void> {
    runner commands(*this);
    co_await h248::execute(request, reply, commands);
  });
  control_.on_message([this](h248::direction way, const h248::peer_address& peer, std::string_view text, clock::time_point) {
    trace(way, peer, text);
  });
  registry_.on_change([this](h248::gateway_change what, const h248::registered_gateway& gateway) { on_change(what, gateway); });
}

awaitable<void> mgc::run() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    tasks.spawn("watch", [this] { return registry_.watch(); });
    tasks.spawn("tidy", [this] { return keep_tidy(); });
    co_await control_.run();
  };
  co_await with_tasks("mgc", std::move(body));
}

void mgc::on_change(h248::gateway_change what, const h248::registered_gateway& gateway) {
  static constexpr std::string_view words[] = {"registered", "registered again", "draining", "in service again", "gone", "lost", "silent", "not silent any more"};
  log::info("gateway {}: {}", log::printable(h248::to_text(h248::mid(gateway.mid))), words[static_cast<std::size_t>(what)]);
  const bool unknown = pool_.find(gateway.mid) == nullptr;
  const auto ended = pool_.changed(what, gateway);
  if (ended) {
    std::erase_if(early_, [&](const early_notify& e) { return e.from.lock() == ended; });
    const auto calls = ended->calls;
    for (auto* one : calls) one->on_gateway_over();
  }
  const auto life = pool_.find(gateway.mid);
  if (life && what == h248::gateway_change::reconnected) {
    const auto calls = life->calls;
    for (auto* one : calls) one->on_gateway_back();
    // What a gateway holds that we had given up belongs to nobody any more.
    life->unsure = life->unsure || unknown || calls.empty();
  }
  if (life) want_tidy(life);
  if (on_gateway) on_gateway();
}

bool mgc::place(call_place& where, call_control& owner) {
  where.leave();
  auto life = pool_.place(owner);
  if (!life) return false;
  where.control_ = this;
  where.owner_ = &owner;
  where.life_ = std::move(life);
  return true;
}

// Looked at before anything behind the reply: what the context notifies may stand in the same message.
void mgc::attach(call_place& where, const h248::incoming_reply& reply) {
  if (!where.context_.is_choose() || !where.life_ || reply->actions.empty()) return;
  const auto context = reply->actions.front().context;
  if (!context.is_specific()) return;
  where.context_ = context;
  where.life_->contexts.insert_or_assign(context.value, where.owner_);
  for (auto at = early_.begin(); at != early_.end();) {
    if (at->context != context.value || at->from.lock() != where.life_) {
      ++at;
      continue;
    }
    const auto one = std::move(*at);
    at = early_.erase(at);
    where.owner_->on_notify(*one.notify);
  }
}

awaitable<result<h248::incoming_reply>> mgc::request(call_place& where, composed& what) {
  if (!where || where.life_->over) co_return h248::make_error_code(h248::errc::disconnected);
  const auto life = where.life_;
  auto* const owner = where.owner_;
  const bool choosing = where.context_.is_choose();
  bool sent = false;
  bool answered = false;
  const auto number = ++adds_;
  if (choosing) {
    ++choosing_;
    life->choosing.insert(number);
  }
  const scope_guard chosen([&] {
    if (!choosing) return;
    if (--choosing_ == 0) early_.clear();
    life->choosing.erase(number);
    life->unsure = life->unsure || (sent && !answered);
    want_tidy(life);
  });
  std::function<void(const h248::incoming_reply&)> arrived = [this, &where](const h248::incoming_reply& reply) { attach(where, reply); };
  std::function<void(h248::transaction_id)> started = [&](h248::transaction_id id) {
    sent = true;
    book_.started(id, life, owner, what.summary, what.step);
  };
  const auto version = control_.version(life->registered.address);
  auto sending = control_.request(life->registered.address, what.actions, version, std::move(arrived), {}, std::move(started));
  auto reply = co_await std::move(sending);
  answered = reply.has_value();
  co_return std::move(reply);
}

awaitable<void> mgc::audit_gateways() {
  std::vector<gateway_ptr> all;
  for (const auto& [name, life] : pool_.all()) all.push_back(life);
  auto audit = [this](const gateway_ptr& life) -> awaitable<void> {
    h248::list<h248::action> actions;
    auto& a = actions.emplace_back(action_on(h248::context_id::null(), h248::command_kind::audit_value, "ROOT"));
    h248::audit_descriptor wanted;
    wanted.items.push_back(h248::audit_item(h248::audit_token::media));
    a.commands.front().add(std::move(wanted));
    auto asking = control_.request(life->registered.address, std::move(actions));
    const auto reply = co_await std::move(asking);
    if (!reply) log::info("gateway {}: no answer to an audit: {}", life->name, reply.error().message());
  };
  auto begin = [&](task_group& audits) {
    for (const auto& life : all) audits.spawn("audit", [&audit, &life] { return audit(life); });
  };
  co_await join_all("audits", std::move(begin));
}

// By gateway and context: ContextIDs of two gateways may be equal.
void mgc::notified(const h248::incoming_request& request, h248::context_id context, const h248::command& notify) {
  const auto life = pool_.find(request.sender());
  if (!life) return;
  const auto found = life->contexts.find(context.value);
  if (found != life->contexts.end()) {
    found->second->on_notify(notify);
  } else if (choosing_ > 0 && early_.size() < most_early_notifies) {
    early_.push_back(early_notify{life, request, &notify, context.value});
  }
}

void mgc::trace(h248::direction way, const h248::peer_address& peer, std::string_view text) {
  for (const auto& share : book_.read(way, peer, pool_, text)) {
    if (share.owner) {
      share.owner->on_traced(share.message);
    } else if (on_traced) {
      on_traced(share.message);
    }
  }
}

}  // namespace agw::controller
