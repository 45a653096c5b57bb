// Walks through a transaction as H.248.1 8.2 and its error placement want it, so that who executes commands sees good ones
// only: actions and commands in order, a stop at the first failure unless the command is optional, W- answers united,
// unreadable parts answered with the parser's error. Used by the MG and the MGC alike.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <agw/core/awaitable.hpp>
#include <agw/h248/endpoint.hpp>
#include <agw/h248/message.hpp>

namespace agw::h248 {

class command_handler;

/// One action while it is executed: what is asked, and the answers so far.
class action_state {
 public:
  action_state(const incoming_request& request, const action& asked, outgoing_reply& reply);

  const incoming_request& request() const noexcept { return *request_; }
  const action& asked() const noexcept { return *asked_; }

  /// The context that answers stand under: as asked, until set_context() names the one that was made for CHOOSE.
  context_id context() const noexcept { return current_->context; }
  void set_context(context_id id) noexcept { current_->context = id; }
  /// For Context=*: answers from now on stand under `id`, in an action reply of their own.
  void answer_under(context_id id);

  /// Adds the answer to `to`, for the termination it is about (several for a wildcard; `name` is copied). With W- it is united with
  /// those before it when the next one comes: it is not to be touched from then on.
  command& answer(const command& to, termination_id name);
  /// The same, with the terminations as asked.
  command& answer(const command& to);
  /// Adds an answer that is an error. `text` (copied; empty takes the code's own) names the offending item.
  void fail(const command& to, error_code code, std::string_view text = {});
  void fail(const command& to, termination_id name, error_code code, std::string_view text = {});
  /// The action cannot be executed, or not to its end: an error beside the answers so far. Ends the transaction.
  void fail(error_code code, std::string_view text = {});
  bool failed() const noexcept { return failed_; }
  /// In end(): whether everything of the action has been done.
  bool good() const noexcept { return good_ && !failed_; }

  /// The context's properties in the answer.
  context_properties& properties() noexcept {
    return_to_asked();
    return current_->properties;
  }
  action& reply() noexcept { return *current_; }

  /// For who answers one command for many contexts at a time (Context=*): each part is an action_state with a reply of its own, on the thread of
  /// the contexts it speaks for. begin_part() comes before the command's answers, end_part() behind them; then the whole takes the parts in,
  /// in the order of their contexts.
  void begin_part(const command& c) { begin_command(c); }
  void end_part(const command& c);
  void join(std::vector<outgoing_reply> parts);

  std::string_view keep(std::string_view text) { return reply_->keep(text); }
  outgoing_reply& whole() noexcept { return *reply_; }

 private:
  friend awaitable<bool> execute_action(const incoming_request&, const action&, outgoing_reply&, command_handler&);
  awaitable<bool> run(command_handler& handler);
  bool goes_on() const;
  void count_action();
  void begin_command(const command& asked);
  bool end_command(const command& asked);
  void absorb();
  void absorb(descriptor& d);
  void finish_united(const command& asked);
  void add_to(statistics_descriptor& sum, const statistics_descriptor& more);
  void return_to_asked();
  command& add(const command& to);

  const incoming_request* request_;
  const action* asked_;
  outgoing_reply* reply_;
  action* first_;                  // the reply the action began with
  action* current_;
  action* uncounted_;              // the newest one: it stands in reply_->full() when the next one comes
  std::unordered_map<std::uint32_t, action*> answers_;  // those of answer_under(), by context
  std::vector<command*> last_;     // answers to the command that runs
  command part_;                   // of answers that are to become one: the last of them
  command united_;                 // and what those before it said, each thing once
  std::unordered_multimap<std::uint64_t, descriptor*> said_;  // by their digests
  std::size_t added_ = 0;
  bool uniting_ = false;
  bool elsewhere_ = false;         // the last command left us under another context than was asked for
  bool failed_ = false;
  bool good_ = true;
};

/// Implemented by who executes commands. A call ends when its work is done; what it awaits, the transaction waits for. None of them
/// throws for something that a peer can cause: that is fail().
class command_handler {
 public:
  virtual ~command_handler() = default;
  /// Before anything of the action: the place to find, or refuse, the context (411).
  virtual awaitable<void> begin(action_state&) { co_return; }
  /// The action's context properties, when there are any; before its commands.
  virtual awaitable<void> set_properties(action_state&, const context_properties&) { co_return; }
  /// One command: adds its answer or answers. A failed command leaves nothing behind (H.248.1 8: rolled back).
  virtual awaitable<void> run(action_state&, const command&) = 0;
  /// The action's context audit, after its commands: values as they are now.
  virtual awaitable<void> audit(action_state&, const context_audit&) { co_return; }
  /// After everything of the action, failed or not.
  virtual awaitable<void> end(action_state&) { co_return; }
};

/// Executes one action and adds its answers to `reply`. True when the transaction goes on with the next action.
awaitable<bool> execute_action(const incoming_request& request, const action& asked, outgoing_reply& reply, command_handler& handler);

/// Executes `request` and fills in `reply`. All of them belong to the caller's frame.
awaitable<void> execute(const incoming_request& request, outgoing_reply& reply, command_handler& handler);

}  // namespace agw::h248
