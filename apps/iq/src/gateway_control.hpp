// The control loop's part of the gateway: it knows names, places and what concerns the gateway as a whole, and sends what is asked to those who own
// the contexts.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agw/core/event.hpp"
#include "agw/core/task_group.hpp"
#include "agw/h248/endpoint.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "context_home.hpp"
#include "directory.hpp"
#include "facts.hpp"
#include "many_contexts.hpp"
#include "notifier.hpp"

namespace agw::iq {

/// What an action came to in the context where it ran.
struct action_outcome {
  bool goes_on = false;  ///< the transaction, with its next action
  std::size_t fresh_used = 0;
  std::size_t plain_used = 0;
  context_news news;
};

/// Contexts of one shard are asked for something; yields those that were not there.
using shard_question = std::function<awaitable<std::vector<h248::context_id>>(context_home&, std::vector<h248::context_id>)>;

/// Made as a shared object: what shards send back finds it, or finds that it is gone.
class gateway_control : public std::enable_shared_from_this<gateway_control> {
 public:
  gateway_control(media_gateway_config config, const gateway::gateway_services& services, shard_pool& pool, h248::endpoint& control,
                  h248::registration& registration, const h248::package_names& names);
  /// Once, after it was made shared.
  void begin();

  awaitable<void> execute(const h248::incoming_request& request, h248::outgoing_reply& reply);
  /// Heartbeats, stopped flows, interfaces: whatever a second may bring.
  void every_second();
  /// Tells when nothing has come from the MGC for as long as it asked for (it/ito), until cancelled.
  awaitable<void> watch_controller();
  /// Ends every context, and then the tasks.
  awaitable<void> close();

  void drain() noexcept { draining_ = leaving_ = true; }
  bool draining() const noexcept { return draining_; }
  awaitable<bool> empty(deadline by);
  std::size_t contexts() const noexcept { return directory_.size(); }
  void set_limits(const media_gateway_config& from);
  void set_names(const h248::package_names& names);

 private:
  friend class everywhere_action;
  friend class move_action;

  awaitable<bool> perform(const h248::incoming_request& request, const h248::action& asked, h248::outgoing_reply& reply);
  awaitable<bool> perform_there(const h248::incoming_request& request, const h248::action& asked, h248::outgoing_reply& reply,
                                std::uint32_t context, bool makes);
  /// Why an action with CHOOSE gets no context.
  std::optional<command_error> refuses_context(const h248::action& asked) const;
  std::optional<unsigned> needed_priority() const;
  void take(const context_news& news);
  void ordered(h248::change_method method);
  /// Asks the shards of these contexts, all at the same time. What a Move takes to another shard before the question arrives there is asked
  /// again where it is then. Yields those that were not where they should be: gone, or not made yet.
  awaitable<std::vector<h248::context_id>> ask_shards(std::vector<h248::context_id> to, shard_question ask);
  /// The same, where `work(home, places)` runs on the shard and `heard(its result)` here: that yields the contexts that were not there.
  template <class Work, class Heard>
  awaitable<std::vector<h248::context_id>> work_on_shards(std::vector<h248::context_id> to, Work work, Heard heard) {
    shard_question ask = [&work, &heard](context_home& home, std::vector<h248::context_id> ids) -> awaitable<std::vector<h248::context_id>> {
      auto call = many_contexts(home, std::move(ids), work);
      auto result = co_await on(home.where(), std::move(call));
      co_return heard(std::move(result));
    };
    co_return co_await ask_shards(std::move(to), std::move(ask));
  }
  /// In the turn of each, at most `at_once` of a shard under way.
  awaitable<std::vector<h248::context_id>> in_contexts(std::vector<h248::context_id> ids, std::size_t at_once,
                                                       std::function<awaitable<void>(context_owner&)> act);
  awaitable<std::vector<h248::context_id>> in_every_context(std::function<awaitable<void>(context_owner&)> act);
  awaitable<void> end_all();
  void end_unfinished(std::uint32_t context);
  awaitable<void> end_one(std::uint32_t context);

  void observe_root(observed event);
  void send_root_notice();
  awaitable<void> settled(std::string termination, std::uint64_t serial, std::vector<observed> unheard);

  /// The service status as it is now, for the actions to come.
  void renew_service();
  void watch_interfaces();
  void watch_load();
  /// Looks through all contexts for those that nobody owns, now and then.
  void watch_orphans();
  awaitable<void> end_orphans(std::vector<std::uint32_t> contexts);

  context_home& next_home() { return *homes_[turn_++ % homes_.size()]; }
  std::vector<std::string> realms() const;
  std::vector<h248::property> root_properties(h248::action_state& at) const;
  void answer_root_audit(h248::action_state& at, h248::command& answer, const h248::audit_descriptor& wanted);
  resource_use load() const;  ///< of what is scarcest

  gateway_facts facts_;
  h248::endpoint& control_;
  h248::registration& registration_;
  const h248::package_names* names_;
  std::vector<std::unique_ptr<context_home>> homes_;
  shard_pool& pool_;
  std::size_t turn_ = 0;
  directory directory_;
  std::optional<notifier> notifier_;
  task_group orders_;  ///< of the MGC, that take effect later

  termination_record root_;
  event root_changed_;
  std::shared_ptr<const service_status> service_ = std::make_shared<const service_status>();
  std::set<std::string> taken_out_;  ///< interfaces that the MGC took out of service, in lower case
  std::set<std::string> lost_;       ///< interfaces whose address has left the machine
  bool draining_ = false;            ///< Graceful on ROOT: no new calls
  bool leaving_ = false;             ///< we drain by ourselves: no word of the MGC's ends that
  bool out_of_service_ = false;      ///< Forced on ROOT: nothing new, and what stands holds its data
  bool overloaded_ = false;
  bool closing_ = false;
  clock::time_point next_sweep_{};   ///< for orphans
  bool ending_orphans_ = false;
  std::size_t performing_ = 0;       ///< actions under way
  event performed_;                  ///< one of them is over
  event emptied_;                    ///< the last context has gone
};

}  // namespace agw::iq
