#include "everywhere_action.hpp"

#include <algorithm>
#include <functional>
#include <utility>

#include "agw/core/log.hpp"
#include "audits.hpp"
#include "termination_name.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

/// Contexts of one shard that a command may be busy with at a time. Those that wait for their peers hold nobody up; those that do not wait are over
/// at once.
constexpr std::size_t at_once = 2048;

/// What the contexts of one shard answer.
struct shard_answer {
  explicit shard_answer(std::size_t max_bytes) : reply(max_bytes) {}

  h248::outgoing_reply reply;
  visit concerned;
  std::vector<context_news> news;
  std::vector<h248::context_id> absent;  ///< that were asked and are not on that shard (any more)
};

struct errand {
  const h248::incoming_request& request;
  const h248::action& asked;
  const h248::command* command;  ///< null for a context audit
  std::size_t max_bytes;         ///< of the answer
  std::shared_ptr<const service_status> service;
  everywhere_visitor act;
};

awaitable<std::unique_ptr<shard_answer>> run_errand(const errand& what, context_home& home, places& all) {
  auto out = std::make_unique<shard_answer>(what.max_bytes);
  h248::action_state at(what.request, what.asked, out->reply);
  if (what.command) at.begin_part(*what.command);
  action_terms terms;
  terms.service = what.service;
  auto one = [&](context_owner& owner) -> awaitable<void> {
    action_progress progress;
    context_action action(owner, terms, progress);
    action.answer_for_itself();
    const auto concerned = co_await what.act(action, at);
    out->concerned.matched += concerned.matched;
    out->concerned.answered += concerned.answered;
    auto news = owner.news();
    if (owner.record().terminations.empty()) {
      news.gone = true;
      co_await owner.close();
      home.forget(news.context);
    } else {
      owner.wake();
    }
    if (news.gone || news.names) out->news.push_back(std::move(news));
  };
  auto enough = [&out] { return out->reply.full(); };
  out->absent = co_await in_each(home, all, at_once, one, enough);
  if (what.command) at.end_part(*what.command);
  co_return out;
}

}  // namespace

awaitable<void> everywhere_action::begin(h248::action_state& at) {
  if (control_.closing_) at.fail(error_code::service_unavailable, "the gateway is ending");
  co_return;
}

awaitable<void> everywhere_action::set_properties(h248::action_state& at, const h248::context_properties&) {
  at.fail(error_code::unknown_action, "context properties need a context");
  co_return;
}

awaitable<void> everywhere_action::run(h248::action_state& at, const h248::command& c) {
  h248::sessions_by_stream sessions;
  if (!fits_profile(at, c, sessions)) co_return;
  auto run = [&](const h248::command& one) { return run_one(at, one, sessions); };
  co_await one_by_one(c, std::move(run));
}

awaitable<void> everywhere_action::run_one(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  if (c.termination().is_root()) {
    co_await run_on_root(at, c);
    co_return;
  }
  switch (c.kind) {
    case h248::command_kind::add: at.fail(c, error_code::unknown_action, "Add needs a context"); break;
    case h248::command_kind::move: at.fail(c, error_code::unknown_action, "Move needs a context"); break;
    case h248::command_kind::notify: at.fail(c, error_code::unknown_command, "Notify towards a gateway"); break;
    case h248::command_kind::service_change: co_await change_service(at, c); break;
    case h248::command_kind::audit_capability: {
      // What ephemeral terminations can do is the same for all, and for those that are yet to be made.
      const auto fields = split(c.termination());
      const auto matches = [&](const interface_config& i) {
        const auto name = make_name(control_.facts_.config.group, i.name, 1);
        return c.termination().matches(h248::termination_id{name});
      };
      const bool all = at.asked().context.is_null() && fields && fields->id == "*" &&
                       std::ranges::any_of(control_.facts_.config.interfaces, matches);
      if (all) audit_capability_of_all(at, c);
      else co_await visit_or_fail(at, c, sessions);
      break;
    }
    default: co_await visit_or_fail(at, c, sessions); break;
  }
}

