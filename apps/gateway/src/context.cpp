#include "agw/gateway/context.hpp"

#include "agw/core/log.hpp"
#include "link.hpp"
#include "refuse.hpp"
#include "termination.hpp"

namespace agw::gateway {

std::string call_name(const gateway_services& services, context_id id) {
  const auto number = std::to_string(id.value);
  return services.start_stamp.empty() ? "context " + number : services.start_stamp + "-" + number;
}

context::context(const gateway_services& services, loop_executor executor, context_id id, event_sink sink)
    : services_(services),
      executor_(std::move(executor)),
      id_(id),
      sink_(std::move(sink)),
      counted_(services.stages.metrics, "agw_contexts") {}

context::~context() = default;

stream_link& context::link(stream_number n) {
  auto& found = links_[n];
  if (!found) {
    found = std::make_unique<stream_link>();
    found->number = n;
  }
  return *found;
}

awaitable<boost::system::result<termination_answer, refusal>> context::apply(termination_change change) {
  const auto id = change.id;
  auto found = terminations_.find(id);
  const bool fresh = found == terminations_.end();
  if (fresh) {
    auto links = [this](stream_number n) -> stream_link& { return link(n); };
    auto made = std::make_unique<termination>(services_, executor_, id_, id, change.name, std::move(links), sink_);
    found = terminations_.emplace(id, std::move(made)).first;
  }
  auto& target = *found->second;
  auto answer = co_await target.apply(std::move(change));
  if (!answer && fresh) {
    co_await target.close_streams(deadline_after(services_.config.shutdown_time));
    target.clear();
    terminations_.erase(id);
  }
  apply_topology();
  co_return answer;
}

awaitable<std::vector<termination_statistics>> context::remove(std::vector<termination_id> ids) {
  std::vector<termination*> going;
  for (const auto id : ids) {
    if (const auto found = terminations_.find(id); found != terminations_.end()) going.push_back(found->second.get());
  }
  co_await end(going);
  std::vector<termination_statistics> last;
  for (const auto id : ids) {
    const auto found = terminations_.find(id);
    last.push_back(found == terminations_.end() ? termination_statistics() : found->second->statistics());
  }
  for (auto* const t : going) t->clear();
  for (const auto id : ids) {
    terminations_.erase(id);
    forget_topology(id);
  }
  apply_topology();
  co_return last;
}

awaitable<termination_statistics> context::remove(termination_id id) {
  std::vector<termination_id> one(1, id);
  auto last = co_await remove(std::move(one));
  co_return std::move(last.front());
}

// Everyone takes the same time: a stage that joins two terminations ends once, and what it waits for, the others wait for too.
awaitable<void> context::end(std::vector<termination*> all) {
  const auto flushed = deadline_after(services_.config.flush_time);
  for (auto* const t : all) t->finish();
  for (auto* const t : all) co_await t->flush(flushed);
  const auto closed = deadline_after(services_.config.shutdown_time);
  auto begin = [&all, closed](task_group& ends) {
    for (auto* const t : all) ends.spawn("termination", [t, closed] { return t->close_streams(closed); });
  };
  co_await join_all("context " + std::to_string(id_.value), std::move(begin));
}

void context::forget_topology(termination_id of) {
  std::erase_if(rules_, [of](const auto& entry) { return entry.second.from == of || entry.second.to == of; });
}

awaitable<bool> context::move(termination_id id, context& to) {
  const auto found = terminations_.find(id);
  if (found == terminations_.end()) co_return false;
  const bool left = co_await found->second->leave();
  if (!left) co_return false;
  auto moved = terminations_.extract(found);
  forget_topology(id);
  apply_topology();
  auto links = [&to](stream_number n) -> stream_link& { return to.link(n); };
  moved.mapped()->enter(to.id_, std::move(links));
  to.terminations_.insert(std::move(moved));
  to.apply_topology();
  co_return true;
}

awaitable<boost::system::result<std::shared_ptr<parked_termination>, refusal>> context::park(termination_id id) {
  const auto found = terminations_.find(id);
  if (found == terminations_.end()) co_return refuse(refusal_reason::unknown, "no such termination");
  auto parked = co_await found->second->park();
  if (!parked) co_return parked.error();
  terminations_.erase(id);
  forget_topology(id);
  apply_topology();
  co_return std::make_shared<parked_termination>(std::move(*parked));
}

void context::resume(std::shared_ptr<parked_termination> from) {
  const auto id = from->id;
  auto links = [this](stream_number n) -> stream_link& { return link(n); };
  auto made = std::make_unique<termination>(services_, executor_, id_, id, from->name, std::move(links), sink_);
  terminations_.insert_or_assign(id, std::move(made)).first->second->resume(std::move(*from));
  apply_topology();
}

termination_statistics context::statistics(termination_id id) const {
  const auto found = terminations_.find(id);
  return found == terminations_.end() ? termination_statistics() : found->second->statistics();
}

void context::order(termination_id id, stream_number stream, layer l) {
  if (const auto found = terminations_.find(id); found != terminations_.end()) found->second->order(stream, l);
}

void context::latch(termination_id id, stream_number stream, latching how) {
  if (const auto found = terminations_.find(id); found != terminations_.end()) found->second->latch(stream, how);
}

void context::set_topology(const std::vector<topology_rule>& rules) {
  rules_.clear();
  for (const auto& rule : rules) rules_.insert_or_assign(key_of(rule.from, rule.to, rule.stream), rule);
  apply_topology();
}

void context::apply_topology() {
  for (const auto& [n, link] : links_) {
    std::optional<termination_id> wic;
    std::optional<termination_id> core;
    for (const auto& [id, t] : terminations_) {
      if (t->is_wic(n)) wic = id;
      if (t->is_core(n)) core = id;
    }
    const topology_rule* said = nullptr;
    if (wic && core && !rules_.empty()) {
      auto found = rules_.find(key_of(*wic, *core, n));
      if (found == rules_.end()) found = rules_.find(key_of(*wic, *core, std::nullopt));
      if (found != rules_.end()) said = &found->second;
    }
    const auto how = said ? said->how : topology::bothway;
    link->to_core = how == topology::bothway || (how == topology::oneway && said->to == *core);
    link->to_wic = how == topology::bothway || (how == topology::oneway && said->to == *wic);
    link->open_or_close_gate();
  }
}

awaitable<void> context::release(termination_id id, stream_number stream, layer l) {
  if (const auto found = terminations_.find(id); found != terminations_.end()) co_await found->second->release(stream, l);
}

awaitable<void> context::close() {
  std::vector<termination*> all;
  for (const auto& entry : terminations_) all.push_back(entry.second.get());
  co_await end(all);
  for (auto* const t : all) t->clear();
  terminations_.clear();
  links_.clear();
}

}  // namespace agw::gateway
