// Replies too long for one message, in segments (H.248.1 version 3): cut by who answers, joined by who asked. No I/O.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include <agw/h248/message.hpp>

namespace agw::h248 {

/// How long a reply is as text, bytes.
using reply_measure = std::function<std::size_t(const transaction_reply&)>;

/// `whole` in pieces of at most `room_bytes`, numbered from 1, the last one marked. A command's answer is never cut: one that is longer
/// has a piece for itself. One piece, without a number: there is nothing to cut. Views in the pieces are those of `whole`.
std::vector<transaction_reply> cut(const transaction_reply& whole, std::size_t room_bytes, const reply_measure& size_of);

/// Appends the next piece to those before it: answers of one context that the cut parted stand together again.
void join(transaction_reply& whole, const transaction_reply& next);

}  // namespace agw::h248
