// From the gateway's events to Notify requests: which of them the MGC asked for, in which words, one Notify at a time for each
// termination.
#pragma once

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

/// Whether the active Events descriptor asks for it.
bool wanted(const termination_record& termination, const observed& event);

class notifier {
 public:
  notifier(asio::any_io_executor executor, h248::registration& registration, const h248::package_names& names);

  /// Queues what is wanted, and sends it as soon as the termination's last Notify was answered.
  void notify(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination,
              const std::vector<observed>& events);

  awaitable<void> close();

 private:
  awaitable<void> send(std::shared_ptr<context_record> context, std::shared_ptr<termination_record> termination);

  h248::registration& registration_;
  const h248::package_names& names_;
  task_group tasks_;
};

}  // namespace agw::iq
