// An action with Move: the one operation of several owners. The giving one parks the termination and hands a value over, the taking one takes it up or
// gives it back (H.248.1 7.2.4).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gateway_control.hpp"
#include "loan.hpp"

namespace agw::iq {

/// Of the control loop. It begins when it holds the turns of the context it is about and of all those that its Moves take from, and holds them to its
/// end.
class move_action final : public h248::command_handler {
 public:
  move_action(gateway_control& control, std::uint32_t context, bool makes);
  ~move_action() override;

  awaitable<void> begin(h248::action_state& at) override;
  awaitable<void> set_properties(h248::action_state& at, const h248::context_properties& wanted) override;
  awaitable<void> run(h248::action_state& at, const h248::command& c) override;
  awaitable<void> audit(h248::action_state& at, const h248::context_audit& wanted) override;
  awaitable<void> end(h248::action_state& at) override;

 private:
  using loan_ptr = std::shared_ptr<loan>;
  struct candidate {
    loan_ptr from;
    std::string key;  ///< its lower-case name
  };

  awaitable<bool> borrow(h248::action_state& at);
  awaitable<void> wait_for(std::uint32_t context);
  void forget_if_gone(const loan& of);
  void let_go();
  void settle();
  awaitable<void> move(h248::action_state& at, const h248::command& c);
  awaitable<std::vector<candidate>> candidates(const h248::command& c);
  /// False: an error was answered.
  awaitable<bool> move_one(h248::action_state& at, const h248::command& c, candidate what);
  /// What the move is refused for before anything has happened; nothing when it may begin.
  awaitable<std::optional<command_error>> refusal(const h248::command& c, candidate what);
  awaitable<checked<void>> carry(std::string key, loan_ptr from, loan_ptr to);
  /// The context that takes goes to another shard with all that stands in it. False: something of it stays with its thread, and all is as it was.
  awaitable<bool> relocate(context_home& home);
  /// What a context says of itself now; one in which nothing stands any more ends.
  awaitable<context_news> news_of(loan_ptr of);

  gateway_control& control_;
  std::uint32_t context_;
  bool makes_;
  action_terms terms_;
  action_progress progress_;
  h248::sessions_by_stream sessions_;  ///< of the Move that is carried out
  loan_ptr taker_;
  std::map<std::uint32_t, loan_ptr> lenders_;
  bool made_ = false;      ///< the context, by our first loan of it
  bool prepared_ = false;  ///< names and numbers are reserved
};

}  // namespace agw::iq
