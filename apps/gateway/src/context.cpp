#include "agw/gateway/context.hpp"

#include "agw/core/log.hpp"
#include "link.hpp"
#include "termination.hpp"

namespace agw::gateway {

context::context(const gateway_services& services, asio::any_io_executor executor, context_id id, event_sink sink)
    : services_(services), executor_(std::move(executor)), id_(id), sink_(std::move(sink)), counted_(services.stages.metrics, "agw_contexts") {}

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
  co_return answer;
}

awaitable<termination_statistics> context::remove(termination_id id) {
  const auto found = terminations_.find(id);
  if (found == terminations_.end()) co_return termination_statistics();
  co_await found->second->close_streams();
  auto last = found->second->statistics();
  co_await found->second->close();
  terminations_.erase(id);
  co_return last;
}

termination_statistics context::statistics(termination_id id) const {
  const auto found = terminations_.find(id);
  return found == terminations_.end() ? termination_statistics() : found->second->statistics();
}

void context::order(termination_id id, stream_number stream, layer l) {
  if (const auto found = terminations_.find(id); found != terminations_.end()) found->second->order(stream, l);
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
