// What the profile of the gateway refuses: commands, descriptors, packages, items, values and session descriptions that are good
// H.248, each with the error code and the text of the refusal. No state: what depends on contexts
// and terminations (430, 411, 473 between two descriptors) is not seen here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <agw/h248/error_code.hpp>
#include <agw/h248/message.hpp>
#include <agw/h248/sdp.hpp>

namespace agw::h248 {

struct objection {
  error_code code{};
  std::string where;  // "Transaction 11, Context $, Add ip/1/access/$"
  std::string what;   // the offending item, and why

  bool operator==(const objection&) const = default;
};

// "440 Unknown package: Transaction 2, Context 1, Add ip/1/core/$: vendor"
std::string to_text(const objection& o);

// The transactions of one message the profile allows (3GPP TS 29.334 5.10).
inline constexpr std::size_t profile_max_transactions = 10;

// Of the requests in it; replies cannot be refused. Names must be canonical (packages.hpp).
std::vector<objection> check_profile(const message& m);

// The session descriptions of a command, by stream, as they were read when it was checked. Absent: Local or Remote is not there, or cannot be read.
struct read_sessions {
  std::optional<std::vector<sdp>> local;
  std::optional<std::vector<sdp>> remote;
};
using sessions_by_stream = std::map<std::uint16_t, read_sessions>;

// Of one command, without `where`: for the gateway, which checks before it executes, and goes on with the descriptions that were read.
std::vector<objection> check_profile(const command& c, sessions_by_stream& sessions);

}  // namespace agw::h248
