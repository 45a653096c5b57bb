#include "gateway_control.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "agw/core/log.hpp"
#include "agw/core/metrics.hpp"
#include "agw/core/scope_guard.hpp"
#include "agw/core/shielded.hpp"
#include "agw/h248/ascii.hpp"
#include "everywhere_action.hpp"
#include "move_action.hpp"

namespace agw::iq {

using h248::error_code;

namespace {

std::vector<std::string> names_of(const std::vector<interface_config>& interfaces) {
  std::vector<std::string> out;
  for (const auto& i : interfaces) out.push_back(i.name);
  return out;
}

/// An action that cannot begin.
class refused_action final : public h248::command_handler {
 public:
  explicit refused_action(command_error why) : why_(std::move(why)) {}
  awaitable<void> begin(h248::action_state& at) override {
    at.fail(why_.code, why_.text);
    co_return;
  }
  awaitable<void> run(h248::action_state&, const h248::command&) override { co_return; }

 private:
  command_error why_;
};

awaitable<bool> refuse(const h248::incoming_request& request, const h248::action& asked, h248::outgoing_reply& reply, command_error why) {
  refused_action handler(std::move(why));
  co_return co_await h248::execute_action(request, asked, reply, handler);
}

awaitable<action_outcome> execute_in(context_home& home, context_owner& owner, const h248::incoming_request& request, const h248::action& asked,
                                     h248::outgoing_reply& reply, const action_terms& terms) {
  action_outcome out;
  action_progress progress;
  context_action handler(owner, terms, progress);
  out.goes_on = co_await h248::execute_action(request, asked, reply, handler);
  out.fresh_used = progress.fresh_used;
  out.plain_used = progress.plain_used;
  out.news = owner.news();
  out.news.gone = handler.gone();
  if (out.news.gone) home.forget(out.news.context);
  co_return out;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return h248::ascii_lower(c); });
  return out;
}

const interface_config* gateway_facts::interface(std::string_view name) const {
  const auto found = std::ranges::find_if(config.interfaces, [&](const auto& i) { return h248::iequals(i.name, name); });
  return found == config.interfaces.end() ? nullptr : &*found;
}

bool service_status::serves(std::string_view interface) const { return !out.contains(lower(interface)); }

gateway_control::gateway_control(media_gateway_config config, const gateway::gateway_services& services, shard_pool& pool,
                                 h248::endpoint& control, h248::registration& registration, const h248::package_names& names)
    : facts_(std::move(config), services),
      control_(control),
      registration_(registration),
      names_(&names),
      pool_(pool),
      directory_(facts_.config.group, names_of(facts_.config.interfaces)),
      orders_(control.get_executor(), "orders") {
  root_.name = "ROOT";
}

void gateway_control::begin() {
  std::weak_ptr<gateway_control> self = weak_from_this();
  auto settle = [this](std::string termination, std::uint64_t serial, std::vector<observed> unheard) {
    return settled(std::move(termination), serial, std::move(unheard));
  };
  notifier_.emplace(control_.get_executor(), registration_, *names_, std::move(settle));
  for (std::size_t i = 0; i < pool_.size(); ++i) {
    auto send = [self, executor = control_.get_executor()](notice n) {
      asio::post(executor, [self, sent = std::move(n)]() mutable {
        const auto control = self.lock();
        if (control && !control->closing_) control->notifier_->notify(std::move(sent));
      });
    };
    homes_.push_back(std::make_unique<context_home>(pool_[i], facts_, std::move(send)));
  }
  registration_.on_order([self](h248::change_method method) {
    const auto control = self.lock();
    if (control) control->ordered(method);
  });
}

// The Delay of a Graceful or Forced of the MGC is over: what stands holds its data, and is the MGC's to subtract.
void gateway_control::ordered(h248::change_method) {
  if (closing_) return;
  draining_ = out_of_service_ = true;
  renew_service();
  auto all_out = [this]() -> awaitable<void> {
    everywhere_action everyone(*this);
    (void)co_await everyone.put_in_service(h248::termination_id{"*"}, false);
  };
  orders_.spawn("out of service", std::move(all_out));
}

