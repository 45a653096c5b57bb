// The commands of one action, executed in the context they are about.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agw/h248/profile_check.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "context_owner.hpp"
#include "plan.hpp"

namespace agw::iq {

/// What the control loop sends with an action.
struct action_terms {
  std::shared_ptr<const service_status> service;
  std::set<std::string> elsewhere;   ///< names in the action that stand in other contexts, in lower case
  std::vector<std::string> reserved; ///< names that it adds, in lower case: nobody else can have them while it runs
  std::vector<std::uint32_t> fresh;  ///< numbers for terminations that it adds with CHOOSE, each free on every interface
  std::vector<std::uint32_t> plain;  ///< numbers for those that it names
  bool makes_context = false;        ///< it began with CHOOSE
};

/// Context properties as they were before the action, to return to when it fails.
struct properties_before {
  std::optional<std::uint16_t> priority;
  bool emergency = false;
  bool ieps = false;
  std::map<topology_key, topology_rule> topology;
};

/// What an action has found out so far and its later commands need. Topology refers to the request.
struct action_progress {
  std::string chosen;                           ///< what its first Add with CHOOSE made
  std::vector<h248::topology_triple> topology;  ///< what it says of the topology and has not taken effect
  std::size_t fresh_used = 0;
  std::size_t plain_used = 0;
  bool untouched = true;                        ///< nothing has ever stood in a context that it makes
  bool took = false;                            ///< a Move has brought something
  std::optional<properties_before> before;
};

/// How many terminations a command concerned, and how many of them answered.
struct visit {
  std::size_t matched = 0;
  std::size_t answered = 0;
};

/// In a turn of the owner's. As h248::command_handler for an action of one context; command by command for those of several (Move, Context=*).
class context_action final : public h248::command_handler {
 public:
  context_action(context_owner& owner, const action_terms& terms, action_progress& progress)
      : owner_(owner), facts_(owner_facts(owner)), terms_(terms), progress_(progress) {}

  awaitable<void> begin(h248::action_state& at) override;
  awaitable<void> set_properties(h248::action_state& at, const h248::context_properties& wanted) override;
  awaitable<void> run(h248::action_state& at, const h248::command& c) override;
  awaitable<void> audit(h248::action_state& at, const h248::context_audit& wanted) override;
  awaitable<void> end(h248::action_state& at) override;

  /// For Context=*: answers stand under this context's number, and a command that concerns nothing here is no error.
  void answer_for_itself() noexcept { for_itself_ = true; }
  awaitable<visit> visit_with(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  void answer_audit_of_context(h248::action_state& at, const h248::context_audit& wanted);

  /// Forced and Restart by the MGC, on what stands here.
  awaitable<visit> put_in_service(h248::termination_id pattern, bool in_service);

  /// Move, at the side that takes: what the command says of a termination that has come. False: an error was answered, and it is as it came.
  awaitable<bool> configure(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions, termination_record& t);
  /// The action's topology takes effect, if all it names stand in the context by now.
  void set_topology(h248::action_state& at);
  std::string too_many() const;
  /// The context has nothing in it any more and has ended with that.
  bool gone() const noexcept { return gone_; }

 private:
  static const gateway_facts& owner_facts(context_owner& owner);

  awaitable<void> run_one(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  awaitable<void> add(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  checked<std::unique_ptr<termination_record>> fresh_termination(const h248::command& c);
  checked<const interface_config*> interface_for(const h248::command& c) const;
  awaitable<visit> modify(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  awaitable<visit> subtract(h248::action_state& at, const h248::command& c);
  visit audit_value(h248::action_state& at, const h248::command& c);
  visit audit_capability(h248::action_state& at, const h248::command& c);
  awaitable<visit> change_service(h248::action_state& at, const h248::command& c);
  void cannot_move(h248::action_state& at, const h248::command& c);

  /// The terminations that a command names. With none of them, in an action of this context alone, an error is answered.
  std::vector<termination_record*> standing(h248::termination_id pattern);
  std::vector<termination_record*> matching(h248::action_state& at, const h248::command& c);
  /// The lower-case names that a name in the topology stands for; none while one has yet to be added.
  std::vector<std::string> names_of(h248::termination_id name) const;
  checked<void> plan_topology(std::map<topology_key, topology_rule>& rules) const;
  void topology_failed(h248::action_state& at);
  void take_back_properties();

  h248::command& answer(h248::action_state& at, const h248::command& c, const termination_record& t);
  void fail(h248::action_state& at, const h248::command& c, const termination_record& t, const command_error& why);

  context_owner& owner_;
  const gateway_facts& facts_;
  const action_terms& terms_;
  action_progress& progress_;
  bool for_itself_ = false;
  bool gone_ = false;
};

/// `f(command)` for each termination of a list (version 3): as with a wildcard, each is tried, whatever becomes of the others.
template <class F>
awaitable<void> one_by_one(const h248::command& c, F f) {
  if (c.terminations.size() < 2) {
    co_await f(c);
    co_return;
  }
  auto one = c;
  for (const auto& termination : c.terminations) {
    one.terminations.clear();
    one.terminations.push_back(termination);
    co_await f(one);
  }
}

/// Why a ServiceChange of a termination cannot be: 446 without a method, 449 for one that is for ROOT, 410 for a name.
std::optional<command_error> refused_service_change(const h248::command& c);

/// Whether the Iq profile takes the command, which fails otherwise. `sessions` gets its SDP as it was read.
bool fits_profile(h248::action_state& at, const h248::command& c, h248::sessions_by_stream& sessions);

/// A command's name is refused: ROOT and CHOOSE where a termination that stands somewhere is meant, 410.
bool names_no_termination(h248::termination_id name) noexcept;

}  // namespace agw::iq