void everywhere_action::audit_capability_of_all(h248::action_state& at, const h248::command& c) {
  answer_capability(at, at.answer(c), asked_for(c), control_.facts_, false);
}

// IP terminations are ephemeral: none ever stands in the NULL context.
awaitable<void> everywhere_action::visit_or_fail(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  const auto pattern = c.termination();
  if (names_no_termination(pattern)) {
    at.fail(c, error_code::incorrect_identifier, pattern.name);
    co_return;
  }
  const auto concerned = co_await visit_all(at, c, sessions);
  if (concerned.answered > 0 || at.whole()->error) co_return;
  const bool elsewhere = !pattern.has_all() && control_.directory_.where(lower(pattern.name)).has_value();
  const auto code = pattern.has_all() || concerned.matched > 0 ? error_code::no_termination_matched
                    : elsewhere                                ? error_code::termination_not_in_context
                                                               : error_code::unknown_termination;
  at.fail(c, code, pattern.name);
}

awaitable<visit> everywhere_action::visit_all(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions) {
  if (!at.asked().context.is_all()) co_return visit();
  everywhere_visitor act = [&c, &sessions](context_action& action, h248::action_state& part) { return action.visit_with(part, c, sessions); };
  auto ids = contexts_of(c.termination());
  const bool ends = c.kind == h248::command_kind::subtract;
  const auto asked = ids.size();
  const auto done = co_await send(at, &c, std::move(act), std::move(ids));
  if (ends) {
    log::warn("h248: {} subtracts {} in every context: {} terminations of {} contexts", h248::to_text(at.request().from()),
              log::printable(c.termination().name, 64), done.matched, asked);
  }
  co_return done;
}

std::vector<h248::context_id> everywhere_action::contexts_of(h248::termination_id pattern) const {
  std::vector<h248::context_id> out;
  if (!pattern.has_all()) {
    const auto found = control_.directory_.where(lower(pattern.name));
    if (found && control_.directory_.find_made(*found)) out.push_back(h248::context_id{*found});
    return out;
  }
  for (const auto& [id, entry] : control_.directory_.contexts()) {
    if (entry.made) out.push_back(h248::context_id{id});
  }
  return out;
}

awaitable<visit> everywhere_action::send(h248::action_state& at, const h248::command* c, everywhere_visitor act, std::vector<h248::context_id> to) {
  const errand what{at.request(), at.asked(), c, at.whole().max_bytes(), control_.service_, std::move(act)};
  visit total;
  std::vector<h248::outgoing_reply> parts;
  auto run = [&what](context_home& there, places& all) { return run_errand(what, there, all); };
  auto heard = [this, &total, &parts](std::unique_ptr<shard_answer> answer) {
    total.matched += answer->concerned.matched;
    total.answered += answer->concerned.answered;
    for (const auto& news : answer->news) control_.take(news);
    parts.push_back(std::move(answer->reply));
    return std::move(answer->absent);
  };
  for (const auto id : to) control_.directory_.touch(id.value);
  co_await control_.work_on_shards(std::move(to), std::move(run), std::move(heard));
  at.join(std::move(parts));
  co_return total;
}

awaitable<void> everywhere_action::audit(h248::action_state& at, const h248::context_audit& wanted) {
  if (at.asked().context.is_null()) {
    at.fail(error_code::unknown_action, "ContextAudit of the NULL context");
    co_return;
  }
  if (!wanted.attributes.empty()) {
    at.fail(error_code::unknown_property, h248::to_text(wanted.attributes.front()));
    co_return;
  }
  if (!wanted.selection.contexts.empty()) {
    at.fail(error_code::not_implemented, "ContextList");
    co_return;
  }
  everywhere_visitor act = [&wanted](context_action& action, h248::action_state& part) -> awaitable<visit> {
    action.answer_audit_of_context(part, wanted);
    co_return visit();
  };
  auto all = contexts_of(h248::termination_id{"*"});
  (void)co_await send(at, nullptr, std::move(act), std::move(all));
}

}  // namespace agw::iq
