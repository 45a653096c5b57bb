// ROOT: properties of the gateway as a whole, and ServiceChange by the MGC, on ROOT and on terminations.
#include <algorithm>

#include "commands.hpp"
#include "root_values.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

awaitable<void> command_runner::modify_root(h248::action_state& at, const h248::command& c) {
  if (!at.asked().context.is_null()) {
    at.fail(c, error_code::incorrect_identifier, "ROOT");
    co_return;
  }
  auto settings = state_.control.transactions();
  if (const auto* media = c.find<h248::media_descriptor>()) {
    if (media->single || !media->streams.empty()) {
      at.fail(c, error_code::descriptor_not_legal, "Stream on ROOT");
      co_return;
    }
    if (media->state) {
      for (const auto& p : media->state->properties) {
        if (const auto refused = set_root_value(p, settings)) {
          at.fail(c, refused->code, refused->text);
          co_return;
        }
      }
    }
  }
  state_.control.set_transactions(settings);
  if (c.find<h248::events_descriptor>()) state_.root->moved = clock::now();
  subscribe(c, *state_.root);
  at.answer(c);
}

awaitable<void> command_runner::service_change(h248::action_state& at, const h248::command& c) {
  const auto* services = c.find<h248::services_descriptor>();
  if (!services || !services->method) {
    at.fail(c, error_code::required_information_missing, services ? "Method" : "Services");
    co_return;
  }
  const auto method = *services->method;
  if (!c.termination().is_root()) {
    co_await change_terminations(at, c, method);
    co_return;
  }
  if (!at.asked().context.is_null()) {
    at.fail(c, error_code::incorrect_identifier, "ROOT");
    co_return;
  }
  if (const auto refused = state_.registration.service_change(at.request(), *services)) {
    at.fail(c, *refused, "ServiceChange of ROOT");
    co_return;
  }
  const bool forced = method == h248::change_method::forced, restart = method == h248::change_method::restart;
  if (forced || method == h248::change_method::graceful) state_.draining = true;
  if (restart) state_.draining = state_.leaving;
  if (forced || restart) state_.out_of_service = forced;
  // Forced takes what stands out of service at once, Restart brings it back; both leave the calls to the MGC to subtract.
  if (forced || restart) {
    auto all = terminations_of(h248::termination_id{"*"});
    co_await state_.put_in_service(std::move(all), restart, record_);
  }
  at.answer(c);
}

command_runner::placed_terminations command_runner::terminations_of(h248::termination_id pattern) const {
  placed_terminations out;
  for (const auto& [id, record] : state_.contexts) {
    if (record_ && record != record_) continue;
    for (const auto& [key, termination] : record->terminations) {
      const h248::termination_id name{termination->name};
      if (pattern.has_all() ? pattern.matches(name) : pattern == name) out.emplace_back(record, termination);
    }
  }
  return out;
}

awaitable<void> command_runner::change_terminations(h248::action_state& at, const h248::command& c, h248::change_method method) {
  const bool restart = method == h248::change_method::restart;
  if (!restart && method != h248::change_method::forced && method != h248::change_method::graceful) {
    at.fail(c, error_code::unknown_value, "Method: a termination can be Forced, Graceful or Restart");
    co_return;
  }
  const auto pattern = c.termination();
  if (pattern.has_choose()) {
    at.fail(c, error_code::incorrect_identifier, pattern.name);
    co_return;
  }
  // One that stands in a context is not in the NULL context; wildcards there mean all that there are.
  if (at.asked().context.is_null() && pattern.is_specific() && state_.find_termination(pattern.name)) {
    at.fail(c, error_code::termination_not_in_context, pattern.name);
    co_return;
  }
  // A pattern without an id means the interfaces themselves: what will be added stands on them too.
  bool named = false;
  if (const auto fields = split(pattern); fields && fields->id == "*" && !at.asked().context.is_specific()) {
    for (const auto& i : state_.config.interfaces) {
      const auto any = make_name(state_.config.group, i.name, 0);
      if (!pattern.matches(h248::termination_id{any})) continue;
      named = true;
      if (restart) state_.interface_service.erase(lower(i.name));
      else state_.interface_service.insert_or_assign(lower(i.name), h248::service_state::out_of_service);
    }
  }
  auto all = terminations_of(pattern);
  if (all.empty() && !named) {
    at.fail(c, pattern.has_all() ? error_code::no_termination_matched : error_code::unknown_termination, pattern.name);
    co_return;
  }
  // Graceful lets what stands go on to its end: only nothing new comes.
  if (method != h248::change_method::graceful) co_await state_.put_in_service(std::move(all), restart, record_);
  at.answer(c);
}

}  // namespace agw::iq
