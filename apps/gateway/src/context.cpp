#include "agw/gateway/context.hpp"

#include "agw/core/log.hpp"
#include "link.hpp"
#include "refuse.hpp"
#include "termination.hpp"

namespace agw::gateway {

context::context(const gateway_services& services, asio::any_io_executor executor, context_id id, event_sink sink)
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
    co_await target.close();
    terminations_.erase(id);
  }
  apply_topology();
  co_return answer;
}

awaitable<termination_statistics> context::remove(termination_id id) {
  const auto found = terminations_.find(id);
  if (found == terminations_.end()) co_return termination_statistics();
  co_await found->second->close_streams();
  auto last = found->second->statistics();
  co_await found->second->close();
  terminations_.erase(id);
  std::erase_if(connections_, [id](const connection& c) { return c.from == id || c.to == id; });
  apply_topology();
  co_return last;
}

awaitable<bool> context::move(termination_id id, context& to) {
  const auto found = terminations_.find(id);
  if (found == terminations_.end()) co_return false;
  const bool left = co_await found->second->leave();
  if (!left) co_return false;
  auto moved = terminations_.extract(found);
  std::erase_if(connections_, [id](const connection& c) { return c.from == id || c.to == id; });
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
  std::erase_if(connections_, [id](const connection& c) { return c.from == id || c.to == id; });
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

void context::connect(termination_id from, termination_id to, topology how, std::optional<stream_number> stream) {
  std::erase_if(connections_, [&](const connection& c) { return c.between(from, to) && c.stream == stream; });
  connection wanted;
  wanted.from = from;
  wanted.to = to;
  wanted.stream = stream;
  wanted.how = how;
  connections_.push_back(wanted);
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
    const connection* said = nullptr;
    for (const auto& c : connections_) {
      if (!wic || !core || !c.between(*wic, *core) || (c.stream && *c.stream != n)) continue;
      if (!said || c.stream) said = &c;  // what names the stream goes before what does not
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
  for (const auto& entry : terminations_) co_await entry.second->close();
  terminations_.clear();
  links_.clear();
}

}  // namespace agw::gateway