awaitable<std::vector<h248::context_id>> gateway_control::ask_shards(std::vector<h248::context_id> to, shard_question ask) {
  std::vector<h248::context_id> nowhere;
  while (!to.empty()) {
    std::map<context_home*, std::vector<h248::context_id>> by_home;
    std::map<std::uint32_t, std::uint64_t> relocations;
    for (const auto id : std::exchange(to, {})) {
      const auto* const known = directory_.find(id.value);
      if (!known) continue;
      by_home[known->home].push_back(id);
      relocations.emplace(id.value, known->relocations);
    }
    auto send = [&](context_home& home, std::vector<h248::context_id>& ids) -> awaitable<void> {
      const auto absent = co_await ask(home, std::move(ids));
      for (const auto id : absent) {
        const auto* const known = directory_.find(id.value);
        const bool moved = known && known->relocations != relocations.at(id.value);
        (moved ? to : nowhere).push_back(id);
      }
    };
    auto begin = [&](task_group& tasks) {
      for (auto& [home, ids] : by_home) tasks.spawn("shard", [&send, at = home, asked = &ids] { return send(*at, *asked); });
    };
    co_await join_all("shards", std::move(begin));
  }
  co_return nowhere;
}

awaitable<std::vector<h248::context_id>> gateway_control::in_contexts(std::vector<h248::context_id> ids, std::size_t at_once,
                                                                      std::function<awaitable<void>(context_owner&)> act) {
  auto each = [&act, at_once](context_home& there, places& asked) -> awaitable<std::vector<h248::context_id>> {
    auto never = [] { return false; };
    co_return co_await in_each(there, asked, at_once, act, never);
  };
  auto absent = [](std::vector<h248::context_id> out) { return out; };
  co_return co_await work_on_shards(std::move(ids), std::move(each), std::move(absent));
}

awaitable<std::vector<h248::context_id>> gateway_control::in_every_context(std::function<awaitable<void>(context_owner&)> act) {
  std::vector<h248::context_id> all;
  for (const auto& entry : directory_.contexts()) all.push_back(h248::context_id{entry.first});
  const auto at_once = all.size();
  co_return co_await in_contexts(std::move(all), at_once, std::move(act));
}

awaitable<void> gateway_control::execute(const h248::incoming_request& request, h248::outgoing_reply& reply) {
  // Names are canonical inside: the request's copy is translated on its way in, the reply on its way out.
  std::optional<h248::transaction> translated;
  auto asked = request;
  const auto& names = *names_;
  if (!names.empty()) {
    translated.emplace(*request);
    names.to_canonical(*translated);
    asked = request.with(std::get<h248::transaction_request>(*translated));
  }
  for (const auto& action : asked->actions) {
    const bool goes_on = co_await perform(asked, action, reply);
    if (!goes_on) break;
  }
  if (!translated) co_return;
  h248::transaction answered(std::move(*reply));
  names.to_wire(answered);
  *reply = std::move(std::get<h248::transaction_reply>(answered));
}

void gateway_control::take(const context_news& news) {
  directory_.take(news);
  if (directory_.size() == 0) emptied_.set();
}

awaitable<bool> gateway_control::perform(const h248::incoming_request& request, const h248::action& asked, h248::outgoing_reply& reply) {
  ++performing_;
  const scope_guard done([this] {
    --performing_;
    performed_.set();
  });
  if (closing_) co_return co_await refuse(request, asked, reply, command_error(error_code::service_unavailable, "the gateway is ending"));
  if (asked.context.is_null() || asked.context.is_all()) {
    everywhere_action handler(*this);
    co_return co_await h248::execute_action(request, asked, reply, handler);
  }
  const bool makes = asked.context.is_choose();
  if (makes) {
    if (auto why = refuses_context(asked)) co_return co_await refuse(request, asked, reply, std::move(*why));
  }
  if (!makes && !directory_.find_made(asked.context.value)) {
    auto why = command_error(error_code::unknown_context, std::to_string(asked.context.value));
    co_return co_await refuse(request, asked, reply, std::move(why));
  }
  const auto concerned = directory_.concerned_by(asked, makes ? 0 : asked.context.value, facts_.config.max_terminations_per_context);
  if (concerned.too_many) {
    if (auto* const counted = facts_.services.stages.metrics) counted->ran_short_of("other");
    auto why = command_error(error_code::insufficient_resources, "Move: too many wildcards");
    co_return co_await refuse(request, asked, reply, std::move(why));
  }
  // What is taken over stays on its thread where that is possible.
  auto& home = concerned.others.empty() ? next_home() : *directory_.find(concerned.others.front())->home;
  const auto context = makes ? directory_.open(home) : asked.context.value;
  directory_.touch(context);
  for (const auto other : concerned.others) directory_.touch(other);
  if (!concerned.several) co_return co_await perform_there(request, asked, reply, context, makes);
  move_action handler(*this, context, makes);
  bool goes_on = false, executed = false;
  auto body = [&]() -> awaitable<void> {
    goes_on = co_await h248::execute_action(request, asked, reply, handler);
    executed = true;
  };
  try {
    co_await shielded(std::move(body));
  } catch (...) {
    if (makes && !executed) end_unfinished(context);
    throw;
  }
  co_return goes_on;
}

