// What the handlers of one media gateway share.
#pragma once

#include <map>
#include <set>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "agw/core/event.hpp"
#include "agw/iq/media_gateway.hpp"
#include "notifier.hpp"
#include "records.hpp"
#include "sdp_mapping.hpp"

namespace agw::iq {

struct state {
  state(media_gateway_config c, const gateway::gateway_services& s, shard_pool& pool, h248::endpoint& e, h248::registration& r,
        const h248::package_names& n)
      : config(std::move(c)), services(s), shards(pool), control(e), registration(r), names(n), notify(e.get_executor(), r, n), tasks(e.get_executor(), "iq") {
    root->name = "ROOT";
  }

  media_gateway_config config;
  const gateway::gateway_services& services;
  shard_pool& shards;
  h248::endpoint& control;
  h248::registration& registration;
  const h248::package_names& names;
  notifier notify;
  std::map<std::uint32_t, std::shared_ptr<context_record>> contexts;
  std::unordered_map<std::string, std::uint32_t> whereabouts;  ///< a termination's lower-case name, and its context
  std::uint32_t last_context = 0;
  std::uint32_t last_termination = 0;
  std::map<std::string, stored_property> root_properties;
  task_group tasks;  ///< timed signals, embedded signals
  std::shared_ptr<context_record> null_context = std::make_shared<context_record>();
  std::shared_ptr<termination_record> root = std::make_shared<termination_record>();
  std::map<std::string, h248::service_state> interface_service;  ///< by lower-case name; absent: in service
  std::set<std::string> lost;                                    ///< interfaces whose address has left the machine
  bool draining = false;                                         ///< Graceful on ROOT: no new calls
  bool leaving = false;                                          ///< we drain by ourselves: no word of the MGC's ends that
  bool out_of_service = false;                                   ///< Forced on ROOT: nothing new, and what stands holds its data
  bool overloaded = false;
  std::size_t making = 0;  ///< contexts that are being made
  event made;              ///< one of them is, or is not to be
  bool closing = false;
  event emptied;  ///< the last context has gone

  const interface_config* interface(std::string_view name) const;
  const interface_config* realm(std::string_view name) const;
  std::uint32_t free_context_id();
  std::uint32_t free_termination_id();

  /// A context of the gateway on `home`, or on the next shard. Null when the gateway has begun to end meanwhile.
  awaitable<std::shared_ptr<context_record>> make_context(shard* home = nullptr);
  /// The gateway's side of a context, on `home`.
  awaitable<std::unique_ptr<gateway::context>> build(h248::context_id id, shard& home);
  /// Its context is closed and destroyed on its shard, and the record is forgotten.
  awaitable<void> drop(std::shared_ptr<context_record> record);
  /// On the control loop, for an event that a shard reported.
  void report(const gateway::gateway_event& event);
  /// What the active Events descriptor says of it: Notify, embedded descriptors, the end of signals.
  void observe(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, observed event);
  /// Whether an event is one to be notified, by its NotifyBehaviour.
  bool due(const h248::requested_event& asked, termination_record& termination, const observed& event) const;

  /// A Signals descriptor takes effect: what it does not repeat with KeepActive ends, what is new starts.
  awaitable<void> play(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                       std::shared_ptr<const void> keeps, const h248::signals_descriptor& signals);
  /// Ends a signal; tells g/sc where the signal asked for that reason.
  void end_signal(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, const active_signal& signal,
                  h248::completion_reason why);

  using placed_terminations = std::vector<std::pair<std::shared_ptr<context_record>, std::shared_ptr<termination_record>>>;
  /// The service state of a termination, as modes of its streams. The context's turn is ours.
  awaitable<void> apply_service(std::shared_ptr<context_record> record, std::shared_ptr<termination_record> termination);
  /// `entered`: the context whose turn is ours already.
  awaitable<void> put_in_service(placed_terminations all, bool in_service, std::shared_ptr<context_record> entered);
  /// An interface's address has left the machine, or is back.
  awaitable<void> interface_changed(std::string interface, bool here);

  /// Heartbeats, silence of the MGC, stopped flows, interfaces: whatever a second may bring.
  awaitable<void> every_second();
  awaitable<void> watch_flow(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                             std::chrono::seconds limit);
  awaitable<void> watch_interfaces();
  /// Where a termination stands once it is our turn there: it may have been moved since, or be gone (then null).
  struct place {
    std::shared_ptr<context_record> context;
    turnstile::pass turn;
  };
  awaitable<place> enter_home(std::shared_ptr<context_record> known, std::shared_ptr<termination_record> termination);
  awaitable<void> start_signal(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                               active_signal signal);
  awaitable<void> play_list(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
                            std::shared_ptr<const void> keeps, const h248::signal_list* list);
  /// A signal's duration is over, if it still plays.
  void time_out(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, std::uint64_t number);
  bool in_service(std::string_view interface) const;
  /// Realms whose interface is in service.
  std::vector<std::string> realms() const;
  /// 0 to 1: how full the gateway is.
  double load() const;

  /// The context a termination stands in, and its record; null when there is none.
  std::shared_ptr<context_record> find(std::uint32_t id) const;
  std::shared_ptr<termination_record> find_termination(std::string_view name, std::shared_ptr<context_record>* where = nullptr) const;
  /// A termination enters a context, or leaves it for good or for another. `key` is its lower-case name.
  void enrol(const std::shared_ptr<context_record>& record, std::shared_ptr<termination_record> termination);
  void strike(context_record& record, const std::string& key);
};

std::string lower(std::string_view text);
stream_kind kind_of_answer(const stream_record& r);
stored_property stored(const h248::property& p);

}  // namespace agw::iq
