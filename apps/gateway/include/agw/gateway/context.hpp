// A context: terminations whose equal streams are interconnected, and the task tree that serves them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
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

  /// What may pass between two terminations: oneway is from `from` to `to` only. Of one stream, or of all that have nothing said
  /// for themselves. Data that may not pass is held back, as with a mode. Replaces what was said before for the pair and stream.
  void connect(termination_id from, termination_id to, topology how, std::optional<stream_number> stream = {});

  /// Closes an established layer (and with it those above).
  awaitable<void> release(termination_id id, stream_number stream, layer l);

  std::size_t terminations() const noexcept { return terminations_.size(); }
  /// Removes every termination.
  awaitable<void> close();

 private:
  struct connection {
    termination_id from;
    termination_id to;
    std::optional<stream_number> stream;
    topology how = topology::bothway;
    bool between(termination_id a, termination_id b) const noexcept { return (from == a && to == b) || (from == b && to == a); }
  };
  stream_link& link(stream_number n);
  void apply_topology();

  const gateway_services& services_;
  asio::any_io_executor executor_;
  context_id id_;
  event_sink sink_;
  gauge_share counted_;
  std::map<stream_number, std::unique_ptr<stream_link>> links_;
  std::vector<connection> connections_;
  std::map<termination_id, std::unique_ptr<termination>> terminations_;
};

}  // namespace agw::gateway
