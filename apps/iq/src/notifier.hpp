// From the gateway's events to Notify requests: in which words, one Notify at a time for each termination.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agw/core/task_group.hpp"
#include "agw/gateway/model.hpp"
#include "agw/h248/packages.hpp"
#include "agw/h248/registration.hpp"
#include "records.hpp"

namespace agw::iq {

/// What an event of the gateway is called on Iq. Usually one; a failure is also a g/cause.
std::vector<observed> names_of(const gateway::gateway_event& event);
/// Now, on `stream`, without parameters.
observed make_observed(std::string_view package, std::string_view item, std::uint16_t stream);
void add_word(observed& o, std::string_view name, std::string_view value);
void add_text(observed& o, std::string_view name, std::string_view value);

/// The event of the active Events descriptor that asks for it; null when none does.
const h248::requested_event* match(const termination_record& termination, const observed& event);

/// Observed events as they stand in Notify and in audits. `from` is not copied.
h248::observed_event as_h248(const observed& from);

class notifier {
 public:
  notifier(asio::any_io_executor executor, h248::registration& registration, const h248::package_names& names);

  /// Queues it, and sends it as soon as the termination's last Notify was answered.
  void notify(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination, observed event);
  /// ServiceChange by the gateway itself, on `termination` (wildcards allowed).
  void service_change(std::string termination, h248::change_method method, h248::change_reason reason);

  awaitable<void> close();

 private:
  awaitable<void> send(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination);
  awaitable<void> tell(std::string termination, h248::change_method method, h248::change_reason reason);
  awaitable<bool> request(h248::action action, std::string about);

  h248::registration& registration_;
  const h248::package_names& names_;
  /// The newest ServiceChange of a name that is under way, by its number: an older one is not repeated.
  std::map<std::string, std::uint64_t> latest_;
  std::uint64_t told_ = 0;
  task_group tasks_;
};

}  // namespace agw::iq
