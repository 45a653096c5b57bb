// Whether there is an order of transactions that overlapped which explains all of their replies.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <agw/h248/message.hpp>

#include "model.hpp"

namespace agw::iq::overlap {

/// A transaction that was carried out, and when, in steps of the test.
struct carried_out {
  transaction asked;
  const h248::transaction_reply* said = nullptr;
  std::uint64_t begun = 0;
  std::uint64_t ended = 0;
  std::shared_ptr<const void> keeps;  ///< what `said` points into
};

enum class verdict : std::uint8_t { explained, contradiction, undecided };

struct explanation {
  verdict found = verdict::contradiction;
  state after;        ///< of the gateway, once everything has been carried out
  std::size_t nodes = 0;
  std::string why;    ///< without an explanation: what failed where the most had been explained
};

/// Every action is carried out at one moment, the actions of a transaction in their order, and a transaction that ended before another
/// began comes before it. An action that spreads is carried out in each context at a moment of its own.
explanation explain(const state& before, const std::vector<carried_out>& all, const limits& l, const moment& m);

}  // namespace agw::iq::overlap
