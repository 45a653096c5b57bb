// A context: terminations whose equal streams are interconnected, and the task tree that serves them.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "agw/core/awaitable.hpp"
#include "agw/core/metrics.hpp"
#include "agw/gateway/services.hpp"

namespace agw::gateway {

struct parked_termination;
struct stream_link;
class termination;

/// Lives on one shard: construct it, call it and destroy it there. A change is complete when its call returns; layers come
/// up afterwards, each in its own branch, and report through the sink. The gateway never removes anything by itself.
class context {
 public:
  context(const gateway_services& services, loop_executor executor, context_id id, event_sink sink);
  /// close() comes first.
  ~context();
  context(const context&) = delete;
  context& operator=(const context&) = delete;

  context_id id() const noexcept { return id_; }

  /// Creates the termination when it is not there yet. On a refusal nothing of the change has happened, and a termination that it
  /// was to create is not there.
  awaitable<boost::system::result<termination_answer, refusal>> apply(termination_change change);

  /// Subtract: flushes, closes and joins the branches of all of these at the same time, within the flush time and the shutdown time. Their last
  /// statistics, in the same order; none for one that is not there.
  awaitable<std::vector<termination_statistics>> remove(std::vector<termination_id> ids);
  awaitable<termination_statistics> remove(termination_id id);
  termination_statistics statistics(termination_id id) const;

  /// Move: the termination leaves this context, with all its layers up, for another of the same executor. A stage that joins the
  /// two ends of a stream hands on what it has taken and ends; it begins anew when there are two ends again. False: no such
  /// termination, or a peer that does not take what is on its way to it within the flush time: then nothing has happened. Topology that
  /// was said of it is forgotten.
  awaitable<bool> move(termination_id id, context& to);

  /// The same for a context of another executor, in two steps: park() here, resume() there. What is being dialled is dialled anew.
  /// refusal: no_resources for what is bound to its executor (associations and TLS), busy as move(), unknown.
  awaitable<boost::system::result<std::shared_ptr<parked_termination>, refusal>> park(termination_id id);
  void resume(std::shared_ptr<parked_termination> from);

  /// Starts a layer that waits for the order; without effect where it does not wait.
  void order(termination_id id, stream_number stream, layer l);
  /// Learns the stream's remote address from what comes next: the first datagram of a plain UDP association, the first connection
  /// to a bearer that listens.
  void latch(termination_id id, stream_number stream, latching how);

  /// What may pass between terminations, in place of everything that was said before. Where nothing is said, data passes both ways; data that may
  /// not pass is held back, as with a mode. Costs the rules and the streams once, however many there are.
  void set_topology(const std::vector<topology_rule>& rules);

  /// Closes an established layer (and with it those above).
  awaitable<void> release(termination_id id, stream_number stream, layer l);

  std::size_t terminations() const noexcept { return terminations_.size(); }
  /// Removes every termination, all at the same time.
  awaitable<void> close();

 private:
  /// Two terminations in the order of their numbers, and the stream or none.
  using pair_and_stream = std::tuple<termination_id, termination_id, std::optional<stream_number>>;
  static pair_and_stream key_of(termination_id a, termination_id b, std::optional<stream_number> stream) {
    return pair_and_stream(std::min(a, b), std::max(a, b), stream);
  }
  awaitable<void> end(std::vector<termination*> all);
  void forget_topology(termination_id of);
  stream_link& link(stream_number n);
  void apply_topology();

  const gateway_services& services_;
  loop_executor executor_;
  context_id id_;
  event_sink sink_;
  gauge_share counted_;
  std::map<stream_number, std::unique_ptr<stream_link>> links_;
  std::map<pair_and_stream, topology_rule> rules_;
  std::map<termination_id, std::unique_ptr<termination>> terminations_;
};

}  // namespace agw::gateway
