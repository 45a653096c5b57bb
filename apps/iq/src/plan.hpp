// What an Add, Modify or Move means for one termination, computed from the command and what the termination is now. No I/O: nothing has happened
// until the plan is committed, and a plan that is thrown away leaves nothing behind.
#pragma once

#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agw/h248/profile_check.hpp"
#include "agw/h248/transaction_executor.hpp"
#include "facts.hpp"
#include "records.hpp"
#include "stream_choice.hpp"

namespace agw::iq {

struct termination_plan {
  gateway::termination_change change;                          ///< for the gateway
  std::map<std::uint16_t, stream_record> streams;              ///< as they are to be remembered
  std::map<std::uint16_t, stream_choice> choices;              ///< where Local was given, or Remote gave a choice
  std::map<std::uint16_t, h248::list<h248::property>> chosen;  ///< properties that were left to the gateway
  std::list<std::string> words;                                ///< what values of theirs refer to
  std::optional<std::vector<std::string>> groups;
};

/// `c` is of the profile, and `sessions` is what h248::check_profile read of it. Everything that can be refused without asking the gateway is refused here: 449, 471, 473, 510, 513,
/// 515, 517 and those of the SDP.
checked<termination_plan> plan_termination(const h248::command& c, const h248::sessions_by_stream& sessions, const termination_record& now,
                                           const gateway_facts& facts);

/// After the gateway carried the change out: the record is as planned, and `answer` holds what was under- or over-specified, with the choice.
void commit(h248::action_state& at, h248::command& answer, termination_plan plan, const gateway::termination_answer& chosen,
            termination_record& record);

/// The modes of its streams as its service state lets them be, for the gateway. Nothing when no stream is concerned.
std::optional<gateway::termination_change> service_change_of(const termination_record& t, const gateway_facts& facts);

}  // namespace agw::iq
