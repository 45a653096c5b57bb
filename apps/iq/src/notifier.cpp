#include "notifier.hpp"

#include <utility>

#include "agw/core/log.hpp"

namespace agw::iq {

notifier::notifier(loop_executor executor, h248::registration& registration, const h248::package_names& names, settler settled)
    : registration_(registration), names_(&names), settled_(std::move(settled)), tasks_(std::move(executor), "notify") {}

void notifier::notify(notice n) {
  tasks_.spawn("notify", [this, sent = std::move(n)] { return send(sent); });
}

void notifier::service_change(std::string termination, h248::change_method method, h248::change_reason reason) {
  tasks_.spawn("service change", [this, termination, method, reason] { return tell(termination, method, reason); });
}

awaitable<void> notifier::send(notice n) {
  h248::observed_events_descriptor events;
  events.id = h248::request_id{n.request_id};
  for (const auto& o : n.events) events.events.push_back(as_h248(o));
  h248::command notify;
  notify.kind = h248::command_kind::notify;
  notify.terminations.push_back(h248::termination_id{n.termination});
  notify.add(std::move(events));
  h248::action action;
  action.context = n.context;
  action.commands.push_back(std::move(notify));
  auto sending = request(std::move(action), n.termination);
  const bool heard = co_await std::move(sending);
  // The next MGC is to hear of it, as long as the termination is there.
  std::vector<observed> unheard;
  if (!heard) unheard = std::move(n.events);
  auto settling = settled_(lower(n.termination), n.serial, std::move(unheard));
  co_await std::move(settling);
}

awaitable<void> notifier::tell(std::string termination, h248::change_method method, h248::change_reason reason) {
  h248::services_descriptor services;
  services.method = method;
  services.reason = h248::quoted(h248::to_text(reason));
  services.time = h248::current_time_stamp();
  h248::command change;
  change.kind = h248::command_kind::service_change;
  change.terminations.push_back(h248::termination_id{termination});
  change.add(std::move(services));
  h248::action action;
  action.context = h248::context_id::null();
  action.commands.push_back(std::move(change));
  // The next MGC is to hear of it, if it still holds.
  const auto mine = ++told_;
  latest_[termination] = mine;
  const auto holds = [&] {
    const auto found = latest_.find(termination);
    return found != latest_.end() && found->second == mine;
  };
  bool done = false;
  while (!done && holds()) {
    auto copy = action;
    auto sending = request(std::move(copy), termination);
    done = co_await std::move(sending);
  }
  if (holds()) latest_.erase(termination);
}

// False: no MGC has it, and the next one may. Whoever asks again waits for a registration first.
awaitable<bool> notifier::request(h248::action action, std::string about) {
  h248::transaction_request whole;
  whole.actions.push_back(std::move(action));
  h248::transaction translated(std::move(whole));
  names_->to_wire(translated);
  h248::list<h248::action> actions = std::move(std::get<h248::transaction_request>(translated).actions);
  auto sent = registration_.request(std::move(actions));
  const auto reply = co_await std::move(sent);
  if (!reply) {
    log::warn("{}: the MGC was not told: {}", about, reply.error().message());
    const auto why = reply.error();
    co_return why != h248::make_error_code(h248::errc::timed_out) && why != h248::make_error_code(h248::errc::refused);
  }
  if (const auto* error = reply->error()) {
    // An answer with 411 or 430 to a heartbeat is a termination that nobody wants any more: H.248.36 leaves it to the operator.
    log::warn("{}: the MGC answers with error {} {}", about, static_cast<unsigned>(error->code), log::printable(error->text));
  }
  co_return true;
}

awaitable<void> notifier::close() { co_await tasks_.stop(); }

}  // namespace agw::iq
