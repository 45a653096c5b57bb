// Contexts that no call knows: those of a gateway that was given up and is back, of an Add whose reply got lost, or whose Subtract got
// none. They are released when the gateway can be asked.
#include "agw/core/log.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/task_group.hpp"
#include "agw/core/until.hpp"
#include "mgc.hpp"

namespace agw::controller {

namespace {

h248::list<h248::action> one_command(h248::context_id context, h248::command_kind kind, h248::termination_id termination) {
  h248::list<h248::action> out;
  auto& a = out.emplace_back();
  a.context = context;
  auto& c = a.commands.emplace_back();
  c.kind = kind;
  c.terminations.push_back(termination);
  return out;
}

}  // namespace

void mgc::want_tidy(gateway_ptr life) {
  const bool needed = life->unsure || !life->orphans.empty();
  if (!needed || life->over || life->tidying || life->registered.silent) return;
  life->tidying = true;
  to_tidy_.push_back(std::move(life));
  tidy_wanted_.set();
}

awaitable<void> mgc::keep_tidy() {
  auto body = [this](task_group& tasks) -> awaitable<void> {
    for (;;) {
      while (to_tidy_.empty()) co_await tidy_wanted_.wait();
      auto life = std::move(to_tidy_.back());
      to_tidy_.pop_back();
      auto tidying = [this, life = std::move(life)] { return tidy(life); };
      tasks.spawn("tidy", std::move(tidying));
    }
  };
  co_await with_tasks("tidy", std::move(body));
}

awaitable<void> mgc::tidy(gateway_ptr life) {
  const scope_guard done([&] { life->tidying = false; });
  if (life->calls.empty() && life->choosing.empty() && life->unsure) {
    co_await clear(life);
  } else if (life->unsure) {
    co_await find_orphans(life);
  }
  co_await release_orphans(life);
}

// With one request, where there is nothing to spare.
awaitable<void> mgc::clear(gateway_ptr life) {
  life->unsure = false;
  auto actions = one_command(h248::context_id::all(), h248::command_kind::subtract, h248::termination_id::all());
  actions.front().commands.front().wildcard_response = true;
  auto asking = control_.request(life->registered.address, std::move(actions));
  const auto reply = co_await std::move(asking);
  if (reply) {
    life->orphans.clear();
  } else {
    life->unsure = true;
  }
}

// The contexts that the gateway lists, without those that calls have, or that an Add under way may have made.
awaitable<void> mgc::find_orphans(gateway_ptr life) {
  life->unsure = false;
  auto actions = one_command(h248::context_id::all(), h248::command_kind::audit_value, h248::termination_id::root());
  actions.front().commands.front().add(h248::audit_descriptor{});
  auto asking = control_.request(life->registered.address, std::move(actions));
  const auto reply = co_await std::move(asking);
  if (!reply) {
    life->unsure = true;
    co_return;
  }
  std::set<std::uint32_t> unknown;
  for (const auto& a : (*reply)->actions) {
    if (a.context.is_specific() && !life->contexts.contains(a.context.value)) unknown.insert(a.context.value);
  }
  const auto until_now = adds_;
  while (!unknown.empty() && !life->choosing.empty() && *life->choosing.begin() <= until_now) {
    co_await sleep_until(deadline_after(std::chrono::seconds(1)));
  }
  life->orphans.merge(unknown);
}

awaitable<void> mgc::release_orphans(gateway_ptr life) {
  while (!life->orphans.empty() && !life->over) {
    const auto id = *life->orphans.begin();
    if (!life->contexts.contains(id)) {  // else the gateway gave the number to another call
      auto actions = one_command(h248::context_id{id}, h248::command_kind::subtract, h248::termination_id::all());
      auto asking = control_.request(life->registered.address, std::move(actions));
      const auto reply = co_await std::move(asking);
      if (!reply) co_return;
      log::info("gateway {}: context {}, which no call knows, is released", life->name, id);
    }
    life->orphans.erase(id);
  }
}

}  // namespace agw::controller
