#include <agw/h248/error_code.hpp>

#include <algorithm>

namespace agw::h248 {
namespace {

constexpr coded_text errors[] = {
    {400, "Syntax error in message", giver::parser},
    {401, "Protocol error"},
    {402, "Unauthorized"},
    {403, "Syntax error in transaction", giver::parser | giver::endpoint},
    {406, "Version not supported", giver::parser | giver::profile | giver::endpoint},
    {410, "Incorrect identifier", giver::profile | giver::gateway},
    {411, "Unknown ContextID", giver::gateway},
    {412, "No ContextIDs available", giver::gateway},
    {413, "Too many transactions in message", giver::parser | giver::profile | giver::endpoint},
    {421, "Unknown action or illegal combination of actions", giver::profile | giver::gateway},
    {422, "Syntax error in action", giver::parser},
    {430, "Unknown TerminationID", giver::profile | giver::gateway},
    {431, "No TerminationID matched a wildcard", giver::gateway},
    {432, "No TerminationID available"},
    {433, "TerminationID already in a context", giver::gateway},
    {434, "Too many terminations in context", giver::gateway},
    {435, "TerminationID not in the context", giver::gateway},
    {440, "Unknown package", giver::profile},
    {441, "Missing Remote or Local descriptor", giver::gateway},
    {442, "Syntax error in command", giver::parser},
    {443, "Unknown command", giver::parser | giver::gateway},
    {444, "Unknown descriptor", giver::parser | giver::profile},
    {445, "Unknown property", giver::profile | giver::gateway},
    {446, "Unknown parameter", giver::profile},
    {447, "Descriptor not legal in this command", giver::parser | giver::gateway},
    {448, "Descriptor appears twice", giver::parser | giver::profile},
    {449, "Unsupported parameter or property value", giver::parser | giver::profile | giver::endpoint | giver::gateway},
    {450, "No such property in this package", giver::profile},
    {451, "No such event in this package", giver::profile},
    {452, "No such signal in this package", giver::profile},
    {453, "No such statistic in this package", giver::profile},
    {454, "No such parameter value in this package"},
    {455, "Property not legal in this descriptor", giver::profile},
    {456, "Property appears twice", giver::parser | giver::profile},
    {457, "Missing parameter in signal or event", giver::profile},
    {458, "Unexpected request id"},
    {459, "Segments not received"},
    {460, "Statistic cannot be set on a stream"},
    {461, "Unsupported profile"},
    {471, "Implied Add for multiplex failed"},
    {472, "Required information missing", giver::profile | giver::endpoint | giver::gateway},
    {473, "Conflicting property values", giver::gateway},
    {474, "Invalid SDP syntax", giver::profile | giver::gateway},
    {475, "Cannot pause playout"},
    {476, "Cannot adjust delivery speed"},
    {477, "Cannot adjust playback scale"},
    {478, "Behaviour contradicts resource rule"},
    {500, "Internal software failure", giver::endpoint | giver::gateway},
    {501, "Not implemented", giver::endpoint},
    {502, "Not ready"},
    {503, "Service unavailable", giver::endpoint | giver::gateway},
    {504, "Command from unauthorized entity", giver::endpoint},
    {505, "Transaction before the ServiceChange reply", giver::endpoint},
    {506, "Too many TransactionPendings", giver::endpoint},
    {510, "Insufficient resources", giver::parser | giver::gateway},
    {511, "Temporarily busy", giver::gateway},
    {512, "Cannot detect the requested event", giver::profile},
    {513, "Cannot generate the requested signals", giver::profile | giver::gateway},
    {514, "Cannot send the announcement"},
    {515, "Unsupported media type", giver::gateway},
    {517, "Unsupported or invalid mode", giver::profile | giver::gateway},
    {518, "Event buffer full"},
    {519, "No space for the digit map"},
    {520, "Digit map undefined"},
    {521, "Termination is in a ServiceChange"},
    {522, "Topology not supported", giver::gateway},
    {526, "Insufficient bandwidth"},
    {529, "Internal hardware failure"},
    {530, "Temporary network failure"},
    {531, "Permanent network failure"},
    {532, "Audited item does not exist", giver::profile | giver::gateway},
    {533, "Response exceeds the transport's limit", giver::endpoint},
    {534, "Property is read-only", giver::profile},
    {540, "Unexpected initial hook state"},
    {541, "Unexpected spare bit state"},
    {542, "Command not allowed on this termination", giver::controller},
    {543, "Event detection time not supported"},
    {581, "Does not exist"},
};

constexpr coded_text reasons[] = {
    {900, "900 Service Restored"},
    {901, "901 Cold Boot"},
    {902, "902 Warm Boot"},
    {903, "903 MGC Directed Change"},
    {904, "904 Termination malfunctioning"},
    {905, "905 Termination taken out of service"},
    {906, "906 Loss of lower layer connectivity"},
    {907, "907 Transmission Failure"},
    {908, "908 MG Impending Failure"},
    {909, "909 MGC Impending Failure"},
    {910, "910 Media Capability Failure"},
    {911, "911 Modem Capability Failure"},
    {912, "912 Mux Capability Failure"},
    {913, "913 Signal Capability Failure"},
    {914, "914 Event Capability Failure"},
    {915, "915 State Loss"},
    {916, "916 Packages Change"},
    {917, "917 Capability Change"},
    {918, "918 Cancel Graceful"},
    {919, "919 Warm Failover"},
    {920, "920 Cold Failover"},
};

std::string_view look_up(std::span<const coded_text> table, std::uint16_t code) noexcept {
  const auto at = std::ranges::lower_bound(table, code, {}, &coded_text::code);
  return at != table.end() && at->code == code ? at->text : std::string_view{};
}

}  // namespace

std::span<const coded_text> error_code_table() noexcept { return errors; }
std::span<const coded_text> change_reason_table() noexcept { return reasons; }
std::string_view to_text(error_code code) noexcept { return look_up(errors, static_cast<std::uint16_t>(code)); }
std::string_view to_text(change_reason reason) noexcept { return look_up(reasons, static_cast<std::uint16_t>(reason)); }

}  // namespace agw::h248
