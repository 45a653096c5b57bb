// From the gateway's events to what is notified: in which words, and what the active Events descriptor sets off. No I/O.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "agw/gateway/model.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "records.hpp"

namespace agw::iq {

/// What an event of the gateway is called on Iq. Usually one; a failure is also a g/cause.
std::vector<observed> names_of(const gateway::gateway_event& event);
/// Now, on `stream`, without parameters.
observed make_observed(std::string_view package, std::string_view item, std::uint16_t stream);
void add_word(observed& o, std::string_view name, std::string_view value);
void add_text(observed& o, std::string_view name, std::string_view value);

/// g/sc for the end of a signal; nothing where the signal did not ask for that reason.
std::optional<observed> completion_of(const playing_signal& signal, h248::completion_reason why);

/// The event of the active Events descriptor that asks for it; null when none does.
const h248::requested_event* match(const termination_record& termination, const observed& event);
/// The event of the active Events descriptor that the name stands for; null when there is none.
const h248::requested_event* subscribed(const termination_record& termination, std::string_view name);
/// An integer parameter of it.
std::int64_t number(const h248::requested_event& event, std::string_view parameter, std::int64_t otherwise);

/// Observed events as they stand in Notify and in audits. `from` is not copied.
h248::observed_event as_h248(const observed& from);

/// What an event sets off (H.248.1 7.1.9) beside what it changes in the record: the active Events descriptor, `embedded`.
struct reaction {
  std::optional<observed> notify;
  std::vector<playing_signal> stopped;  ///< signals that it ends
};
/// `regulated_percent`: of the events that ask for RegulatedNotify, how many in a hundred are notified.
reaction react(termination_record& termination, observed event, unsigned regulated_percent);

/// What the MGC is to be notified of; of one Events descriptor.
struct notice {
  h248::context_id context;
  std::string termination;
  std::uint32_t request_id = 0;
  std::uint64_t serial = 0;
  std::vector<observed> events;
};

/// Keeps an event until its Notify is sent; while no MGC answers, the newest.
void keep_for_notice(termination_record& t, observed event);
/// The events that travel together next: those of one Events descriptor. There is one at least.
notice take_notice(termination_record& t, h248::context_id context);
/// What no MGC has heard of is next again.
void put_back(termination_record& t, std::vector<observed> unheard);

}  // namespace agw::iq
