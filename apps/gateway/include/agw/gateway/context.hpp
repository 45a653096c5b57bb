// A context: terminations whose equal streams are interconnected, and the task tree that serves them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/metrics.hpp"
#include "agw/gateway/services.hpp"

namespace agw::gateway {

struct stream_link;
class termination;

/// Lives on one shard: construct it, call it and destroy it there. What a command asks is done when its call returns; layers come
/// up afterwards, each in its own branch, and report through the sink. The gateway never removes anything by itself.
class context {
 public:
  context(const gateway_services& services, asio::any_io_executor executor, context_id id, event_sink sink);
  /// close() comes first.
  ~context();
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  context_id id() const noexcept { return id_; }

  /// Creates the termination when it is not there yet. On a refusal nothing of the change has happened, and a termination that it
  /// was to create is not there.
  awaitable<boost::system::result<termination_answer, refusal>> apply(termination_change change);

  /// Subtract: flushes, closes and joins the termination's branches. Its last statistics.
  awaitable<termination_statistics> remove(termination_id id);
  termination_statistics statistics(termination_id id) const;

  /// Starts a layer that waits for the order; without effect where it does not wait.
  void order(termination_id id, stream_number stream, layer l);
  /// Closes an established layer (and with it those above).
  awaitable<void> release(termination_id id, stream_number stream, layer l);

  std::size_t terminations() const noexcept { return terminations_.size(); }
  /// Removes every termination.
  awaitable<void> close();

 private:
  stream_link& link(stream_number n);

  const gateway_services& services_;
  asio::any_io_executor executor_;
  context_id id_;
  event_sink sink_;
  gauge_share counted_;
  std::map<stream_number, std::unique_ptr<stream_link>> links_;
  std::map<termination_id, std::unique_ptr<termination>> terminations_;
};

}  // namespace agw::gateway
