// Replies too long for one message, in segments (H.248.1 version 3): cut by who answers, joined by who asked. No I/O.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include <agw/h248/message.hpp>

namespace agw::h248 {

/// How long a reply is as text, bytes.
using reply_measure = std::function<std::size_t(const transaction_reply&)>;

/// A reply in pieces of at most `room_bytes`, numbered from 1, the last one marked. A command's answer is never cut: one that is longer has a piece for
/// itself. One piece, without a number: there was nothing to cut. Piece by piece, so that who writes a long one can give way in between.
class reply_cutter {
 public:
  /// `whole` outlives the cutter, and stays as it is; only `immediate_ack` may change until the last piece has been taken.
  reply_cutter(const transaction_reply& whole, std::size_t room_bytes, reply_measure size_of);

  /// The next piece, with work that grows with its length; nullopt behind the last one. Views in it are those of `whole`.
  std::optional<transaction_reply> next();

 private:
  /// What is never cut: an answer, or else the properties (without a command) or the error of an action.
  struct part {
    const action* of;
    const command* answer;
    bool error;
  };
  static void add(const part& p, action& to);

  const transaction_reply& whole_;
  std::size_t room_bytes_;
  reply_measure size_of_;
  std::vector<part> parts_;
  std::size_t taken_ = 0;
  std::uint16_t pieces_ = 0;
};

/// All pieces at once.
std::vector<transaction_reply> cut(const transaction_reply& whole, std::size_t room_bytes, reply_measure size_of);

/// Appends the next piece to those before it: answers of one context that the cut parted stand together again.
void join(transaction_reply& whole, const transaction_reply& next);

}  // namespace agw::h248