awaitable<bool> gateway_control::perform_there(const h248::incoming_request& request, const h248::action& asked, h248::outgoing_reply& reply,
                                               std::uint32_t context, bool makes) {
  for (;;) {
    const auto* const known = makes ? directory_.find(context) : directory_.find_made(context);
    if (!known) co_return co_await refuse(request, asked, reply, command_error(error_code::unknown_context, std::to_string(context)));
    auto& home = *known->home;
    const auto relocations = known->relocations;
    action_terms terms;
    terms.service = service_;
    terms.makes_context = makes;
    directory_.prepare(terms, asked, context);
    auto body = [&](context_owner* owner) -> awaitable<action_outcome> {
      if (owner) co_return co_await execute_in(home, *owner, request, asked, reply, terms);
      action_outcome absent;
      absent.news.context = h248::context_id{context};
      absent.news.there = false;
      co_return absent;
    };
    const h248::context_id id{context};
    auto call = makes ? owner_call<decltype(body)>::making(home, id, std::move(body)) : owner_call<decltype(body)>(home, id, std::move(body));
    action_outcome outcome;
    try {
      outcome = co_await on(home.where(), std::move(call));
    } catch (...) {  // cancelled before its turn came
      directory_.settle(terms, 0, 0);
      if (makes) end_unfinished(context);
      throw;
    }
    take(outcome.news);
    directory_.settle(terms, outcome.fresh_used, outcome.plain_used);
    if (outcome.news.there) co_return outcome.goes_on;
    // It has gone to another thread with what a Move brought it, or it has ended.
    const auto* const now = directory_.find(context);
    if (now && now->relocations == relocations) directory_.forget(context);
  }
}

// A context that was being made when its action was cut off.
void gateway_control::end_unfinished(std::uint32_t context) {
  orders_.spawn("end", [this, context] { return end_one(context); });
}

awaitable<void> gateway_control::end_one(std::uint32_t context) {
  const auto* const known = directory_.find(context);
  if (!known) co_return;
  auto end = [](context_owner* owner) -> awaitable<void> {
    if (!owner) co_return;
    co_await owner->close("gateway");
    owner->forget();
  };
  auto& home = *known->home;
  owner_call call(home, h248::context_id{context}, std::move(end));
  co_await on(home.where(), std::move(call));
  directory_.forget(context);
  if (directory_.size() == 0) emptied_.set();
}

std::optional<command_error> gateway_control::refuses_context(const h248::action& asked) const {
  auto* const counted = facts_.services.stages.metrics;
  if (directory_.size() >= facts_.config.max_contexts) {
    if (counted) counted->ran_short_of("contexts");
    return command_error(error_code::no_contexts_available, "limits.contexts: " + std::to_string(directory_.size()));
  }
  if (draining_) return command_error(error_code::service_unavailable, "Context=$: the gateway is taken out of service");
  const auto needed = needed_priority();
  const auto& wanted = asked.properties;
  const bool first_of_all = wanted.emergency.value_or(false) || wanted.ieps.value_or(false);
  if (!needed || first_of_all || wanted.priority.value_or(0) >= *needed) return std::nullopt;
  if (counted) counted->ran_short_of("overload");
  return command_error(error_code::insufficient_resources, "overload: priority " + std::to_string(*needed) + " is needed");
}

// From overload_percent on, the priority that a new context needs rises from 1 to 15 with the load.
std::optional<unsigned> gateway_control::needed_priority() const {
  const double from = facts_.config.overload_percent / 100.0, now = load().share;
  if (facts_.config.overload_percent >= 100 || now < from) return std::nullopt;
  return std::min(15u, 1u + static_cast<unsigned>((now - from) / (1.0 - from) * 15.0));
}

