// The commands of one transaction, executed on the gateway.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "agw/h248/transaction_executor.hpp"
#include "sdp_mapping.hpp"
#include "state.hpp"
#include "stream_choice.hpp"

namespace agw::iq {

/// A rule of the topology in the gateway's words.
struct gate_rule {
  gateway::termination_id from;
  gateway::termination_id to;
  gateway::topology how = gateway::topology::bothway;
  std::optional<gateway::stream_number> stream;
};
/// Those of `rules` whose terminations stand in the context.
std::vector<gate_rule> gate_rules(const context_record& record, const std::vector<topology_rule>& rules);
/// On the context's shard.
void tell(gateway::context& context, const std::vector<gate_rule>& rules);

/// Made for each transaction. Holds the turnstile of the context it is at, so that commands of one context never overlap.
class command_runner final : public h248::command_handler {
 public:
  explicit command_runner(state& s) : state_(s) {}

  awaitable<void> begin(h248::action_state& at) override;
  awaitable<void> set_properties(h248::action_state& at, const h248::context_properties& wanted) override;
  awaitable<void> run(h248::action_state& at, const h248::command& c) override;
  awaitable<void> audit(h248::action_state& at, const h248::context_audit& wanted) override;
  awaitable<void> end(h248::action_state& at) override;

 private:
  /// What one command says of a termination's media, in both worlds' words.
  struct media_change {
    gateway::termination_change change;
    std::map<std::uint16_t, stream_record> streams;        ///< as they are to be remembered
    std::map<std::uint16_t, stream_choice> choices;        ///< where Local was given, or Remote gave a choice
    std::map<std::uint16_t, h248::list<h248::property>> chosen;  ///< properties that were left to the gateway
    std::list<std::string> words;                          ///< what values of theirs refer to
    std::optional<std::vector<std::string>> groups;
  };

  awaitable<void> run_one(h248::action_state& at, const h248::command& c);
  awaitable<void> add(h248::action_state& at, const h248::command& c);
  awaitable<void> modify(h248::action_state& at, const h248::command& c);
  awaitable<void> move(h248::action_state& at, const h248::command& c);
  /// One termination from its context to ours, with what the command says of it. False: an error was answered.
  awaitable<bool> move_one(h248::action_state& at, const h248::command& c, std::shared_ptr<context_record> from,
                           std::shared_ptr<termination_record> termination);
  awaitable<checked<void>> carry(gateway::termination_id id, std::shared_ptr<context_record> from, std::shared_ptr<context_record> to);
  /// A context with all that stands in it goes to another thread. On an error it is where it was.
  awaitable<checked<void>> relocate(std::shared_ptr<context_record> record, shard* home);
  awaitable<void> modify_root(h248::action_state& at, const h248::command& c);
  awaitable<void> subtract(h248::action_state& at, const h248::command& c);
  awaitable<void> audit_value(h248::action_state& at, const h248::command& c);
  awaitable<void> audit_capability(h248::action_state& at, const h248::command& c);
  awaitable<void> service_change(h248::action_state& at, const h248::command& c);
  using placed_terminations = state::placed_terminations;
  /// Those that a name or wildcard means, within the action's context or in all.
  placed_terminations terminations_of(h248::termination_id pattern) const;
  /// ServiceChange of the MGC on terminations: out of service and back.
  awaitable<void> change_terminations(h248::action_state& at, const h248::command& c, h248::change_method method);
  /// The action's topology takes effect, if all it names stand in the context by now.
  awaitable<void> set_topology(h248::action_state& at);
  /// The terminations that a name in the topology means, by their lower-case names; none while one has yet to be added.
  std::vector<std::string> meant(h248::termination_id name) const;
  /// Something that the topology names was not added in the end.
  void topology_failed(h248::action_state& at);
  /// Tells the gateway what rules say, or that they are gone.
  awaitable<void> connect(std::shared_ptr<context_record> record, std::vector<topology_rule> rules);
  std::optional<unsigned> needed_priority() const;

  /// Applies media, events and signals of Add or Modify, and answers. False: an error was answered and nothing is left behind.
  awaitable<bool> configure(h248::action_state& at, const h248::command& c, std::shared_ptr<context_record> record,
                            std::shared_ptr<termination_record> termination);
  checked<media_change> media_of(const h248::command& c, const termination_record& termination) const;
  void answer_media(h248::action_state& at, h248::command& answer, const media_change& change,
                    const gateway::termination_answer& chosen, termination_record& termination);
  /// The Events of a command become the active ones.
  void subscribe(const h248::command& c, termination_record& termination) const;
  /// Whether the streams that its Signals name are there, and have what a signal is for. 449, 513.
  checked<void> check_signals(const h248::command& c, const media_change& media, const termination_record& termination) const;
  awaitable<void> play_signals(const h248::command& c, std::shared_ptr<context_record> record,
                               std::shared_ptr<termination_record> termination);
  /// The terminations of the action's context (or of all) that the command means. Empty with an error answered.
  std::vector<std::pair<std::shared_ptr<context_record>, std::shared_ptr<termination_record>>> matching(h248::action_state& at,
                                                                                                       const h248::command& c);
  awaitable<bool> enter(std::shared_ptr<context_record> record);
  /// The contexts that the action's Moves take terminations from.
  std::map<std::uint32_t, std::shared_ptr<context_record>> sources_of(const h248::action& asked) const;
  /// Enters `record`, and before it or after it the others: in the order of their ids, so that no two transactions wait for each other.
  awaitable<bool> enter_all(std::map<std::uint32_t, std::shared_ptr<context_record>> others, std::shared_ptr<context_record> record);

  state& state_;
  std::shared_ptr<context_record> record_;
  std::vector<turnstile::pass> passes_;
  bool ours_ = false;                              ///< the context is the action's
  bool made_ = false;                              ///< so, and nothing has stood in it yet
  std::string chosen_;                             ///< what the action's first Add with CHOOSE made
  std::vector<h248::topology_triple> topology_;    ///< what the action says of it and has not taken effect
};

/// For error 434.
std::string too_many(const context_record& record);

}  // namespace agw::iq
