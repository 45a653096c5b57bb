// Actions of the NULL context and of every context: ROOT, and commands that go to many owners at once.
#pragma once

#include <functional>
#include <vector>

#include "gateway_control.hpp"

namespace agw::iq {

/// What happens in each context: a command, or the audit of its properties.
using everywhere_visitor = std::function<awaitable<visit>(context_action&, h248::action_state&)>;

/// Of the control loop.
class everywhere_action final : public h248::command_handler {
 public:
  explicit everywhere_action(gateway_control& control) : control_(control) {}

  awaitable<void> begin(h248::action_state& at) override;
  awaitable<void> set_properties(h248::action_state& at, const h248::context_properties& wanted) override;
  awaitable<void> run(h248::action_state& at, const h248::command& c) override;
  awaitable<void> audit(h248::action_state& at, const h248::context_audit& wanted) override;
  /// Every termination that the pattern names, in whatever context; how many that concerns.
  awaitable<std::size_t> put_in_service(h248::termination_id pattern, bool in_service);

 private:
  awaitable<void> run_one(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  awaitable<void> run_on_root(h248::action_state& at, const h248::command& c);
  void modify_root(h248::action_state& at, const h248::command& c);
  void audit_capability_of_root(h248::action_state& at, const h248::command& c);
  awaitable<void> audit_root(h248::action_state& at, const h248::command& c);
  awaitable<void> change_service_of_root(h248::action_state& at, const h248::command& c);
  awaitable<void> change_service(h248::action_state& at, const h248::command& c);
  /// Whether the pattern stands for whole interfaces, which are put in or out of service then.
  bool change_interfaces(h248::termination_id pattern, bool restart);
  void audit_capability_of_all(h248::action_state& at, const h248::command& c);

  /// A command in every context that it concerns, on all shards at once.
  awaitable<visit> visit_all(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  awaitable<void> visit_or_fail(h248::action_state& at, const h248::command& c, const h248::sessions_by_stream& sessions);
  std::vector<h248::context_id> contexts_of(h248::termination_id pattern) const;
  /// `c` is null for what is no command. Waits until all have answered, and joins the answers in the order of the contexts.
  awaitable<visit> send(h248::action_state& at, const h248::command* c, everywhere_visitor act, std::vector<h248::context_id> to);

  gateway_control& control_;
};

}  // namespace agw::iq