resource_use gateway_control::load() const {
  const auto most = facts_.config.max_contexts;
  resource_use out{most == 0 ? 1.0 : static_cast<double>(directory_.size()) / static_cast<double>(most), "contexts"};
  if (!facts_.config.scarcest) return out;
  const auto other = facts_.config.scarcest();
  if (other.share > out.share) out = {std::min(other.share, 1.0), other.what};
  return out;
}

void gateway_control::set_names(const h248::package_names& names) {
  names_ = &names;
  notifier_->set_names(names);
}

void gateway_control::set_limits(const media_gateway_config& from) {
  auto& mine = facts_.config;
  mine.max_contexts = from.max_contexts;
  mine.max_terminations_per_context = from.max_terminations_per_context;
  mine.overload_percent = from.overload_percent;
  mine.orphaned_after = from.orphaned_after;
  next_sweep_ = {};
}

void gateway_control::observe_root(observed event) {
  auto set_off = react(root_, std::move(event), facts_.config.regulated_notify_percent);
  if (!set_off.notify) return;
  keep_for_notice(root_, std::move(*set_off.notify));
  root_.embedded.clear();  // ROOT has no signals
  send_root_notice();
}

void gateway_control::send_root_notice() {
  if (closing_ || root_.notifying || root_.pending.empty()) return;
  root_.notifying = true;
  notifier_->notify(take_notice(root_, h248::context_id::null()));
}

// The termination may have moved, or be gone: its name says where it is by now.
awaitable<void> gateway_control::settled(std::string termination, std::uint64_t serial, std::vector<observed> unheard) {
  if (termination == lower(root_.name)) {
    put_back(root_, std::move(unheard));
    root_.notifying = false;
    send_root_notice();
    co_return;
  }
  for (bool delivered = false; !delivered;) {
    const auto where = directory_.where(termination);
    const auto* const known = where ? directory_.find(*where) : nullptr;
    if (!known) co_return;
    auto tell = [&termination, serial, &unheard](context_owner* owner) -> awaitable<bool> {
      const bool here = owner && owner->find(termination);
      if (here) owner->told(termination, serial, std::move(unheard));
      co_return here;
    };
    owner_call call(*known->home, h248::context_id{*where}, std::move(tell));
    auto& home = *known->home;
    const auto relocations = known->relocations;
    delivered = co_await on(home.where(), std::move(call));
    // It has moved, with its context or without; or it is gone.
    const auto* const now = directory_.find(*where);
    if (!delivered && directory_.where(termination) == where && (!now || now->relocations == relocations)) co_return;
  }
}

awaitable<void> gateway_control::close() {
  closing_ = true;
  while (directory_.size() > 0 || performing_ > 0) {
    co_await end_all();
    if (performing_ > 0) co_await performed_.wait();
  }
  co_await orders_.stop();
  // What was sent to the shards has arrived when they have answered.
  for (const auto& home : homes_) {
    auto nothing = []() -> awaitable<void> { co_return; };
    co_await on(home->where(), std::move(nothing));
  }
  co_await notifier_->close();
}

awaitable<void> gateway_control::end_all() {
  std::set<std::uint32_t> asked, unmade;
  for (const auto& [id, known] : directory_.contexts()) {
    asked.insert(id);
    if (!known.made) unmade.insert(id);
  }
  auto end = [](context_owner& owner) -> awaitable<void> {
    co_await owner.close("gateway");
    owner.forget();
  };
  const auto absent = co_await in_every_context(std::move(end));
  // What was not there has ended, unless a Move is about to make it, or made it meanwhile.
  for (const auto id : absent) {
    if (unmade.contains(id.value) && (performing_ > 0 || directory_.find_made(id.value))) asked.erase(id.value);
  }
  for (const auto id : asked) directory_.forget(id);
  if (directory_.size() == 0) emptied_.set();
}

awaitable<bool> gateway_control::empty(deadline by) {
  while (directory_.size() > 0) {
    emptied_.reset();
    const bool still_time = co_await within(by, emptied_.wait());
    if (!still_time) break;
  }
  co_return directory_.size() == 0;
}

}  // namespace agw::iq
