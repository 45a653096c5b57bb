// The gateway's own requests to the MGC: Notify and ServiceChange. Of the control loop.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "agw/core/task_group.hpp"
#include "agw/h248/packages.hpp"
#include "agw/h248/registration.hpp"
#include "context_home.hpp"

namespace agw::iq {

class notifier {
 public:
  /// `settled` hears of each notice once it was sent, with the events that no MGC has heard of; there are none when it was answered.
  using settler = std::function<awaitable<void>(std::string termination, std::uint64_t serial, std::vector<observed> unheard)>;

  notifier(loop_executor executor, h248::registration& registration, const h248::package_names& names, settler settled);

  void notify(notice n);
  /// ServiceChange by the gateway itself, on `termination` (wildcards allowed). Repeated to the next MGC until one has heard of it, or until
  /// there is newer word of the same termination.
  void service_change(std::string termination, h248::change_method method, h248::change_reason reason);

  /// Of what is sent from now on; earlier ones stay where they are.
  void set_names(const h248::package_names& names) { names_ = &names; }

  awaitable<void> close();

 private:
  awaitable<void> send(notice n);
  awaitable<void> tell(std::string termination, h248::change_method method, h248::change_reason reason);
  awaitable<bool> request(h248::action action, std::string about);

  h248::registration& registration_;
  const h248::package_names* names_;
  settler settled_;
  /// The newest ServiceChange of a name that is under way, by its number: an older one is not repeated.
  std::map<std::string, std::uint64_t> latest_;
  std::uint64_t told_ = 0;
  task_group tasks_;
};

}  // namespace agw::iq
