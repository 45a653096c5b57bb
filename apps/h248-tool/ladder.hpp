// The messages of a capture as a ladder: one line for each transaction, with its time and direction; a request has its reply
// beside it, repetitions and unanswered requests are marked.
#pragma once

#include <iosfwd>

#include "capture.hpp"

namespace agw::h248_tool {

// `profile`: also tells what the gateway's profile would refuse. Returns whether every message could be read (and, with
// `profile`, would be accepted).
bool print_ladder(std::ostream& out, const capture& from, bool profile);

}  // namespace agw::h248_tool
