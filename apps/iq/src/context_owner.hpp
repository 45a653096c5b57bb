// A context as an actor on its shard: it owns the record and the gateway's tree, and everyone else has its number only.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agw/core/lazy_deque.hpp"
#include "agw/core/sweep.hpp"
#include "agw/core/task_group.hpp"
#include "agw/gateway/context.hpp"
#include "facts.hpp"
#include "observation.hpp"
#include "records.hpp"
#include "turn_queue.hpp"

namespace agw::iq {

class context_home;

/// Made, called and destroyed on its home's shard. Whoever calls what is marked (turn) holds the context's turn; events of the gateway and the
/// end of signals take turns of their own. What leaves it is a value: notices to the home, answers in the reply, a termination that moves.
class context_owner {
 public:
  context_owner(context_home& home, h248::context_id id);
  /// After close().
  ~context_owner();
  context_owner(const context_owner&) = delete;
  context_owner& operator=(const context_owner&) = delete;

  h248::context_id id() const noexcept { return record_.id; }
  const std::shared_ptr<turn_queue>& turns() const noexcept { return turns_; }
  const gateway_facts& facts() const noexcept;

  /// The gateway reports something, in the middle of whatever it does: it is looked at when the turn comes.
  void happened(gateway::gateway_event event);
  /// The answer to a notice came, or none: `unheard` is what is to be told again.
  void told(const std::string& key, std::uint64_t serial, std::vector<observed> unheard);
  /// An interface's address has left the machine, or is back: streams follow when the turn comes. `interface` is in lower case.
  void interface_changed(std::string interface, bool here);

  // (turn)
  context_record& record() noexcept { return record_; }
  gateway::context& gate() noexcept { return *gate_; }
  /// By lower-case name; null when it does not stand here.
  termination_record* find(const std::string& key) noexcept;
  termination_record& enrol(std::unique_ptr<termination_record> termination);
  /// Whether the streams of a termination have yet to follow a change of its interface; that they have to.
  bool is_behind(const termination_record& t) const;
  void catch_up(const termination_record& t);
  /// The record has come from another shard.
  void settle_in();
  /// Takes it out of the record, with the topology that was said of it.
  std::unique_ptr<termination_record> strike(const std::string& key);
  /// What the directory is to know of it: the names, when they have changed since the last call.
  context_news news();

  void observe(termination_record& t, observed event);
  /// The Signals of a command take effect.
  awaitable<void> play(termination_record& t, std::shared_ptr<const owned_signals> signals);
  /// Signals end because their termination does.
  void silence(termination_record& t);
  /// The service state of a termination takes effect on its streams.
  awaitable<void> apply_service(termination_record& t);
  /// The topology as it is in the record, with the gateway.
  void connect();
  /// Looks after signals and events that a command has left.
  void wake();

  /// What has been reported of a termination and not been looked at, for the owner that takes it.
  std::vector<gateway::gateway_event> take_unseen(gateway::termination_id of);
  /// Another context of this shard; null when it is not here. For who holds both turns.
  context_owner* neighbour(h248::context_id id) noexcept;

  /// Something stands in the context: the call begins, if it has not begun, by the word of `controller`.
  void begin_call(const std::string& controller);
  /// Ends what is left of it; no notice comes from it any more. The call ends with it, if one has begun; `by` is who wanted that, where neither a
  /// failure nor a peer has ended it before.
  awaitable<void> close(std::string_view by = "controller");
  /// After close(): the home forgets it, and it is destroyed.
  void forget();

 private:
  void note_interface(termination_record& t);
  awaitable<void> work();
  awaitable<void> settle();
  void report(const gateway::gateway_event& event);
  void ended(termination_record& t, const playing_signal& signal, h248::completion_reason why);
  awaitable<void> play_on(termination_record& t);
  awaitable<void> carry_out(termination_record& t, const h248::signal_request& signal);
  void queue(termination_record& t, observed event);
  void tell(termination_record& t);
  void send_notices();
  std::chrono::seconds look(clock::time_point now);
  bool watch_flow(termination_record& t, clock::time_point now);
  deadline next_look(clock::time_point now) const;
  void watch_directions(clock::time_point now);
  void end_call(std::string_view by);
  void count_one_way(bool is);
  deadline next() const;

  context_home& home_;
  std::shared_ptr<turn_queue> turns_ = std::make_shared<turn_queue>();
  context_record record_;
  std::unique_ptr<gateway::context> gate_;
  lazy_deque<gateway::gateway_event> inbox_;
  std::set<std::string> interfaces_;  ///< that have changed: the streams are yet to follow
  std::vector<notice> outbox_;  ///< leaves when the turn is over: what the turn answers is heard of first
  task_group tasks_;
  event wake_;
  sweep_entry looked_at_;
  clock::time_point directions_due_{};
  bool working_ = false;
  bool closing_ = false;
};

}  // namespace agw::iq
