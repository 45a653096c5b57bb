// What the handlers of one media gateway share.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "agw/core/event.hpp"
#include "agw/iq/media_gateway.hpp"
#include "notifier.hpp"
#include "records.hpp"

namespace agw::iq {

struct state {
  state(media_gateway_config c, const gateway::gateway_services& s, shard_pool& pool, h248::endpoint& e, h248::registration& r,
        const h248::package_names& n)
      : config(std::move(c)), services(s), shards(pool), control(e), registration(r), names(n), notify(e.get_executor(), r, n) {}

  media_gateway_config config;
  const gateway::gateway_services& services;
  shard_pool& shards;
  h248::endpoint& control;
  h248::registration& registration;
  const h248::package_names& names;
  notifier notify;
  std::map<std::uint32_t, std::shared_ptr<context_record>> contexts;
  std::uint32_t last_context = 0;
  std::uint32_t last_termination = 0;
  std::map<std::string, stored_property> root_properties;
  bool closing = false;
  bool draining = false;  ///< no new calls
  event emptied;          ///< the last context has gone

  const interface_config* interface(std::string_view name) const;
  const interface_config* realm(std::string_view name) const;
  std::uint32_t free_context_id();
  std::uint32_t free_termination_id();

  /// A context of the gateway on the next shard. Throws std::bad_alloc only.
  awaitable<std::shared_ptr<context_record>> make_context();
  /// Its context is closed and destroyed on its shard, and the record is forgotten.
  awaitable<void> drop(std::shared_ptr<context_record> record);
  /// On the control loop, for an event that a shard reported.
  void report(const gateway::gateway_event& event);
  /// The context a termination stands in, and its record; null when there is none.
  std::shared_ptr<context_record> find(std::uint32_t id) const;
  std::shared_ptr<termination_record> find_termination(std::string_view name, std::shared_ptr<context_record>* where = nullptr) const;
};

std::string lower(std::string_view text);

}  // namespace agw::iq
